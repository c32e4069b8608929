"""Reminding deciders (S4.3): once of what is new, once a working day of what is due."""

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import update

from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import add_news
from wenming_api.workflow.approval_reminders.queries import due_turns, people_at, untold
from wenming_api.workflow.approval_reminders.rules import Waiting, body, by_person
from wenming_api.workflow.approvals.models import ApprovalTurn
from wenming_api.workflow.calendars.queries import load_calendar

MORNING = time(8, 0)
"""Before this (Asia/Shanghai) nobody is reminded of what is due."""
BATCH = 500


async def tell_new(session: WriteSession, *, now: datetime) -> int:
    """Tell deciders of turns that came to them since the last run; returns how many turns.

    What comes to somebody on one day is one message that grows by a line.
    """
    day = clock.at_the_edge(now).date()
    found = await untold(session, at_most=BATCH)
    if not found:
        return 0
    people = await people_at(session, unit_ids={one.turn.unit_id for one in found}, day=day)
    told = by_person(found, people)
    await add_news(
        session,
        {user_id: body(waiting) for user_id, waiting in told.items()},
        topic=Topic.APPROVAL,
        title="有新的内容等待您审批",
        target=("approval", found[-1].approval_id),
        dedupe_key=f"approvals-new:{day}",
    )
    await session.execute(
        update(ApprovalTurn)
        .where(ApprovalTurn.id.in_([one.turn_id for one in found]))
        .values(told_at=now)
        .execution_options(synchronize_session=False)
    )
    return len(found)


async def remind_due(session: WriteSession, *, now: datetime) -> int:
    """Remind deciders of what is due by the next working day or overdue; returns how many people it concerned.

    On working days from the morning on, each decider once a day, however often this runs.
    """
    local = clock.at_the_edge(now)
    day = local.date()
    calendar = await load_calendar(session)
    if not calendar.is_working(day) or local.time() < MORNING:
        return 0
    until = calendar.add_working_days(day, 1)
    told: dict[UUID, list[Waiting]] = {}
    after: UUID | None = None
    while found := await due_turns(session, until=until, after=after, at_most=BATCH):
        after = found[-1].turn_id
        people = await people_at(session, unit_ids={one.turn.unit_id for one in found}, day=day)
        for user_id, waiting in by_person(found, people).items():
            told.setdefault(user_id, []).extend(waiting)
    if not told:
        return 0
    news = {}
    for user_id, waiting in told.items():
        waiting.sort(key=lambda one: (one.due_on or day, one.turn_id))
        late = {
            one.turn_id: calendar.working_days_between(one.due_on, day) for one in waiting if one.due_on is not None
        }
        news[user_id] = body(waiting, late)
    first = min((waiting[0] for waiting in told.values()), key=lambda one: (one.due_on or day, one.turn_id))
    await add_news(
        session,
        news,
        topic=Topic.APPROVAL,
        title="有审批即将到期或已逾期",
        target=("approval", first.approval_id),
        dedupe_key=f"approvals-due:{day}",
        once=True,
    )
    return len(told)
