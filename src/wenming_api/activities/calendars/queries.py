"""Reads of the calendar, in one statement."""

from datetime import datetime, time

from wenming_api.access.principal import Principal
from wenming_api.activities.calendars.rules import busy_days, month_bounds
from wenming_api.activities.calendars.schemas import CalendarActivity, CalendarMonth
from wenming_api.activities.events.models import Activity
from wenming_api.activities.events.queries import filtered, seen
from wenming_api.activities.events.rules import ActivityState
from wenming_api.kit.clock import SHANGHAI, at_the_edge
from wenming_api.kit.db import AnySession

MOST = 1_000


async def read_month(session: AnySession, *, caller: Principal, month: str, under: str | None = None) -> CalendarMonth:
    """Activities that take place in a month, cancelled ones left out; at most 1,000."""
    first, following = month_bounds(month)
    start, end = (datetime.combine(day, time(), SHANGHAI) for day in (first, following))
    statement = filtered(seen(caller), since=start, until=end, under=under)
    found = await session.execute(
        statement.where(Activity.state != ActivityState.CANCELLED)
        .order_by(Activity.starts_at, Activity.id)
        .limit(MOST + 1)
    )
    rows = [CalendarActivity.model_validate(dict(row)) for row in found.mappings()]
    spans = [(at_the_edge(row.starts_at).date(), at_the_edge(row.ends_at).date()) for row in rows[:MOST]]
    return CalendarMonth(
        month=month,
        activities=rows[:MOST],
        days=busy_days(spans, first=first, following=following),
        complete=len(rows) <= MOST,
    )
