"""The approval engine: start, decide, cancel; who may; of two deciders at once one decides."""

import asyncio

import pytest
from sqlalchemy import select
from tests.factories.approvals import (
    DECIDES,
    FOUR_LEVELS,
    make_flow,
    make_offices,
    make_stand_in,
    principal,
    subject_of,
)
from tests.factories.callers import make_user
from tests.factories.places import make_unit

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import InvalidInput, NotFound, VersionMoved
from wenming_api.system.audit.models import AuditEntry
from wenming_api.workflow.approval_flows.rules import ApprovalKind, Place
from wenming_api.workflow.approvals.models import Approval, ApprovalTurn
from wenming_api.workflow.approvals.queries import standings
from wenming_api.workflow.approvals.rules import ApprovalState, Decision, Mark
from wenming_api.workflow.approvals.service import (
    AlreadyDecided,
    AlreadyPending,
    MayNotDecide,
    NobodyDecides,
    cancel,
    decide,
    start,
)
from wenming_api.workflow.calendars.models import Holiday
from wenming_api.workflow.calendars.queries import load_calendar, today
from wenming_api.workflow.calendars.rules import HolidayKind
from wenming_api.workflow.stand_ins.rules import StandInKind

REASON = "照片缺少时间说明"


@pytest.fixture
async def offices(database):
    async with database.transaction() as session:
        return await make_offices(session)


@pytest.fixture
def begin(database, offices):
    """Start an approval of something new, by the author."""

    async def run(**options):
        async with database.transaction() as session:
            return await start(session, caller=principal(offices.author), subject=subject_of(offices, **options))

    return run


@pytest.fixture
def judge(database):
    """Decide in a transaction of one's own."""

    async def run(user, standing, decision=Decision.APPROVE, **options):
        permissions = options.pop("permissions", (DECIDES,))
        values = {"judged": standing.version, "reason": None} | options
        async with database.transaction() as session:
            return await decide(
                session, caller=principal(user, permissions), approval_id=standing.id, decision=decision, **values
            )

    return run


@pytest.fixture
def flow(database):
    async def run(*places, **options):
        async with database.transaction() as session:
            return await make_flow(session, places, **options)

    return run


async def turns_of(database, approval_id):
    async with database.read() as session:
        found = await session.execute(
            select(ApprovalTurn).where(ApprovalTurn.approval_id == approval_id).order_by(ApprovalTurn.position)
        )
        return list(found.scalars())


async def test_a_single_step_is_approved_by_a_colleague(offices, flow, begin, judge, database):
    await flow(Place.OWN)
    standing = await begin()
    assert (standing.state, standing.position, standing.version) == (ApprovalState.PENDING, 1, 1)
    assert standing.unit_id == offices.school.id
    assert (standing.may_decide, standing.due_on) == (False, None)
    colleague = offices.deciders[Place.OWN]
    done = await judge(colleague, standing)
    assert (done.state, done.version, done.may_decide) == (ApprovalState.APPROVED, 2, False)
    (turn,) = await turns_of(database, standing.id)
    assert (turn.state, turn.decided_by, turn.on_behalf_of) == (ApprovalState.APPROVED, colleague.id, None)
    async with database.read() as session:
        entries = await session.execute(
            select(AuditEntry).where(AuditEntry.target_id == standing.id).order_by(AuditEntry.id)
        )
        actions = [(entry.action, entry.context_type) for entry in entries.scalars()]
    assert actions == [("approvals.start", "record"), ("approvals.approve", "record")]


async def test_without_any_flow_the_delivered_one_applies(offices, begin, database):
    standing = await begin()
    async with database.read() as session:
        approval = await session.get(Approval, standing.id)
        due = (await load_calendar(session)).add_working_days(today(), 3)
    assert approval.flow_id is None
    assert approval.flow["steps"][0]["permission"] == "records.review"
    assert approval.due_on == standing.due_on == due


async def test_four_levels_decide_one_after_the_other(offices, flow, begin, judge, database):
    await flow(*FOUR_LEVELS)
    standing = await begin()
    for position, place in enumerate(FOUR_LEVELS, 1):
        assert (standing.position, standing.unit_id) == (position, offices.office(place).id)
        for other in FOUR_LEVELS:
            if other is not place:
                with pytest.raises(MayNotDecide):
                    await judge(offices.deciders[other], standing)
        standing = await judge(offices.deciders[place], standing)
    assert standing.state is ApprovalState.APPROVED
    turns = await turns_of(database, standing.id)
    assert [turn.decided_by for turn in turns] == [offices.deciders[place].id for place in FOUR_LEVELS]


async def test_a_return_ends_it_with_reason_and_marks(offices, flow, begin, judge, database):
    await flow(Place.STREET, Place.COUNTY)
    standing = await begin()
    street = offices.deciders[Place.STREET]
    with pytest.raises(InvalidInput):
        await judge(street, standing, Decision.RETURN)
    marks = [Mark("/photos/0/caption/time", "缺少时间")]
    standing = await judge(street, standing, Decision.RETURN, reason=REASON, marks=marks)
    assert standing.state is ApprovalState.RETURNED
    (turn,) = await turns_of(database, standing.id)
    assert (turn.reason, turn.marks) == (REASON, [{"field": "/photos/0/caption/time", "note": "缺少时间"}])
    with pytest.raises(AlreadyDecided):
        await judge(street, standing)


@pytest.mark.parametrize(
    ("who", "permissions", "why"),
    [
        ("author", (DECIDES,), "本人提交"),
        (Place.OWN, (Permission.SHEETS_READ,), "权限"),
        (Place.COUNTY, (DECIDES,), "其他单位"),
    ],
)
async def test_who_may_not_decide_is_told_why(offices, flow, begin, judge, database, who, permissions, why):
    await flow(Place.OWN)
    standing = await begin()
    user = offices.author if who == "author" else offices.deciders[who]
    with pytest.raises(MayNotDecide, match=why):
        await judge(user, standing, permissions=permissions)
    async with database.read() as session:
        now = await standings(session, caller=principal(user, permissions), approval_ids=[standing.id, uuid7()])
    assert list(now) == [standing.id]
    assert not now[standing.id].may_decide
    assert why in now[standing.id].why_not


async def test_a_deputy_decides_in_the_place_of_an_absent_user(offices, flow, begin, judge, database):
    await flow(Place.STREET)
    away, deputy = offices.deciders[Place.STREET], offices.deciders[Place.COUNTY]
    async with database.transaction() as session:
        await make_stand_in(session, away, deputy)
    standing = await begin()
    with pytest.raises(MayNotDecide, match="外出"):
        await judge(away, standing)
    async with database.read() as session:
        seen = (await standings(session, caller=principal(deputy), approval_ids=[standing.id]))[standing.id]
    assert (seen.may_decide, seen.on_behalf_of) == (True, away.id)
    await judge(deputy, standing)
    (turn,) = await turns_of(database, standing.id)
    assert (turn.decided_by, turn.on_behalf_of) == (deputy.id, away.id)


async def test_who_delegates_may_still_decide_himself(offices, flow, begin, judge, database):
    await flow(Place.STREET)
    user, deputy = offices.deciders[Place.STREET], offices.deciders[Place.COUNTY]
    async with database.transaction() as session:
        await make_stand_in(session, user, deputy, kind=StandInKind.DELEGATION)
    assert (await judge(user, await begin())).state is ApprovalState.APPROVED
    assert (await judge(deputy, await begin())).state is ApprovalState.APPROVED


async def test_a_deputy_has_no_more_rights_than_whom_he_represents(offices, flow, begin, judge, database):
    await flow(Place.OWN)
    async with database.transaction() as session:
        powerless = await make_user(session, unit=offices.school, permissions=[Permission.SHEETS_READ])
        await make_stand_in(session, powerless, offices.deciders[Place.CITY])
        await make_stand_in(session, offices.author, offices.deciders[Place.COUNTY])
    standing = await begin()
    with pytest.raises(MayNotDecide, match="其他单位"):
        await judge(offices.deciders[Place.CITY], standing)
    with pytest.raises(MayNotDecide, match="委托人是提交人"):
        await judge(offices.deciders[Place.COUNTY], standing)


async def test_stand_ins_of_other_days_mean_nothing(offices, flow, begin, judge, database):
    await flow(Place.STREET)
    user, deputy = offices.deciders[Place.STREET], offices.deciders[Place.COUNTY]
    async with database.transaction() as session:
        await make_stand_in(session, user, deputy, starts_on=today().replace(year=today().year + 1))
    standing = await begin()
    with pytest.raises(MayNotDecide):
        await judge(deputy, standing)
    assert (await judge(user, standing)).state is ApprovalState.APPROVED


async def test_of_deciders_at_once_one_decides(offices, flow, begin, judge, database):
    await flow(Place.STREET, Place.COUNTY)
    async with database.transaction() as session:
        people = [await make_user(session, unit=offices.street, permissions=[DECIDES]) for _ in range(5)]
    standing = await begin()
    decisions = [Decision.APPROVE, Decision.RETURN, Decision.APPROVE, Decision.RETURN, Decision.APPROVE]
    results = await asyncio.gather(
        *(
            judge(one, standing, decision, reason=REASON if decision is Decision.RETURN else None)
            for one, decision in zip(people, decisions, strict=True)
        ),
        return_exceptions=True,
    )
    won = [result for result in results if not isinstance(result, Exception)]
    lost = [result for result in results if isinstance(result, Exception)]
    assert len(won) == 1
    assert all(isinstance(failure, (AlreadyDecided, VersionMoved)) for failure in lost)
    assert {failure.status for failure in lost} == {409}
    turns = await turns_of(database, standing.id)
    assert sum(turn.decided_by is not None for turn in turns) == 1


async def test_starting_twice_at_once_starts_once(offices, flow, database):
    await flow(Place.OWN)
    subject = subject_of(offices)

    async def run():
        async with database.transaction() as session:
            return await start(session, caller=principal(offices.author), subject=subject)

    results = await asyncio.gather(*(run() for _ in range(4)), return_exceptions=True)
    failures = [result for result in results if isinstance(result, Exception)]
    assert len(failures) == 3
    assert all(isinstance(failure, AlreadyPending) for failure in failures)


async def test_cancelling_ends_it(offices, flow, begin, judge, database):
    await flow(Place.OWN)
    standing = await begin()
    async with database.transaction() as session:
        await cancel(session, caller=principal(offices.author), approval_id=standing.id, reason=REASON)
    with pytest.raises(AlreadyDecided, match="已撤销"):
        await judge(offices.deciders[Place.OWN], standing)
    async with database.transaction() as session:
        with pytest.raises(AlreadyDecided):
            await cancel(session, caller=principal(offices.author), approval_id=standing.id, reason=REASON)
    (turn,) = await turns_of(database, standing.id)
    assert (turn.state, turn.decided_by, turn.reason) == (ApprovalState.CANCELLED, None, REASON)


async def test_what_does_not_exist_is_not_found(offices, judge, begin, flow, database):
    await flow(Place.OWN)
    standing = await begin()
    with pytest.raises(NotFound):
        async with database.transaction() as session:
            await cancel(session, caller=principal(offices.author), approval_id=uuid7(), reason=REASON)
    with pytest.raises(VersionMoved):
        await judge(offices.deciders[Place.OWN], standing, judged=9)


async def test_the_nearest_flow_upward_applies(offices, flow, begin):
    await flow(Place.OWN)
    await flow(Place.CITY, unit=offices.county)
    assert (await begin()).unit_id == offices.city.id
    await flow(Place.MANAGING, unit=offices.school)
    assert (await begin()).unit_id == offices.street.id
    assert (await begin(kind=ApprovalKind.SUBMISSION, receiver=offices.county)).unit_id == offices.county.id


async def test_a_place_without_a_unit_is_refused_in_words(offices, flow, begin, database):
    await flow(Place.STREET)
    async with database.transaction() as session:
        street = await session.merge(offices.street)
        street.is_civility_office = False
    with pytest.raises(NobodyDecides, match="镇（街道）文明办"):
        await begin()


async def test_levels_that_do_not_exist_above_a_unit_are_skipped(offices, flow, database):
    await flow(*FOUR_LEVELS)
    async with database.transaction() as session:
        clerk = await make_user(session, unit=offices.county)
        subject = subject_of(offices)
        own = type(subject)("record", uuid7(), 1, "区文明办台账", offices.county.id, clerk.id)
        standing = await start(session, caller=principal(clerk), subject=own)
        approval = await session.get(Approval, standing.id)
    assert [step["unit_name"] for step in approval.flow["steps"]] == ["张店区文明办", "市文明办"]


async def test_deadlines_count_working_days(offices, flow, begin, judge, database):
    await flow(Place.STREET, Place.COUNTY, working_days=2)
    async with database.transaction() as session:
        calendar = await load_calendar(session)
        first = calendar.add_working_days(today(), 1)
        session.add(Holiday(day=first, kind=HolidayKind.HOLIDAY, name="临时放假"))
    standing = await begin()
    assert standing.due_on == calendar.add_working_days(today(), 3)
    assert (await judge(offices.deciders[Place.STREET], standing)).due_on == standing.due_on


async def test_starting_and_deciding_cost_few_statements(offices, flow, database, statements):
    await flow(*FOUR_LEVELS, working_days=3)
    async with database.transaction() as session:
        with statements() as sent:
            standing = await start(session, caller=principal(offices.author), subject=subject_of(offices))
        assert sent.count == 8, sent.sent
    for place in FOUR_LEVELS:
        async with database.transaction() as session:
            with statements() as sent:
                standing = await decide(
                    session,
                    caller=principal(offices.deciders[place]),
                    approval_id=standing.id,
                    judged=standing.version,
                    decision=Decision.APPROVE,
                    reason=None,
                )
            assert sent.count == (5 if place is Place.CITY else 7), sent.sent
    async with database.read() as session:
        with statements() as sent:
            await standings(session, caller=principal(offices.author), approval_ids=[standing.id])
        assert sent.count == 2


async def test_a_unit_of_another_city_office_does_not_decide(offices, flow, begin, judge, database):
    await flow(Place.CITY)
    async with database.transaction() as session:
        stranger = await make_user(session, unit=await make_unit(session), permissions=[DECIDES])
    with pytest.raises(MayNotDecide):
        await judge(stranger, await begin())
