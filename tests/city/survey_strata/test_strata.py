"""Strata: set in a draft, their quotas moved until the questionnaire closes."""

import httpx
import pytest
from tests.factories.places import make_county
from tests.factories.questionnaires import Survey, draft, make_survey, publish

from wenming_api.kit.db import Database


@pytest.fixture
async def survey(database: Database) -> Survey:
    return await make_survey(database)


async def test_strata_lie_inside_the_assessment_and_differ(
    admin: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    made = await draft(admin, survey)
    async with database.transaction() as session:
        far = await make_county(session, 78)
        far.path = "999900000000/"
    county = str(survey.ground.counties[0].id)
    strata = [
        {"code": "A", "region_id": county, "quota": 20},
        {"code": "A", "region_id": str(far.id), "quota": 20},
        {"code": "B", "region_id": str(survey.assessment_id), "quota": 20},
    ]
    at = {"If-Match": f'"{made["version"]}"'}
    refused = await admin.put(f"{survey.path}/strata", json={"strata": strata}, headers=at)
    assert [each["pointer"] for each in refused.json()["errors"]] == [
        "/strata/1/region_id", "/strata/1/code", "/strata/2/region_id",
    ]  # fmt: skip
    put = await admin.put(f"{survey.path}/strata", json={"strata": strata[:1]}, headers=at)
    assert (put.json()["strata"], put.json()["quota"]) == (1, 20)
    named = (await admin.get(f"{survey.path}/strata")).json()["items"][0]
    assert (named["name"], named["left"]) == (survey.ground.counties[0].name, 20)


async def test_a_quota_is_moved_with_a_reason(admin: httpx.AsyncClient, survey: Survey) -> None:
    await draft(admin, survey)
    version = (await publish(admin, survey))["version"]
    path = f"{survey.path}/strata/{survey.strata['S0']}"
    detail = (await admin.get(path)).json()
    assert detail["allowed_actions"][0]["allowed"] is True
    body = {"version": detail["version"], "quota": 25, "reason": "补充样本"}
    assert (await admin.post(f"{path}/requota", json=body)).json()["quota"] == 25
    assert (await admin.post(f"{path}/requota", json=body)).json()["code"] == "version_moved"
    await admin.post(f"{survey.path}/close", json={"version": version, "reason": "收齐"})
    late = await admin.post(f"{path}/requota", json=body | {"version": 2})
    assert (late.status_code, late.json()["code"]) == (409, "entry_frozen")
    assert (await admin.get(path)).json()["allowed_actions"][0]["why_not"] == "问卷已结束"
    listed = await admin.get(f"{survey.path}/strata", params={"sort": "-left", "open_only": True})
    assert [each["left"] for each in listed.json()["items"]] == [25, 20]
