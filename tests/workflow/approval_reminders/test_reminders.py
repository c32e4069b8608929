"""审批提醒: each decider once of what is new, once a working day of what is due; deputies of who is away."""

import asyncio
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from tests.factories.approvals import DECIDES, make_flow, make_offices, make_stand_in, principal, subject_of
from tests.factories.callers import make_user

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.clock import SHANGHAI
from wenming_api.messaging.inbox.models import Message
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.workflow.approval_flows.rules import ApprovalKind, Place
from wenming_api.workflow.approval_reminders.jobs import remind, tell
from wenming_api.workflow.approval_reminders.rules import LINES, Waiting, body
from wenming_api.workflow.approval_reminders.service import remind_due, tell_new
from wenming_api.workflow.approvals.models import Approval, ApprovalTurn
from wenming_api.workflow.approvals.rules import ApprovalState, Decision, Turn
from wenming_api.workflow.approvals.service import decide, start
from wenming_api.workflow.calendars.models import Holiday
from wenming_api.workflow.calendars.rules import HolidayKind
from wenming_api.workflow.stand_ins.rules import StandInKind

MORNING = datetime(2026, 11, 25, 9, 30, tzinfo=SHANGHAI)
"""A Wednesday."""
DAY = MORNING.date()


@pytest.fixture
async def offices(database):
    async with database.transaction() as session:
        await make_flow(session, (Place.STREET, Place.COUNTY), working_days=3)
        return await make_offices(session)


@pytest.fixture
def begin(database, offices):
    async def run(*, due_on: date | None = None):
        async with database.transaction() as session:
            standing = await start(session, caller=principal(offices.author), subject=subject_of(offices))
            if due_on is not None:
                await session.execute(
                    update(ApprovalTurn).where(ApprovalTurn.approval_id == standing.id).values(due_on=due_on)
                )
                await session.execute(update(Approval).where(Approval.id == standing.id).values(due_on=due_on))
            return standing

    return run


@pytest.fixture
def inbox(database):
    async def read():
        async with database.read() as session:
            found = await session.execute(select(Message.owner_id, Message.title, Message.body).order_by(Message.id))
            messages: dict[UUID, list[tuple[str, str]]] = {}
            for owner, title, text in found:
                messages.setdefault(owner, []).append((title, text))
            return messages

    return read


@pytest.fixture
def tell_at(database):
    async def run(now=MORNING):
        async with database.transaction() as session:
            return await tell_new(session, now=now)

    return run


@pytest.fixture
def remind_at(database):
    async def run(now=MORNING):
        async with database.transaction() as session:
            return await remind_due(session, now=now)

    return run


async def test_deciders_are_told_once_of_what_is_new(offices, begin, inbox, tell_at, database):
    async with database.transaction() as session:
        colleague = await make_user(session, unit=offices.street, permissions=[DECIDES])
        await make_user(session, unit=offices.street, permissions=[Permission.SHEETS_READ])
    street = offices.deciders[Place.STREET]
    standing = await begin()
    assert await tell_at() == 1
    assert await tell_at() == 0
    messages = await inbox()
    assert set(messages) == {street.id, colleague.id}
    ((title, text),) = messages[street.id]
    assert title == "有新的内容等待您审批"
    assert text.startswith("台账“新华小学开展“学雷锋”志愿服务活动”，应于 ")
    await begin()
    await tell_at(MORNING + timedelta(hours=2))
    ((_, text),) = (await inbox())[street.id]
    assert len(text.splitlines()) == 2
    async with database.transaction() as session:
        await decide(
            session,
            caller=principal(street),
            approval_id=standing.id,
            judged=1,
            decision=Decision.APPROVE,
            reason=None,
        )
    assert await tell_at(MORNING + timedelta(days=1)) == 1
    assert len((await inbox())[offices.deciders[Place.COUNTY].id]) == 1
    assert len((await inbox())[street.id]) == 1


async def test_the_deputy_of_an_absent_decider_is_told(offices, begin, inbox, tell_at, database):
    away, deputy = offices.deciders[Place.STREET], offices.deciders[Place.COUNTY]
    async with database.transaction() as session:
        await make_stand_in(session, away, deputy, starts_on=DAY)
    await begin()
    await tell_at()
    assert set(await inbox()) == {deputy.id}


async def test_both_are_told_when_one_delegates_and_the_author_never(offices, begin, inbox, tell_at, database):
    user, deputy = offices.deciders[Place.STREET], offices.deciders[Place.COUNTY]
    async with database.transaction() as session:
        await make_stand_in(session, user, deputy, kind=StandInKind.DELEGATION, starts_on=DAY)
        await make_flow(session, (Place.OWN,), unit=offices.school)
    await begin()
    async with database.transaction() as session:
        subject = subject_of(offices)
        other = type(subject)("record", subject.id, 1, "街道的台账", offices.street.id, offices.author.id)
        await start(session, caller=principal(offices.author), subject=other)
    assert await tell_at() == 2
    assert set(await inbox()) == {user.id, deputy.id, offices.deciders[Place.OWN].id}


async def test_what_is_due_is_reminded_of_once_a_working_day(offices, begin, inbox, remind_at):
    street = offices.deciders[Place.STREET]
    for due_on in (DAY - timedelta(days=5), DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)):
        await begin(due_on=due_on)
    assert await remind_at() == 1
    await remind_at(MORNING + timedelta(hours=3))
    ((title, text),) = (await inbox())[street.id]
    assert title == "有审批即将到期或已逾期"
    lines = text.splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("应于 2026-11-20 前审批（已逾期 3 个工作日）")
    assert lines[1].endswith("应于 2026-11-25 前审批")
    await remind_at(MORNING + timedelta(days=1))
    assert len((await inbox())[street.id]) == 2


@pytest.mark.parametrize("now", [MORNING.replace(hour=7, minute=59), MORNING + timedelta(days=3)])
async def test_nobody_is_reminded_at_night_or_on_days_off(begin, inbox, remind_at, now):
    await begin(due_on=DAY - timedelta(days=5))
    assert await remind_at(now) == 0
    assert await inbox() == {}


async def test_nobody_is_reminded_on_a_holiday(begin, inbox, remind_at, database):
    await begin(due_on=DAY)
    async with database.transaction() as session:
        session.add(Holiday(day=DAY, kind=HolidayKind.HOLIDAY, name="临时放假"))
    assert await remind_at() == 0


async def test_workers_at_once_tell_once(offices, begin, inbox, tell_at):
    for _ in range(6):
        await begin()
    assert sum(await asyncio.gather(*(tell_at() for _ in range(4)))) == 6
    ((_, text),) = (await inbox())[offices.deciders[Place.STREET].id]
    assert len(text.splitlines()) == 6


async def test_what_was_decided_is_not_told_of(offices, begin, inbox, tell_at, remind_at, database):
    standing = await begin(due_on=DAY)
    async with database.transaction() as session:
        await decide(
            session,
            caller=principal(offices.deciders[Place.STREET]),
            approval_id=standing.id,
            judged=1,
            decision=Decision.RETURN,
            reason="照片缺少时间",
        )
    assert (await tell_at(), await remind_at()) == (0, 0)


async def test_telling_costs_as_many_statements_for_many(begin, tell_at, remind_at, statements):
    for _ in range(8):
        await begin(due_on=DAY)
    with statements() as sent:
        await tell_at()
    assert sent.count <= 5, sent.sent
    with statements() as sent:
        await remind_at()
    assert sent.count <= 6, sent.sent


async def test_the_worker_s_jobs_run(begin, resources, database):
    await begin(due_on=date(2020, 1, 6))
    await tell(resources)
    await remind(resources)  # says nothing on a day off, and must not fail on any
    async with database.read() as session:
        told = select(func.count()).where(Message.topic == Topic.APPROVAL, Message.dedupe_key.like("approvals-new:%"))
        assert (await session.execute(told)).scalar_one() == 1


def test_a_long_message_counts_the_rest():
    turn = Turn(ApprovalState.PENDING, "审核", UUID(int=1), "records.review", UUID(int=2))
    many = [Waiting(UUID(int=no), UUID(int=no), ApprovalKind.RECORD, f"第{no}条", None, turn) for no in range(1, 24)]
    lines = body(many).splitlines()
    assert len(lines) == LINES + 1
    assert lines[0] == "台账“第1条”"
    assert lines[-1] == "另有 3 项"
