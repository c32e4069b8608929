"""The people of an assessment are told in their inbox: once, with a line for each piece of news."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import text
from tests.factories.assessments import make_ground
from tests.factories.callers import Callers, make_user
from tests.factories.draws import Drawing, set_state
from tests.factories.places import make_unit
from tests.factories.results import make_example
from tests.factories.sheets import FieldWork, make_field_work, make_sheets

from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.result_notices.jobs import tell
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.kit.jobs import Job
from wenming_api.kit.pages import PageParams
from wenming_api.messaging.inbox.queries import list_messages
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.schemas import MessageOut, MessageSort
from wenming_api.messaging.inbox.service import archive_message
from wenming_api.system.accounts.queries import holders
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

Client = httpx.AsyncClient
REASON = "按市文明办通知"


@pytest.fixture
async def work(database: Database) -> FieldWork:
    async with database.transaction() as session:
        return await make_field_work(session)


async def inbox(database: Database, user: User, topic: Topic) -> list[MessageOut]:
    """What a user has in his inbox, whether or not his role of this test lets him read it."""
    async with database.read() as session:
        found = await list_messages(
            session, scope=Scope.own(user.id), params=PageParams(1, 20), sort=MessageSort.NEWEST, topic=topic
        )
    return list(found.items)


async def test_assessors_are_told_how_many_sheets_are_theirs(
    admin: Client, database: Database, work: FieldWork
) -> None:
    for site in work.sites[:2]:
        pair = {"site_id": str(site.id), "assessor_id": str(work.assessors[0].id)}
        assert (await admin.post(f"{work.path}/sheets", json={"assignments": [pair]})).status_code == 201
    (message,) = await inbox(database, work.assessors[0], Topic.SHEET)
    assert message.body.count("1 张测评表") == 2
    assert work.assessment.name in message.body
    assert (message.target_type, message.target_id) == ("assessment", work.assessment.id)
    assert await inbox(database, work.assessors[1], Topic.SHEET) == []


async def test_one_message_for_a_whole_distribution(admin: Client, database: Database, work: FieldWork) -> None:
    assert (await admin.post(f"{work.path}/sheets/distribute", json={})).json()["made"] == len(work.sites)
    for user in work.assessors:
        (message,) = await inbox(database, user, Topic.SHEET)
        assert "2 张测评表" in message.body


async def test_a_returned_sheet_comes_with_its_reason_and_unread_again(
    admin: Client, callers: Callers, database: Database, work: FieldWork
) -> None:
    async with database.transaction() as session:
        sheets = await make_sheets(session, work)
    assessor = await callers.sign_in(work.assessors[0])
    mine = [sheet for sheet in sheets if sheet.owner_id == work.assessors[0].id]
    for number, sheet in enumerate(mine[:2]):
        sent = (await assessor.post(f"{work.path}/sheets/{sheet.id}/submit", json=work.submission())).json()
        body = {"version": sent["version"], "reason": f"照片不清楚{number}"}
        assert (await admin.post(f"{work.path}/sheets/{sheet.id}/return", json=body)).status_code == 200
        (message,) = await inbox(database, work.assessors[0], Topic.SHEET)
        assert body["reason"] in message.body
        assert (message.target_id, message.read_at) == (sheet.id, None)
        async with database.transaction() as session:
            await archive_message(session, message.id, scope=Scope.own(work.assessors[0].id))
    assert len(message.body.splitlines()) == 2


async def test_a_pause_and_a_resumption_are_told_to_assessors(
    admin: Client, database: Database, work: FieldWork
) -> None:
    version = (await admin.get(work.path)).json()["version"]
    for step, state in (("pause", "已暂停"), ("resume", "测评中")):
        answer = await admin.post(f"{work.path}/{step}", json={"version": version, "reason": REASON})
        version = answer.json()["version"]
        (message,) = await inbox(database, work.assessors[1], Topic.ASSESSMENT)
        assert f"现为“{state}”：{REASON}" in message.body


async def test_a_proposed_draw_waits_for_whoever_may_confirm(
    admin: Client, callers: Callers, database: Database
) -> None:
    async with database.transaction() as session:
        ground = await make_ground(session)
    confirmer = await callers.client([Permission.DRAWS_CONFIRM, Permission.MESSAGES_READ], unit=ground.office)
    county = await callers.client(
        [Permission.DRAWS_CONFIRM, Permission.MESSAGES_READ], scope=DataScope.OWN, unit=ground.office
    )
    made = (await admin.post("/assessments", json=ground.body())).json()
    where = f"/assessments/{made['id']}"
    await set_state(database, where, "sampling")
    draw = await Drawing.commit(admin, where)
    await draw.drawn(admin)
    assert await inbox(database, callers.user_of(confirmer), Topic.DRAW) == []
    await draw.step(admin, "propose-effective")
    (message,) = await inbox(database, callers.user_of(confirmer), Topic.DRAW)
    assert "第 1 次抽选" in message.body
    assert "提请生效：" in message.body
    assert str(message.target_id) == draw.now["id"]
    assert await inbox(database, callers.user_of(admin), Topic.DRAW) == []
    assert await inbox(database, callers.user_of(county), Topic.DRAW) == []


async def test_a_decision_about_what_came_late_is_told_its_author(
    admin: Client, callers: Callers, database: Database, work: FieldWork
) -> None:
    async with database.transaction() as session:
        sheet = (await make_sheets(session, work))[0]
        (await session.merge(work.assessment)).state = AssessmentState.REVIEWING
    assessor = await callers.sign_in(work.assessors[0])
    items = [work.submission(sheet_id=str(sheet.id))]
    headers = {"Idempotency-Key": str(uuid7())}
    await assessor.post(f"{work.path}/submissions", json={"items": items}, headers=headers)
    (late,) = (await admin.get(f"{work.path}/late-submissions")).json()["items"]
    body = {"version": late["version"], "reason": "已有更新的数据"}
    rejected = await admin.post(f"{work.path}/late-submissions/{late['id']}/reject", json=body)
    assert rejected.status_code == 200
    (message,) = await inbox(database, work.assessors[0], Topic.SHEET)
    assert "2024-11-12 09:30" in message.body
    assert "不予收入：已有更新的数据" in message.body


async def test_a_published_result_is_told_to_offices_and_responsible_units_once(
    admin: Client, callers: Callers, database: Database
) -> None:
    async with database.transaction() as session:
        example = await make_example(session)
        responsible = await session.get_one(Unit, next(iter(example.sites.values())).responsible_unit_id)
        elsewhere = await make_unit(session)
    reads = [Permission.RESULTS_READ, Permission.MESSAGES_READ]
    clerk = await callers.client(reads, scope=DataScope.UNIT_AND_BELOW, unit=responsible)
    county = await callers.client(reads, scope=DataScope.REGION, unit=responsible)
    others = [
        await callers.client(reads, scope=DataScope.UNIT, unit=elsewhere),
        await callers.client([Permission.MESSAGES_READ], scope=DataScope.ALL, unit=elsewhere),
    ]
    result = (await admin.post(example.path)).json()
    body = {"version": result["version"], "reason": "本次测评结束"}
    assert (await admin.post(f"{example.path}/{result['id']}/publish", json=body)).status_code == 200
    async with database.read() as session:
        sent = await session.scalar(
            text("SELECT count(*) FROM pgqueuer WHERE position('city.results.published'::bytea in payload) > 0")
        )
    assert sent == 1
    work = Job(1, "tell", {}, 1, SimpleNamespace(database=database))
    for _ in range(2):
        await tell(work, {"assessment_id": example.path.split("/")[2]})
    for client in (clerk, county):
        (message,) = await inbox(database, callers.user_of(client), Topic.RESULT)
        assert str(message.target_id) == result["id"]
    for client in (*others, admin):
        assert await inbox(database, callers.user_of(client), Topic.RESULT) == []


async def test_holders_are_found_by_permission_and_scope_of_different_roles(database: Database) -> None:
    async with database.transaction() as session:
        ground = await make_ground(session)
        county = ground.counties[0]
        unit = await make_unit(session, region=county)
        wanted = [Permission.DRAWS_CONFIRM]
        by_region = await make_user(session, unit=ground.office, permissions=wanted, scope=DataScope.REGION)
        below = await make_user(session, unit=unit, permissions=wanted, scope=DataScope.REGION)
        custom = await make_user(
            session, unit=unit, permissions=wanted, scope=DataScope.CUSTOM, regions=[ground.counties[1].id]
        )
        gone = await make_user(session, unit=ground.office, permissions=wanted)
        gone.active = False
        await make_user(session, unit=ground.office, permissions=[Permission.DRAWS_READ])
    async with database.read() as session:
        city = county.path.split("/")[0] + "/"
        assert await holders(session, permission=wanted[0], region_path=city) == [by_region.id]
        everywhere = await holders(session, permission=wanted[0], region_path=city, below=True)
        assert set(everywhere) == {by_region.id, below.id, custom.id}
