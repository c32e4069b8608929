"""Assigning over HTTP: by hand, evenly, blind, once; never for a void draw."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from tests.factories.callers import Callers, make_user
from tests.factories.sheets import FieldWork, make_field_work, make_sheets

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment, AssessmentAssessor
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.scoring.models import Sheet
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.units.models import Unit


@pytest.fixture
async def work(database: Database) -> FieldWork:
    async with database.transaction() as session:
        return await make_field_work(session, sites=4)


async def count(database: Database) -> int:
    async with database.read() as session:
        return (await session.execute(select(func.count()).select_from(Sheet))).scalar_one()


def pairs(work: FieldWork, *places: int, assessor: int = 0) -> dict[str, Any]:
    user = str(work.assessors[assessor].id)
    return {"assignments": [{"site_id": str(work.sites[place].id), "assessor_id": user} for place in places]}


async def test_by_hand_once(admin: httpx.AsyncClient, database: Database, work: FieldWork) -> None:
    path = f"{work.path}/sheets"
    first = await admin.post(path, json=pairs(work, 0, 1, 1))
    assert (first.status_code, first.json()["made"], first.json()["existing"]) == (201, 2, 0)
    again = (await admin.post(path, json=pairs(work, 1, 2))).json()
    assert (again["made"], again["existing"]) == (1, 1)
    load = {each["assessor_id"]: (each["new"], each["total"]) for each in again["loads"]}
    assert load[str(work.assessors[0].id)] == (1, 3)
    assert await count(database) == 3
    log = (await admin.get(f"{work.path}/log")).json()["items"]
    assert [row["action"] for row in log] == ["sheets.assign"] * 2


async def test_evenly_with_several_assessors_and_at_once(callers: Callers, database: Database, work: FieldWork) -> None:
    offices = [await callers.client([Permission.SHEETS_ASSIGN]) for _ in range(2)]
    path = f"{work.path}/sheets/distribute"
    tried = (await offices[0].post(path, json={"dry_run": True})).json()
    assert (tried["applied"], tried["made"]) == (False, len(work.sites))
    assert sorted(each["new"] for each in tried["loads"]) == [4, 4]
    assert await count(database) == 0
    answers = await asyncio.gather(*(office.post(path, json={"per_site": 2}) for office in offices))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["made"] for answer in answers) == 2 * len(work.sites)
    assert await count(database) == 2 * len(work.sites)
    short = (await offices[0].post(path, json={"per_site": 3})).json()
    assert (short["made"], len(short["shortages"])) == (0, len(work.sites))


async def test_nobody_gets_his_own_unit_or_what_lies_outside_his_part(
    admin: httpx.AsyncClient, database: Database, work: FieldWork
) -> None:
    async with database.transaction() as session:
        insider = await make_user(session, unit=await session.get_one(Unit, work.responsible.id))
        part = await session.get_one(AssessmentAssessor, (work.assessment.id, work.assessors[1].id))
        part.region_ids = [work.sites[-1].region_id]
        session.add(
            AssessmentAssessor(
                assessment_id=work.assessment.id, user_id=insider.id, region_ids=[], site_type_codes=["99"]
            )
        )
        session.add(await _assessor(session, work, work.responsible))
    wrong = {
        "assignments": [
            {"site_id": str(work.sites[0].id), "assessor_id": str(insider.id)},
            {"site_id": str(work.sites[-1].id), "assessor_id": str(insider.id)},
            {"site_id": str(work.sites[0].id), "assessor_id": str(work.assessors[1].id)},
            {"site_id": str(uuid7()), "assessor_id": str(work.assessors[0].id)},
            {"site_id": str(work.sites[0].id), "assessor_id": str(uuid7())},
            {"site_id": str(work.sites[0].id), "assessor_id": str(work.assessors[0].id)},
        ]
    }
    answer = await admin.post(f"{work.path}/sheets", json=wrong)
    assert answer.status_code == 422
    found = {error["pointer"]: error["message"] for error in answer.json()["errors"]}
    assert "本单位" in found["/assignments/0/assessor_id"]
    assert "类型" in found["/assignments/1/assessor_id"]
    assert "区域" in found["/assignments/2/assessor_id"]
    assert set(found) == {f"/assignments/{at}/{'site_id' if at == 3 else 'assessor_id'}" for at in range(5)}
    assert await count(database) == 0
    await admin.post(f"{work.path}/sheets/distribute", json={"per_site": 3})
    async with database.read() as session:
        sheets = list(await session.scalars(select(Sheet)))
    assert sheets
    for sheet in sheets:
        assert sheet.owner_id != insider.id
        assert sheet.owner_id != work.assessors[1].id or sheet.region_path == work.sites[-1].region_path


async def _assessor(session: Any, work: FieldWork, unit: Unit) -> AssessmentAssessor:
    user = await make_user(session, unit=await session.get_one(Unit, unit.id))
    return AssessmentAssessor(assessment_id=work.assessment.id, user_id=user.id, region_ids=[], site_type_codes=[])


async def test_a_county_office_assigns_in_its_own_part(callers: Callers, work: FieldWork) -> None:
    county = work.sites[0]
    office = await callers.client([Permission.SHEETS_ASSIGN], scope=DataScope.CUSTOM, regions=[county.region_id])
    made = (await office.post(f"{work.path}/sheets/distribute", json={})).json()["made"]
    assert made == sum(site.region_path == county.region_path for site in work.sites)
    outside = await office.post(f"{work.path}/sheets", json=pairs(work, -1))
    assert (outside.status_code, outside.json()["errors"][0]["pointer"]) == (422, "/assignments/0/site_id")
    without = await callers.client([Permission.SHEETS_READ])
    assert (await without.post(f"{work.path}/sheets", json=pairs(work, 0))).status_code == 403


async def test_not_for_a_void_draw_nor_out_of_season(
    admin: httpx.AsyncClient, database: Database, work: FieldWork
) -> None:
    async with database.transaction() as session:
        assessment = await session.get_one(Assessment, work.assessment.id)
        assessment.state = AssessmentState.REVIEWING
    for path, body in ((f"{work.path}/sheets", pairs(work, 0)), (f"{work.path}/sheets/distribute", {})):
        answer = await admin.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "assignment_closed")
    async with database.transaction() as session:
        assessment = await session.get_one(Assessment, work.assessment.id)
        assessment.state, assessment.effective_draw_id = AssessmentState.SAMPLING, None
    answer = await admin.post(f"{work.path}/sheets", json=pairs(work, 0))
    assert (answer.status_code, "作废" in answer.json()["detail"]) == (409, True)
    missing = await admin.post(f"/assessments/{uuid7()}/sheets", json=pairs(work, 0))
    assert missing.status_code == 404
    assert await count(database) == 0


async def test_taken_back_while_nothing_is_submitted(
    admin: httpx.AsyncClient, callers: Callers, database: Database, work: FieldWork
) -> None:
    async with database.transaction() as session:
        drafted, submitted = (await make_sheets(session, work))[:2]
    assessor = await callers.sign_in(work.assessors[0])
    path = f"{work.path}/sheets"
    await assessor.put(f"{path}/{drafted.id}/draft", json={"lines": []}, headers={"If-Match": '"1"'})
    await assessor.post(f"{path}/{submitted.id}/submit", json=work.submission())
    assert (await admin.delete(f"{path}/{drafted.id}")).status_code == 428
    stale = await admin.delete(f"{path}/{drafted.id}", headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    assert (await admin.delete(f"{path}/{drafted.id}", headers={"If-Match": '"2"'})).status_code == 204
    assert (await admin.get(f"{path}/{drafted.id}")).status_code == 404
    kept = await admin.delete(f"{path}/{submitted.id}", headers={"If-Match": '"2"'})
    assert (kept.status_code, kept.json()["code"]) == (409, "illegal_transition")
    assert (await assessor.delete(f"{path}/{submitted.id}", headers={"If-Match": '"2"'})).status_code == 403
