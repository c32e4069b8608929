"""Batches of one-time links: shown once, kept as hashes, revoked."""

import csv
import io
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tests.factories.callers import Callers
from tests.factories.places import make_unit
from tests.factories.questionnaires import Survey, draft, items, make_links, make_survey, opened

from wenming_api.catalog.permissions import Permission
from wenming_api.city.survey_links.models import Link
from wenming_api.city.survey_links.rules import token_hash
from wenming_api.city.survey_links.service import LINKS
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.kit.workbooks import read_table
from wenming_api.system.roles.rules import DataScope


@pytest.fixture
async def survey(admin: httpx.AsyncClient, database: Database) -> Survey:
    return await opened(admin, database)


def _body(**changes: Any) -> dict[str, Any]:
    return {
        "per_stratum": 3,
        "expires_at": (clock.now() + timedelta(days=1)).isoformat(),
        "link_prefix": "https://wm.example.gov.cn/s#",
        **changes,
    }


async def test_links_are_shown_once_and_kept_as_hashes(
    admin: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    made = await admin.post(f"{survey.path}/link-batches", json=_body(note="第一批"))
    assert made.status_code == 201
    rows = read_table(made.content, LINKS).rows
    assert [row["no"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert [row["stratum"] for row in rows] == ["第0层"] * 3 + ["第1层"] * 3
    tokens = {row["link"].removeprefix("https://wm.example.gov.cn/s#") for row in rows}
    assert len(tokens) == 6
    async with database.read() as session:
        kept = set(await session.scalars(select(Link.token_hash)))
    assert kept == {token_hash(token) for token in tokens}
    batch = (await admin.get(made.headers["location"].removeprefix("/api/v1"))).json()
    assert (batch["links"], batch["spent"], batch["revoked"], batch["note"]) == (6, 0, 0, "第一批")
    log = (await admin.get("/audit-entries", params={"context_id": str(survey.assessment_id)})).text
    assert not any(token in log for token in tokens)


async def test_the_list_comes_as_csv_too(admin: httpx.AsyncClient, survey: Survey) -> None:
    made = await admin.post(f"{survey.path}/link-batches", json=_body(format="csv"))
    assert made.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(made.content.decode("utf-8-sig"))))
    assert [row["序号"] for row in rows] == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"expires_at": "2020-01-01T00:00:00+08:00"}, "/expires_at"),
        ({"link_prefix": "javascript:alert(1)"}, "/link_prefix"),
        ({"stratum_ids": [str(uuid7())]}, "/stratum_ids/0"),
        ({"per_stratum": 0}, "/per_stratum"),
    ],
)
async def test_wrong_orders_are_refused(
    admin: httpx.AsyncClient, survey: Survey, changes: dict[str, Any], pointer: str
) -> None:
    refused = await admin.post(f"{survey.path}/link-batches", json=_body(**changes))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


async def test_only_what_is_published_gets_links(admin: httpx.AsyncClient, database: Database) -> None:
    survey = await make_survey(database)
    await draft(admin, survey)
    refused = await admin.post(f"{survey.path}/link-batches", json=_body())
    assert (refused.status_code, refused.json()["code"]) == (409, "questionnaire_not_published")


async def test_revoked_links_are_worthless_and_spent_ones_stay_spent(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, survey: Survey
) -> None:
    tokens = await make_links(admin, survey, each=2)
    body = {"id": str(uuid7()), "token": tokens[0], "items": items()}
    assert (await client.post("/public/questionnaires/answers", json=body)).status_code == 200
    batch = (await admin.get(f"{survey.path}/link-batches")).json()["items"][0]
    path = f"{survey.path}/link-batches/{batch['id']}"
    one = await admin.post(f"{path}/revoke", json={"version": 1, "reason": "误发", "numbers": [1, 2]})
    assert (one.json()["spent"], one.json()["revoked"], one.json()["version"]) == (1, 1, 2)
    moved = await admin.post(f"{path}/revoke", json={"version": 1, "reason": "误发"})
    assert (moved.status_code, moved.json()["code"]) == (409, "version_moved")
    rest = await admin.post(f"{path}/revoke", json={"version": 2, "reason": "误发"})
    assert (rest.json()["spent"], rest.json()["revoked"]) == (1, 3)
    assert rest.json()["allowed_actions"][0]["why_not"] == "没有可作废的链接"
    for token in tokens[1:]:
        opened_ = await client.post("/public/questionnaires/open", json={"token": token})
        assert (opened_.status_code, opened_.json()["code"]) == (404, "link_invalid")


async def test_who_may(admin: httpx.AsyncClient, survey: Survey, callers: Callers, database: Database) -> None:
    await make_links(admin, survey)
    async with database.transaction() as session:
        near = await make_unit(session, region=survey.ground.counties[0])
    county = await callers.client([Permission.QUESTIONNAIRES_MANAGE], scope=DataScope.REGION, unit=near)
    reader = await callers.client([Permission.QUESTIONNAIRES_READ])
    path = f"{survey.path}/link-batches"
    assert (await reader.post(path, json=_body())).status_code == 403
    assert (await reader.get(path)).status_code == 403
    assert (await county.post(path, json=_body())).status_code == 404
    assert (await county.get(path)).json()["total"] == 0
    batch = (await admin.get(path)).json()["items"][0]["id"]
    assert (await county.get(f"{path}/{batch}")).status_code == 404
    assert (await county.post(f"{path}/{batch}/revoke", json={"version": 1, "reason": "越权"})).status_code == 404


async def test_statements(admin: httpx.AsyncClient, survey: Survey, statements: Any) -> None:
    await make_links(admin, survey, each=2)
    with statements() as sent:
        assert (await admin.get(f"{survey.path}/link-batches")).json()["total"] == 1
    assert sent.count <= 2, sent.sent
