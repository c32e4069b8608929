"""Sheets over HTTP: lists, details, drafts; who sees what; how many statements that takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.factories.callers import Callers
from tests.factories.sheets import FieldWork, make_field_work, make_sheets

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.scoring.models import Sheet
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.system.roles.rules import DataScope


@pytest.fixture
async def work(database: Database) -> FieldWork:
    async with database.transaction() as session:
        return await make_field_work(session)


@pytest.fixture
async def sheets(database: Database, work: FieldWork) -> list[Sheet]:
    async with database.transaction() as session:
        return await make_sheets(session, work)


@pytest.fixture
async def assessor(callers: Callers, work: FieldWork, sheets: list[Sheet]) -> httpx.AsyncClient:
    return await callers.sign_in(work.assessors[0])


def url(work: FieldWork, sheet: Sheet, *more: str) -> str:
    return "/".join([f"{work.path}/sheets/{sheet.id}", *more])


async def test_an_assessor_finds_his_sheets_and_what_to_judge(
    assessor: httpx.AsyncClient, work: FieldWork, sheets: list[Sheet], statements: Callable[..., Any]
) -> None:
    listed = (await assessor.get("/me/sheets")).json()
    assert listed["total"] == len(sheets)
    assert {row["state"] for row in listed["items"]} == {"assigned"}
    await assessor.get(url(work, sheets[0]))
    with statements() as sent:
        answer = await assessor.get(url(work, sheets[0]))
    assert sent.count <= 2
    detail = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert [line["text"] for line in detail["form"]] == ["pass_fail", "deduction", "count"]
    assert detail["form"][0]["max_score"] == "4"
    allowed = {each["action"]: each["allowed"] for each in detail["allowed_actions"]}
    assert allowed == {
        "save_draft": True,
        "submit": True,
        "correct": False,
        "accept": False,
        "return": False,
        "unassign": False,
    }
    assert all(each["why_not"] for each in detail["allowed_actions"] if not each["allowed"])


async def test_lists_filter_sort_and_cost_two_statements(
    admin: httpx.AsyncClient, work: FieldWork, sheets: list[Sheet], statements: Callable[..., Any]
) -> None:
    with statements() as sent:
        listed = (await admin.get(f"{work.path}/sheets", params={"sort": "-submitted_at", "state": "assigned"})).json()
    assert sent.count <= 3
    assert listed["total"] == len(sheets)
    county = work.sites[0].region_path
    inside = (await admin.get(f"{work.path}/sheets", params={"under": county})).json()
    assert {row["region_path"] for row in inside["items"]} == {county}
    named = (await admin.get(f"{work.path}/sheets", params={"q": work.sites[0].name})).json()
    assert [row["site_id"] for row in named["items"]] == [str(work.sites[0].id)]
    none = (await admin.get(f"{work.path}/sheets", params={"assessor_id": str(work.assessors[1].id)})).json()
    assert none["total"] == 0


async def test_who_sees_which_sheets(
    callers: Callers, database: Database, work: FieldWork, sheets: list[Sheet]
) -> None:
    path = f"{work.path}/sheets"
    async with database.transaction() as session:
        await make_sheets(session, work, assessor=work.assessors[1], count=1)
    county = work.sites[0]
    office = await callers.client([Permission.SHEETS_READ], scope=DataScope.CUSTOM, regions=[county.region_id])
    seen = (await office.get(path)).json()["items"]
    assert {row["region_path"] for row in seen} == {county.region_path}
    assert len(seen) == 3
    outside = next(sheet for sheet in sheets if sheet.region_path != county.region_path)
    assert (await office.get(url(work, outside))).status_code == 404
    other = await callers.sign_in(work.assessors[1])
    assert (await other.get("/me/sheets")).json()["total"] == 1
    nobody = await callers.client([Permission.SITES_READ])
    assert (await nobody.get(path)).status_code == 403
    assert (await nobody.get("/me/sheets")).status_code == 403


async def test_the_responsible_unit_sees_its_own_after_publication_only(
    callers: Callers, database: Database, work: FieldWork, sheets: list[Sheet]
) -> None:
    unit = await callers.client([Permission.SHEETS_READ], scope=DataScope.UNIT_AND_BELOW, unit=work.responsible)
    path = f"{work.path}/sheets"
    own = next(sheet for sheet in sheets if sheet.unit_path)
    assert (await unit.get(path)).json()["total"] == 0
    assert (await unit.get(url(work, own))).status_code == 404
    async with database.transaction() as session:
        assessment = await session.merge(work.assessment)
        assessment.result_id = uuid7()
    seen = (await unit.get(path)).json()["items"]
    assert {row["site_id"] for row in seen} == {str(sheet.site_id) for sheet in sheets if sheet.unit_path}
    assert (await unit.get(url(work, own))).status_code == 200
    foreign = next(sheet for sheet in sheets if not sheet.unit_path)
    assert (await unit.get(url(work, foreign))).status_code == 404


async def test_a_draft_is_kept_for_its_author_and_guarded_by_its_version(
    assessor: httpx.AsyncClient, admin: httpx.AsyncClient, work: FieldWork, sheets: list[Sheet]
) -> None:
    path = url(work, sheets[0], "draft")
    body = {"lines": work.lines()[:1], "note": "上午"}
    assert (await assessor.put(path, json=body)).status_code == 428
    saved = await assessor.put(path, json=body, headers={"If-Match": '"1"'})
    assert saved.status_code == 200
    assert (saved.json()["state"], saved.headers["etag"]) == ("draft", '"2"')
    stale = await assessor.put(path, json=body, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    mine = (await assessor.get(url(work, sheets[0]))).json()
    assert mine["draft"]["note"] == "上午"
    assert len(mine["draft"]["lines"]) == 1
    assert (await admin.get(url(work, sheets[0]))).json()["draft"] is None
    log = (await admin.get(f"{work.path}/log")).json()["items"]
    assert [row["action"] for row in log] == ["sheets.save_draft"]


async def test_no_drafts_while_entry_is_frozen(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheets: list[Sheet]
) -> None:
    async with database.transaction() as session:
        (await session.merge(work.assessment)).state = AssessmentState.PAUSED
    answer = await assessor.put(url(work, sheets[0], "draft"), json={"lines": []}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (409, "entry_frozen")
    refused = {
        each["action"]: each["why_not"] for each in (await assessor.get(url(work, sheets[0]))).json()["allowed_actions"]
    }
    assert "冻结" in refused["submit"]


@pytest.mark.parametrize(
    "body",
    [
        {"lines": [], "note": "\x00"},
        {"lines": [], "note": "长" * 1001},
        {"lines": [{"standard_id": "no", "entry": {}}]},
        {"lines": [{"standard_id": "018f0000-0000-7000-8000-000000000000", "entry": {"count": "NaN"}}]},
        {"lines": [{"standard_id": "018f0000-0000-7000-8000-000000000000", "entry": {"unknown": 1}}]},
        {"note": "无 lines"},
    ],
)
async def test_a_bad_draft_is_explained(
    assessor: httpx.AsyncClient, work: FieldWork, sheets: list[Sheet], body: dict[str, Any]
) -> None:
    answer = await assessor.put(url(work, sheets[0], "draft"), json=body, headers={"If-Match": '"1"'})
    assert answer.status_code == 422
    assert answer.json()["errors"]
