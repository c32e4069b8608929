"""The late tray: decided by somebody else, once, with a reason."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from tests.factories.callers import Callers
from tests.factories.sheets import FieldWork, make_field_work, make_sheets

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.scoring.models import Sheet
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.system.roles.rules import DataScope

REASON = "信号不好，数据属实"


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


@pytest.fixture
async def decider(callers: Callers) -> httpx.AsyncClient:
    return await callers.client([Permission.LATE_DECIDE])


async def change(database: Database, work: FieldWork, state: AssessmentState) -> None:
    async with database.transaction() as session:
        (await session.get_one(Assessment, work.assessment.id)).state = state


async def send(client: httpx.AsyncClient, work: FieldWork, *items: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.post(
        f"{work.path}/submissions", json={"items": items}, headers={"Idempotency-Key": str(uuid7())}
    )
    results: list[dict[str, Any]] = answer.json()["items"]
    return results


@pytest.fixture
async def late(assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheets: list[Sheet]) -> dict[str, Any]:
    await change(database, work, AssessmentState.REVIEWING)
    item = work.submission(sheet_id=str(sheets[0].id))
    assert [each["outcome"] for each in await send(assessor, work, item)] == ["late"]
    return item


async def test_admitted_as_the_assessors_own_with_the_time_it_came(
    decider: httpx.AsyncClient,
    assessor: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    work: FieldWork,
    late: dict[str, Any],
) -> None:
    path = f"{work.path}/late-submissions"
    (row,) = (await decider.get(path, params={"state": "waiting"})).json()["items"]
    detail = (await decider.get(f"{path}/{row['id']}")).json()
    assert detail["submission"]["lines"][0]["standard_id"] == late["lines"][0]["standard_id"]
    assert [each["allowed"] for each in detail["allowed_actions"]] == [True, True]
    answer = await decider.post(f"{path}/{row['id']}/admit", json={"version": row["version"], "reason": REASON})
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["reason"]) == ("admitted", REASON)
    sheet = (await admin.get(f"{work.path}/sheets/{late['sheet_id']}")).json()
    assert (sheet["state"], sheet["current"]["id"]) == ("submitted", late["id"])
    assert sheet["current"]["received_at"] == row["received_at"]
    assert sheet["current"]["author_id"] == row["assessor_id"]
    assert [each["outcome"] for each in await send(assessor, work, late)] == ["repeated"]
    log = (await admin.get(f"{work.path}/log")).json()["items"]
    logged = sorted(each["action"] for each in log)
    assert logged == [
        "late_submissions.admit",
        "late_submissions.receive",
        "sheets.submit",
    ]


async def test_rejected_for_good(
    decider: httpx.AsyncClient, assessor: httpx.AsyncClient, work: FieldWork, late: dict[str, Any]
) -> None:
    path = f"{work.path}/late-submissions/{late['id']}"
    bare = await decider.post(f"{path}/reject", json={"version": 1})
    assert bare.status_code == 422
    answer = await decider.post(f"{path}/reject", json={"version": 1, "reason": "超过时限三天"})
    assert answer.json()["state"] == "rejected"
    (result,) = await send(assessor, work, late)
    assert result["problem"]["code"] == "late_rejected"
    assert "超过时限三天" in result["problem"]["detail"]
    again = await decider.post(f"{path}/admit", json={"version": 2, "reason": REASON})
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")


async def test_of_two_deciders_at_once_one_decides(callers: Callers, work: FieldWork, late: dict[str, Any]) -> None:
    path = f"{work.path}/late-submissions/{late['id']}"
    deciders = [await callers.client([Permission.LATE_DECIDE]) for _ in range(2)]
    answers = await asyncio.gather(
        deciders[0].post(f"{path}/admit", json={"version": 1, "reason": REASON}),
        deciders[1].post(f"{path}/reject", json={"version": 1, "reason": "超过时限"}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_not_by_the_assessor_himself_nor_from_elsewhere(
    callers: Callers, database: Database, work: FieldWork, late: dict[str, Any]
) -> None:
    path = f"{work.path}/late-submissions"
    both = await callers.client([Permission.LATE_DECIDE, Permission.SHEETS_SUBMIT])
    async with database.transaction() as session:
        sheet = (await make_sheets(session, work, assessor=callers.user_of(both)))[0]
    own = work.submission(sheet_id=str(sheet.id))
    assert [each["outcome"] for each in await send(both, work, own)] == ["late"]
    answer = await both.post(f"{path}/{own['id']}/admit", json={"version": 1, "reason": REASON})
    assert answer.status_code == 403
    elsewhere = await callers.client(
        [Permission.LATE_DECIDE], scope=DataScope.CUSTOM, regions=[work.sites[-1].region_id]
    )
    assert (await elsewhere.get(path)).json()["total"] == 0
    assert (await elsewhere.get(f"{path}/{late['id']}")).status_code == 404
    answer = await elsewhere.post(f"{path}/{late['id']}/reject", json={"version": 1, "reason": REASON})
    assert answer.status_code == 404
    without = await callers.client([Permission.SHEETS_READ])
    assert (await without.get(path)).status_code == 403


async def test_what_no_longer_fits_is_not_admitted(
    decider: httpx.AsyncClient, assessor: httpx.AsyncClient, database: Database, work: FieldWork, late: dict[str, Any]
) -> None:
    await change(database, work, AssessmentState.IN_PROGRESS)
    await assessor.post(f"{work.path}/sheets/{late['sheet_id']}/submit", json=work.submission())
    path = f"{work.path}/late-submissions/{late['id']}"
    answer = await decider.post(f"{path}/admit", json={"version": 1, "reason": REASON})
    assert (answer.status_code, answer.json()["code"]) == (409, "submission_outdated")
    assert (await decider.get(path)).json()["state"] == "waiting"


async def test_a_closed_assessment_admits_nothing(
    decider: httpx.AsyncClient, database: Database, work: FieldWork, late: dict[str, Any]
) -> None:
    await change(database, work, AssessmentState.CLOSED)
    path = f"{work.path}/late-submissions/{late['id']}"
    answer = await decider.post(f"{path}/admit", json={"version": 1, "reason": REASON})
    assert (answer.status_code, answer.json()["code"]) == (409, "entry_frozen")
    assert (await decider.post(f"{path}/reject", json={"version": 1, "reason": REASON})).status_code == 200
