"""Questionnaires from draft to closed: what may be changed when, by whom, and who sees them."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from tests.factories.callers import Callers
from tests.factories.places import make_county, make_unit
from tests.factories.questionnaires import Survey, draft, head, make_survey, publish, questions

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.system.roles.rules import DataScope


@pytest.fixture
async def survey(database: Database) -> Survey:
    return await make_survey(database)


async def test_from_draft_to_closed_and_revised(admin: httpx.AsyncClient, survey: Survey) -> None:
    made = await draft(admin, survey)
    assert (made["state"], made["no"], made["quota"], made["taken"]) == ("draft", 1, 40, 0)
    assert [each["code"] for each in made["questions"]] == ["age", "clean", "why", "kind", "note"]
    assert made["questions"][1]["options"][0] == {"code": "a", "text": "满意", "score": "10", "qualifies": True}
    assert made["questions"][2]["show_if"] == {"question": "clean", "choices": ["c"]}
    published = await publish(admin, survey)
    assert published["state"] == "published"
    actions = {each["action"]: each for each in published["allowed_actions"]}
    assert [name for name, each in actions.items() if each["allowed"]] == ["close", "reschedule", "revise"]
    assert "不能再修改" in actions["update"]["why_not"]
    revised = (await admin.post(f"{survey.path}/revise")).json()
    assert (revised["no"], revised["state"], revised["revises_id"]) == (2, "draft", survey.id)
    assert [each["code"] for each in revised["questions"]] == ["age", "clean", "why", "kind", "note"]
    step = {"version": revised["version"], "reason": "新版"}
    blocked = await admin.post(f"{survey.root}/{revised['id']}/publish", json=step)
    assert (blocked.status_code, blocked.json()["code"]) == (409, "questionnaire_code_taken")
    close = {"version": published["version"], "reason": "题目有误", "counted": False}
    closed = (await admin.post(f"{survey.path}/close", json=close)).json()
    assert (closed["state"], closed["counted"]) == ("closed", False)
    assert (await admin.post(f"{survey.root}/{revised['id']}/publish", json=step)).json()["state"] == "published"
    listed = (await admin.get(survey.root, params={"state": "closed"})).json()
    assert [each["id"] for each in listed["items"]] == [survey.id]
    log = (await admin.get("/audit-entries", params={"context_id": str(survey.assessment_id)})).json()["items"]
    assert [each["action"].split(".")[1] for each in log] == [
        "publish", "close", "revise", "publish", "replace", "replace_questions", "create",
    ]  # fmt: skip
    assert log[1]["reason"] == "题目有误"


async def test_published_content_is_fixed(admin: httpx.AsyncClient, survey: Survey) -> None:
    await draft(admin, survey)
    published = await publish(admin, survey)
    at = {"If-Match": f'"{published["version"]}"'}
    for refused in (
        await admin.patch(survey.path, json={"name": "改名"}, headers=at),
        await admin.put(f"{survey.path}/questions", json={"questions": []}, headers=at),
        await admin.put(f"{survey.path}/strata", json={"strata": []}, headers=at),
        await admin.delete(survey.path, headers=at),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "questionnaire_fixed")
    again = await admin.post(f"{survey.path}/publish", json={"version": published["version"], "reason": "再次"})
    assert (again.status_code, again.json()["allowed"]) == (409, ["close"])


async def test_versions_guard_every_change(admin: httpx.AsyncClient, survey: Survey) -> None:
    made = await draft(admin, survey)
    stale = {"If-Match": f'"{made["version"] + 7}"'}
    assert (await admin.patch(survey.path, json={"name": "新"}, headers=stale)).status_code == 412
    assert (await admin.put(f"{survey.path}/questions", json={"questions": []}, headers=stale)).status_code == 412
    assert (await admin.put(f"{survey.path}/strata", json={"strata": []}, headers=stale)).status_code == 412
    assert (await admin.delete(survey.path)).status_code == 428
    moved = await admin.post(f"{survey.path}/publish", json={"version": 99, "reason": "版本不对"})
    assert (moved.status_code, moved.json()["code"]) == (409, "version_moved")
    renamed = await admin.patch(survey.path, json={"name": "新"}, headers={"If-Match": f'"{made["version"]}"'})
    assert renamed.json()["name"] == "新"
    assert (await admin.delete(survey.path, headers={"If-Match": renamed.headers["etag"]})).status_code == 204
    assert (await admin.get(survey.path)).status_code == 404


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"closes_at": (clock.now() - timedelta(days=9)).isoformat()}, "/closes_at"),
        ({"opens_at": "2026-11-01T00:00:00"}, "/opens_at"),
        ({"opens_at": "0001-01-01T00:00:00+08:00"}, "/opens_at"),
        ({"closes_at": "9999-12-31T23:59:59Z"}, "/closes_at"),
        ({"per_device": 0}, "/per_device"),
        ({"name": "\x00"}, "/name"),
    ],
)
async def test_a_wrong_head_is_refused(
    admin: httpx.AsyncClient, survey: Survey, changes: dict[str, Any], pointer: str
) -> None:
    refused = await admin.post(survey.root, json=head(**changes))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


async def test_faults_in_questions_are_listed_at_once_and_nothing_is_saved(
    admin: httpx.AsyncClient, survey: Survey
) -> None:
    made = await draft(admin, survey)
    wrong = questions(survey.ground)
    wrong[1]["standard_id"] = str(survey.assessment_id)
    wrong[3]["high"] = 1
    refused = await admin.put(
        f"{survey.path}/questions", json={"questions": wrong}, headers={"If-Match": f'"{made["version"]}"'}
    )
    assert [each["pointer"] for each in refused.json()["errors"]] == [
        "/questions/3/high", "/questions/1/standard_id",
    ]  # fmt: skip
    assert (await admin.get(survey.path)).json()["questions"] == made["questions"]


async def test_an_unfinished_draft_cannot_be_published(admin: httpx.AsyncClient, survey: Survey) -> None:
    made = (await admin.post(survey.root, json=head(method_code="field", opens_at=None, closes_at=None))).json()
    refused = await admin.post(f"{survey.root}/{made['id']}/publish", json={"version": 1, "reason": "试试"})
    assert refused.json()["code"] == "questionnaire_incomplete"
    assert [each["pointer"] for each in refused.json()["errors"]] == [
        "/questions", "/strata", "/opens_at", "/method_code",
    ]  # fmt: skip
    again = await admin.post(survey.root, json=head())
    assert (again.status_code, again.json()["code"]) == (409, "questionnaire_code_taken")


async def test_the_window_may_be_moved(admin: httpx.AsyncClient, survey: Survey) -> None:
    await draft(admin, survey)
    version = (await publish(admin, survey))["version"]
    now = clock.now()
    body = {
        "version": version,
        "opens_at": now.isoformat(),
        "closes_at": (now + timedelta(days=9)).isoformat(),
        "reason": "阴雨顺延",
    }
    moved = await admin.post(f"{survey.path}/reschedule", json=body)
    assert moved.status_code == 200
    wrong = await admin.post(
        f"{survey.path}/reschedule", json=body | {"version": moved.json()["version"], "closes_at": now.isoformat()}
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/closes_at")


async def test_nothing_moves_once_the_assessment_is_over(
    admin: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    made = await draft(admin, survey)
    async with database.transaction() as session:
        await session.execute(update(Assessment).values(state=AssessmentState.CLOSED))
    for refused in (
        await admin.post(survey.root, json=head("other")),
        await admin.patch(survey.path, json={"name": "新"}, headers={"If-Match": f'"{made["version"]}"'}),
        await admin.post(f"{survey.path}/publish", json={"version": made["version"], "reason": "太晚"}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "entry_frozen")
    detail = (await admin.get(survey.path)).json()
    assert {each["allowed"] for each in detail["allowed_actions"]} == {False}


async def test_who_may_and_who_sees(
    admin: httpx.AsyncClient, survey: Survey, callers: Callers, database: Database
) -> None:
    made = await draft(admin, survey)
    reads, manages = Permission.QUESTIONNAIRES_READ, Permission.QUESTIONNAIRES_MANAGE
    async with database.transaction() as session:
        near = await make_unit(session, region=survey.ground.counties[0])
        far = await make_unit(session, region=await make_county(session, 77))
    county = await callers.client([reads, manages], scope=DataScope.REGION, unit=near)
    stranger = await callers.client([reads, manages], scope=DataScope.REGION, unit=far)
    nobody = await callers.client([Permission.ASSESSMENTS_READ])
    office = await callers.client([reads, manages])
    assert (await nobody.get(survey.path)).status_code == 403
    for client in (county, stranger):  # a draft is its office's alone
        assert (await client.get(survey.path)).status_code == 404
        assert (await client.get(survey.root)).json()["total"] == 0
    denied = await office.post(f"{survey.path}/publish", json={"version": made["version"], "reason": "越权"})
    assert denied.status_code == 403
    await publish(admin, survey)
    assert (await stranger.get(survey.path)).status_code == 404
    detail = await county.get(survey.path)
    assert detail.status_code == 200
    assert {each["allowed"] for each in detail.json()["allowed_actions"]} == {False}
    assert (await county.post(f"{survey.path}/revise")).status_code == 403
    assert (await stranger.post(f"{survey.path}/revise")).status_code == 404
    strata = (await county.get(f"{survey.path}/strata")).json()["items"]
    assert [each["code"] for each in strata] == ["S0"]
    assert (await county.get(f"{survey.path}/strata/{survey.strata['S1']}")).status_code == 404
    assert (await county.post(survey.root, json=head("mine"))).status_code == 403


async def test_statements(admin: httpx.AsyncClient, survey: Survey, statements: Any) -> None:
    await draft(admin, survey)
    for path, most in ((survey.root, 2), (survey.path, 2), (f"{survey.path}/strata", 2)):
        await admin.get(path)
        with statements() as sent:
            assert (await admin.get(path)).status_code == 200
        assert sent.count <= most, sent.sent
