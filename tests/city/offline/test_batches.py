"""Offline batches: each item for itself, exactly once whatever the order; late ones wait in the tray."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from tests.factories.callers import Callers
from tests.factories.sheets import FieldWork, make_field_work, make_photo, make_sheets

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.offline.service import TRAY_OPEN
from wenming_api.city.scoring.jobs import settle_evidence
from wenming_api.city.scoring.models import LateSubmission, ScoreLine, Sheet, SheetVersion
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.settings import Resources
from wenming_api.system.audit.models import AuditEntry
from wenming_api.system.files.rules import FileState


@pytest.fixture
async def work(database: Database) -> FieldWork:
    async with database.transaction() as session:
        return await make_field_work(session, sites=4)


@pytest.fixture
async def sheets(database: Database, work: FieldWork) -> list[Sheet]:
    async with database.transaction() as session:
        return await make_sheets(session, work)


@pytest.fixture
async def assessor(callers: Callers, work: FieldWork, sheets: list[Sheet]) -> httpx.AsyncClient:
    return await callers.sign_in(work.assessors[0])


async def send(client: httpx.AsyncClient, work: FieldWork, items: list[Any], key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key or str(uuid7())}
    return await client.post(f"{work.path}/submissions", json={"items": items}, headers=headers)


async def count(database: Database, model: Any) -> int:
    async with database.read() as session:
        return (await session.execute(select(func.count()).select_from(model))).scalar_one()


async def freeze(database: Database, work: FieldWork, state: AssessmentState) -> None:
    async with database.transaction() as session:
        (await session.get_one(Assessment, work.assessment.id)).state = state


def history(work: FieldWork, sheets: list[Sheet]) -> list[dict[str, Any]]:
    """Two versions of each sheet: the first, and its correction."""
    items = []
    for sheet in sheets:
        first = work.submission(sheet_id=str(sheet.id))
        second = work.submission(
            sheet_id=str(sheet.id),
            replaces=first["id"],
            reason="现场复核后更正",
            captured_at="2024-11-12T10:30:00+08:00",
            lines=work.lines(count={"count": "2"}),
        )
        items += [first, second]
    return items


async def test_fifty_clients_send_the_same_batch_in_different_orders(
    callers: Callers, database: Database, work: FieldWork, sheets: list[Sheet]
) -> None:
    items = history(work, sheets)
    clients = [await callers.sign_in(work.assessors[0]) for _ in range(50)]
    orders = [random.Random(seed).sample(items, len(items)) for seed in range(50)]
    answers = await asyncio.gather(*(send(client, work, order) for client, order in zip(clients, orders, strict=True)))
    assert {answer.status_code for answer in answers} == {200}
    bodies = [answer.json() for answer in answers]
    assert sum(body["recorded"] for body in bodies) == len(items)
    assert sum(body["repeated"] for body in bodies) == 49 * len(items)
    assert await count(database, SheetVersion) == len(items)
    assert await count(database, ScoreLine) == 3 * len(items)
    assert await count(database, AuditEntry) == len(items)
    async with database.read() as session:
        found = await session.execute(select(Sheet.id, Sheet.current_version_id, Sheet.version_no))
        current = {str(row.id): (str(row.current_version_id), row.version_no) for row in found}
    assert current == {item["sheet_id"]: (item["id"], 2) for item in items[1::2]}
    assert current[str(sheets[0].id)][1] == 2


async def test_the_three_orders_of_reliability(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheets: list[Sheet]
) -> None:
    items = history(work, sheets)
    for order in (items, items[::-1], items[1::2] + items[::2]):
        assert (await send(assessor, work, order)).status_code == 200
    assert await count(database, SheetVersion) == len(items)


async def test_a_wrong_clock_is_refused_for_its_item_alone_and_never_reaches_the_tray(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheets: list[Sheet]
) -> None:
    good = work.submission(sheet_id=str(sheets[0].id))
    ahead = work.submission(sheet_id=str(sheets[1].id), captured_at="2091-01-01T09:30:00+08:00")
    answered = (await send(assessor, work, [ahead, good])).json()
    assert [each["outcome"] for each in answered["items"]] == ["refused", "recorded"]
    (error,) = answered["items"][0]["problem"]["errors"]
    assert (error["pointer"], "请校准设备时间" in error["message"]) == ("/captured_at", True)
    await freeze(database, work, AssessmentState.PAUSED)
    assert (await send(assessor, work, [ahead])).json()["refused"] == 1
    assert await count(database, LateSubmission) == 0
    await freeze(database, work, AssessmentState.IN_PROGRESS)
    corrected = ahead | {"captured_at": "2024-11-12T09:30:00+08:00"}
    assert (await send(assessor, work, [corrected])).json()["recorded"] == 1


async def test_one_bad_item_does_not_hold_the_rest(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheets: list[Sheet]
) -> None:
    good = [work.submission(sheet_id=str(sheet.id)) for sheet in sheets[:2]]
    faulty = work.submission(sheet_id=str(sheets[2].id), lines=work.lines()[:1])
    foreign = work.submission(sheet_id=str(uuid7()))
    early = work.submission(sheet_id=str(sheets[3].id), replaces=str(uuid7()))
    items = [good[0], "垃圾", {"id": "no"}, faulty, None, foreign, early, work.submission(sheet_id="x"), good[1]]
    answer = (await send(assessor, work, items)).json()
    assert [item["outcome"] for item in answer["items"]] == ["recorded", *["refused"] * 7, "recorded"]
    assert [item["index"] for item in answer["items"]] == list(range(len(items)))
    codes = [item["problem"] and item["problem"]["code"] for item in answer["items"]]
    assert codes[3] == "invalid_input"
    assert codes[5:7] == ["not_found", "predecessor_missing"]
    assert [item["retry"] for item in answer["items"]] == [False] * 6 + [True] + [False] * 2
    assert all(error["pointer"] for error in answer["items"][3]["problem"]["errors"])
    assert await count(database, SheetVersion) == 2


async def test_a_key_is_required_and_repeats_the_answer(
    assessor: httpx.AsyncClient, work: FieldWork, sheets: list[Sheet]
) -> None:
    items = [work.submission(sheet_id=str(sheets[0].id))]
    bare = await assessor.post(f"{work.path}/submissions", json={"items": items})
    assert bare.status_code == 422
    assert "Idempotency-Key" in bare.text
    first, again = [(await send(assessor, work, items, key="batch-0001")).json() for _ in range(2)]
    assert first == again
    assert first["recorded"] == 1
    other = await send(assessor, work, [work.submission(sheet_id=str(sheets[1].id))], key="batch-0001")
    assert other.status_code == 409


async def test_evidence_is_awaited_and_settled(
    assessor: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    database: Database,
    resources: Resources,
    work: FieldWork,
    sheets: list[Sheet],
) -> None:
    photos = [uuid7(), uuid7()]
    items = []
    for sheet, photo in zip(sheets, photos, strict=False):
        lines = work.lines()
        lines[0]["photos"] = [{"file_id": str(photo)}]
        items.append(work.submission(sheet_id=str(sheet.id), lines=lines))
    answer = (await send(assessor, work, items)).json()
    assert [item["receipt"]["evidence"] for item in answer["items"]] == ["awaiting"] * 2
    path = f"{work.path}/sheets/{sheets[0].id}"
    version = answer["items"][0]["receipt"]["version"]
    early = await admin.post(f"{path}/accept", json={"version": version})
    assert (early.status_code, "照片尚未全部到达" in early.json()["detail"]) == (409, True)
    async with database.transaction() as session:
        await make_photo(session, owner=work.assessors[0], id_=photos[0])
        await make_photo(session, owner=work.assessors[1], id_=photos[1])
    await settle_evidence(resources)
    assert (await admin.get(path)).json()["evidence"] == "complete"
    foreign = (await admin.get(f"{work.path}/sheets/{sheets[1].id}")).json()
    assert foreign["evidence"] == "failed"
    assert (await admin.post(f"{path}/accept", json={"version": version})).status_code == 200


async def test_evidence_that_is_still_being_looked_at_goes_on_waiting(
    assessor: httpx.AsyncClient, database: Database, resources: Resources, work: FieldWork, sheets: list[Sheet]
) -> None:
    async with database.transaction() as session:
        photo = await make_photo(session, owner=work.assessors[0], state=FileState.UPLOADED)
    lines = work.lines()
    lines[0]["photos"] = [{"file_id": str(photo.id)}]
    await send(assessor, work, [work.submission(sheet_id=str(sheets[0].id), lines=lines)])
    await settle_evidence(resources)
    path = f"{work.path}/sheets/{sheets[0].id}"
    assert (await assessor.get(path)).json()["evidence"] == "awaiting"
    async with database.transaction() as session:
        (await session.merge(photo)).state = FileState.READY
    await settle_evidence(resources)
    assert (await assessor.get(path)).json()["evidence"] == "complete"


@pytest.mark.parametrize("state", sorted(TRAY_OPEN))
async def test_what_comes_after_the_freeze_waits_once(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheets: list[Sheet], state: AssessmentState
) -> None:
    before = work.submission(sheet_id=str(sheets[0].id))
    await send(assessor, work, [before])
    await freeze(database, work, state)
    late = work.submission(sheet_id=str(sheets[1].id))
    faulty = work.submission(sheet_id=str(sheets[2].id), lines=work.lines()[1:])
    for _ in range(2):
        answer = (await send(assessor, work, [late, before, faulty])).json()
        assert [item["outcome"] for item in answer["items"]] == ["late", "repeated", "refused"]
    assert await count(database, LateSubmission) == 1
    assert await count(database, SheetVersion) == 1
    changed = (await send(assessor, work, [late | {"note": "改"}])).json()
    assert changed["items"][0]["problem"]["code"] == "submission_id_reused"


@pytest.mark.parametrize("state", [AssessmentState.SAMPLING, AssessmentState.ARCHIVED, AssessmentState.STOPPED])
async def test_where_nothing_is_kept_the_item_is_refused(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheets: list[Sheet], state: AssessmentState
) -> None:
    await freeze(database, work, state)
    answer = (await send(assessor, work, [work.submission(sheet_id=str(sheets[0].id))])).json()
    assert answer["items"][0]["problem"]["code"] == "entry_frozen"
    assert await count(database, LateSubmission) == 0


async def test_late_ones_wait_even_when_entry_is_open_again(
    assessor: httpx.AsyncClient, database: Database, work: FieldWork, sheets: list[Sheet]
) -> None:
    await freeze(database, work, AssessmentState.PAUSED)
    late = work.submission(sheet_id=str(sheets[0].id))
    await send(assessor, work, [late])
    await freeze(database, work, AssessmentState.IN_PROGRESS)
    answer = (await send(assessor, work, [late])).json()
    assert answer["items"][0]["outcome"] == "late"
    assert await count(database, SheetVersion) == 0


async def test_fifty_clients_are_late_together(
    callers: Callers, database: Database, work: FieldWork, sheets: list[Sheet]
) -> None:
    await freeze(database, work, AssessmentState.REVIEWING)
    items = [work.submission(sheet_id=str(sheet.id)) for sheet in sheets]
    clients = [await callers.sign_in(work.assessors[0]) for _ in range(20)]
    answers = await asyncio.gather(
        *(send(client, work, random.Random(seed).sample(items, len(items))) for seed, client in enumerate(clients))
    )
    assert [answer.json()["late"] for answer in answers] == [len(items)] * 20
    assert await count(database, LateSubmission) == len(items)
    assert await count(database, AuditEntry) == len(items)


async def test_limits_and_rights(callers: Callers, assessor: httpx.AsyncClient, work: FieldWork) -> None:
    assert (await send(assessor, work, [])).status_code == 422
    assert (await send(assessor, work, [{}] * 101)).status_code == 422
    reader = await callers.client([Permission.SHEETS_READ])
    assert (await send(reader, work, [{}])).status_code == 403
