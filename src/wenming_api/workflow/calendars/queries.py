"""Reads of the working calendar."""

from datetime import date, timedelta

from sqlalchemy import select

from wenming_api.kit import clock
from wenming_api.kit.db import AnySession
from wenming_api.workflow.calendars.models import Holiday
from wenming_api.workflow.calendars.rules import Calendar

_LOOK_BACK = timedelta(days=400)


def today() -> date:
    """The day in Asia/Shanghai, which deadlines are counted in."""
    return clock.at_the_edge(clock.now()).date()


async def load_calendar(session: AnySession) -> Calendar:
    """The calendar from a year ago on, in one statement of a few dozen rows."""
    found = await session.execute(select(Holiday.day, Holiday.kind).where(Holiday.day >= today() - _LOOK_BACK))
    return Calendar.of((row.day, row.kind) for row in found)
