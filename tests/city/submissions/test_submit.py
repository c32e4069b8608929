"""Submitting a sheet over HTTP: what is stored, what is refused, what it costs, and that it happens once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from tests.factories.callers import Callers, make_user
from tests.factories.sheets import FieldWork, make_field_work, make_photo, make_sheets
from tests.waiting import eventually

from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.sampling.models import DrawSite
from wenming_api.city.sampling.rules import DrawSiteStatus
from wenming_api.city.scoring.models import ScoreLine, Sheet, SheetVersion
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.kit.decoding import Defect
from wenming_api.kit.ids import uuid7
from wenming_api.system.files.rules import FileState
from wenming_api.system.users.models import User


@pytest.fixture
async def work(database: Database) -> FieldWork:
    async with database.transaction() as session:
        return await make_field_work(session)


@pytest.fixture
async def sheet(database: Database, work: FieldWork) -> Sheet:
    async with database.transaction() as session:
        return (await make_sheets(session, work))[0]


@pytest.fixture
async def assessor(callers: Callers, work: FieldWork, sheet: Sheet) -> httpx.AsyncClient:
    return await callers.sign_in(work.assessors[0])


def url(work: FieldWork, sheet: Sheet, verb: str = "submit") -> str:
    return f"{work.path}/sheets/{sheet.id}/{verb}"


async def test_a_submission_is_judged_and_kept(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheet: Sheet
) -> None:
    async with database.transaction() as session:
        photo = await make_photo(session, owner=work.assessors[0])
    deductions = [
        {"reason": "litter", "photos": [{"file_id": str(photo.id), "taken_at": "2024-11-12T09:00:00+08:00"}]},
        {"reason": "other", "points": "1.25", "note": "乱停车", "photos": [{"file_id": str(photo.id)}]},
    ]
    body = work.submission(lines=work.lines(deduction={"deductions": deductions}, count={"count": "3"}))
    answer = await assessor.post(url(work, sheet), json=body)
    assert answer.status_code == 200
    receipt = answer.json()
    assert (receipt["state"], receipt["no"], receipt["kind"]) == ("submitted", 1, "first")
    assert (receipt["achieved"], receipt["max_score"], receipt["evidence"]) == ("14.25", "20", "complete")
    assert answer.headers["etag"] == f'"{receipt["version"]}"'
    detail = (await assessor.get(f"{work.path}/sheets/{sheet.id}")).json()
    current = detail["current"]
    assert current["id"] == body["id"]
    assert (current["longitude"], current["captured_at"]) == ("118.0475", "2024-11-12T09:30:00+08:00")
    lines = {line["standard_id"]: line for line in current["lines"]}
    judged = lines[str(work.standards["deduction"])]
    assert judged["achieved"] == "4.25"
    assert [(each["points"], each["reason_code"]) for each in judged["deductions"]] == [
        ("0.5", "litter"),
        ("1.25", "other"),
    ]
    assert [(each["deduction_no"], each["evidence"]) for each in judged["photos"]] == [(1, "complete"), (2, "complete")]
    assert lines[str(work.standards["count"])]["achieved"] == "6"


async def test_the_same_submission_again_answers_the_same(
    assessor: httpx.AsyncClient, admin: httpx.AsyncClient, work: FieldWork, sheet: Sheet
) -> None:
    body = work.submission()
    first = (await assessor.post(url(work, sheet), json=body)).json()
    again = (await assessor.post(url(work, sheet), json=body | {"lines": body["lines"][::-1]})).json()
    assert again == first | {"repeated": True}
    other = await assessor.post(url(work, sheet), json=body | {"note": "改"})
    assert (other.status_code, other.json()["code"]) == (409, "submission_id_reused")
    log = (await admin.get(f"{work.path}/log")).json()["items"]
    assert [row["action"] for row in log] == ["sheets.submit"]


async def test_what_a_submission_costs(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheet: Sheet, statements: Callable[..., Any]
) -> None:
    await assessor.get(f"{work.path}/sheets/{sheet.id}")
    with statements() as sent:
        answer = await assessor.post(url(work, sheet), json=work.submission())
    assert answer.status_code == 200
    assert sent.count <= 3


async def test_a_correction_is_a_new_version_with_a_reason(
    assessor: httpx.AsyncClient, work: FieldWork, sheet: Sheet
) -> None:
    first = work.submission()
    await assessor.post(url(work, sheet), json=first)
    again = await assessor.post(url(work, sheet), json=work.submission(replaces=first["id"]))
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    assert "correct" in again.json()["allowed"]
    bare = work.submission(replaces=first["id"])
    assert (await assessor.post(url(work, sheet, "correct"), json=bare)).status_code == 422
    second = bare | {"reason": "现场复核后更正", "lines": work.lines(count={"count": "1"})}
    corrected = await assessor.post(url(work, sheet, "correct"), json=second)
    assert (corrected.status_code, corrected.json()["no"], corrected.json()["kind"]) == (200, 2, "corrected")
    outdated = await assessor.post(url(work, sheet, "correct"), json=second | {"id": str(uuid7())})
    assert (outdated.status_code, outdated.json()["current_version_id"]) == (409, second["id"])
    unknown = second | {"id": str(uuid7()), "replaces": str(uuid7())}
    assert (await assessor.post(url(work, sheet, "correct"), json=unknown)).json()["code"] == "predecessor_missing"
    path = f"{work.path}/sheets/{sheet.id}/versions"
    versions = (await assessor.get(path)).json()
    assert [(each["no"], each["reason"]) for each in versions] == [(2, "现场复核后更正"), (1, None)]
    old = (await assessor.get(f"{path}/{first['id']}")).json()
    assert {line["achieved"] for line in old["lines"]} == {"4", "6", "10"}


async def test_what_was_submitted_cannot_be_changed_in_the_database(
    assessor: httpx.AsyncClient, database: Database, owner: Database, work: FieldWork, sheet: Sheet
) -> None:
    await assessor.post(url(work, sheet), json=work.submission())
    changes = ("UPDATE score_lines SET achieved = 0", "DELETE FROM score_lines", "UPDATE sheet_versions SET no = 7")
    for rights, refusal in ((database, "permission denied"), (owner, "never changed")):
        for change in changes:
            with pytest.raises(DBAPIError, match=refusal):
                async with rights.transaction() as session:
                    await session.execute(text(change))


async def test_someone_elses_sheet_does_not_exist_for_him(
    callers: Callers, admin: httpx.AsyncClient, work: FieldWork, sheet: Sheet
) -> None:
    other = await callers.sign_in(work.assessors[1])
    for client, to in ((other, work.path), (admin, work.path), (other, f"/assessments/{uuid7()}")):
        answer = await client.post(f"{to}/sheets/{sheet.id}/submit", json=work.submission())
        assert answer.status_code == 404
    reader = await callers.client([])
    assert (await reader.post(url(work, sheet), json=work.submission())).status_code == 403


@pytest.mark.parametrize("state", [AssessmentState.PAUSED, AssessmentState.REVIEWING, AssessmentState.STOPPED])
async def test_a_frozen_assessment_takes_nothing(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheet: Sheet, state: AssessmentState
) -> None:
    async with database.transaction() as session:
        (await session.merge(work.assessment)).state = state
    answer = await assessor.post(url(work, sheet), json=work.submission())
    assert (answer.status_code, answer.json()["code"]) == (409, "entry_frozen")


async def test_a_void_draw_or_a_replaced_site_takes_nothing(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheet: Sheet
) -> None:
    async with database.transaction() as session:
        (await session.merge(work.assessment)).effective_draw_id = None
    answer = await assessor.post(url(work, sheet), json=work.submission())
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert "抽选已失效" in answer.json()["detail"]


async def test_nobody_submits_for_his_own_unit(callers: Callers, database: Database, work: FieldWork) -> None:
    async with database.transaction() as session:
        user = await make_user(session, unit=await session.merge(work.responsible))
        own = next(each for each in await make_sheets(session, work, assessor=user) if each.unit_path)
    client = await callers.sign_in(user)
    answer = await client.post(url(work, own), json=work.submission())
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert "本单位" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": "018f0000-0000-4000-8000-000000000000"}, "/id"),
        ({"captured_at": "2024-11-12T09:30:00"}, "/captured_at"),
        ({"captured_at": "0001-01-01T00:00:00+14:00"}, "/captured_at"),
        ({"captured_at": "2019-12-31T23:59:00+00:00"}, "/captured_at"),
        ({"longitude": "181"}, "/longitude"),
        ({"latitude": None}, ""),
        ({"note": "\ud800"}, None),
        ({"note": "\x00"}, "/note"),
        ({"lines": []}, "/lines"),
        ({"lines": [{"standard_id": str(uuid7()), "entry": {}}] * 501}, "/lines"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_bad_input_is_explained(
    assessor: httpx.AsyncClient, work: FieldWork, sheet: Sheet, change: dict[str, Any], pointer: str | None
) -> None:
    import json

    content = json.dumps(work.submission() | change)
    answer = await assessor.post(url(work, sheet), content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    if pointer is not None:
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(("minutes", "status"), [(9, 200), (11, 422)])
async def test_a_clock_may_be_a_little_ahead(
    assessor: httpx.AsyncClient, work: FieldWork, sheet: Sheet, minutes: int, status: int
) -> None:
    ahead = (clock.now() + timedelta(minutes=minutes)).isoformat()
    answer = await assessor.post(url(work, sheet), json=work.submission(captured_at=ahead))
    assert answer.status_code == status
    if status == 422:
        (error,) = answer.json()["errors"]
        assert (error["pointer"], "请校准设备时间" in error["message"]) == ("/captured_at", True)


async def test_a_faulty_form_leaves_nothing_behind(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheet: Sheet
) -> None:
    lines = work.lines(deduction={"deductions": [{"reason": "other", "points": "9"}]})
    answer = await assessor.post(url(work, sheet), json=work.submission(lines=lines[1:]))
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/lines/0/entry/deductions/0/points", "/lines"}
    async with database.read() as session:
        assert (await session.execute(select(func.count()).select_from(SheetVersion))).scalar_one() == 0


async def test_photos_of_others_and_quarantined_ones_are_refused(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheet: Sheet
) -> None:
    async with database.transaction() as session:
        foreign = await make_photo(session, owner=work.assessors[1])
        bad = await make_photo(session, owner=work.assessors[0], state=FileState.QUARANTINED, defect=Defect.BROKEN)
    for photo in (foreign, bad):
        lines = work.lines()
        lines[0]["photos"] = [{"file_id": str(photo.id)}]
        answer = await assessor.post(url(work, sheet), json=work.submission(lines=lines))
        assert answer.status_code == 422
        assert str(photo.id) in answer.text


async def test_one_of_many_simultaneous_submissions_stands(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheet: Sheet
) -> None:
    bodies = [work.submission() for _ in range(12)]
    answers = await asyncio.gather(*(assessor.post(url(work, sheet), json=body) for body in bodies + bodies[:4]))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert {answer["id"] for answer in won} == {won[0]["id"]}
    assert {answer.json()["code"] for answer in answers if answer.status_code != 200} == {"submission_outdated"}
    async with database.read() as session:
        assert (await session.execute(select(func.count()).select_from(SheetVersion))).scalar_one() == 1
        assert (await session.execute(select(func.count()).select_from(ScoreLine))).scalar_one() == 3


async def test_one_id_for_two_sheets_at_once_stands_on_one(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheet: Sheet
) -> None:
    async with database.read() as session:
        found = await session.scalars(select(Sheet).order_by(Sheet.id))
        both = list(found)[:2]
    body = work.submission()
    answers = await asyncio.gather(*(assessor.post(url(work, each), json=body) for each in both))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    async with database.read() as session:
        submitted = await session.scalars(select(Sheet.id).where(Sheet.version_no > 0))
        assert len(list(submitted)) == 1


async def test_a_pause_is_not_overtaken_by_submissions(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheet: Sheet
) -> None:
    """Whoever changes the state takes the assessment; a submission meanwhile waits and sees the new state."""
    async with database.write() as session, session.begin():
        await session.execute(select(func.take_assessment(work.assessment.id)))
        submitting = asyncio.create_task(assessor.post(url(work, sheet), json=work.submission()))
        await eventually(lambda: _blocked(database), seconds=30)
        (await session.get_one(Assessment, work.assessment.id)).state = AssessmentState.PAUSED
    answer = await submitting
    assert (answer.status_code, answer.json()["code"]) == (409, "entry_frozen")


async def _blocked(database: Database) -> bool:
    async with database.read() as session:
        return bool((await session.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))).scalar_one())


async def test_a_replaced_site_is_refused(
    assessor: httpx.AsyncClient, owner: Database, database: Database, work: FieldWork, sheet: Sheet
) -> None:
    async with database.transaction() as session:
        photo = await make_photo(session, owner=await session.get_one(User, work.assessors[0].id))
        drawn = await session.get_one(DrawSite, (work.draw.id, sheet.site_id))
        drawn.status, drawn.reason, drawn.file_id = DrawSiteStatus.REPLACED, "点位已拆除", photo.id
    answer = await assessor.post(url(work, sheet), json=work.submission())
    assert "已被替换" in answer.json()["detail"]
