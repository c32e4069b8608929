"""Changes of the working calendar. Deadlines that are running keep the day that they were given."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import FieldError, InvalidInput, NotFound, StaleVersion, check_edited
from wenming_api.system.audit.service import record
from wenming_api.workflow.calendars.models import Holiday
from wenming_api.workflow.calendars.rules import HolidayKind, base_holidays, entry_problem
from wenming_api.workflow.calendars.schemas import HolidayEntry, HolidaySet, HolidaysImported, HolidayYear

BASE_NOTE = "国务院办公厅 2026 年节假日安排（待客户确认）"
NOT_ENTERED = 0
"""The version of a day that nobody has entered yet."""


async def set_holiday(
    session: WriteSession, *, caller: Principal, day: date, version: int, wanted: HolidaySet
) -> Holiday:
    """Enter a day or change it; `version` is `NOT_ENTERED` for a new one."""
    problem = entry_problem(day, wanted.kind)
    if problem is not None:
        raise InvalidInput(errors=[FieldError("/kind", problem)])
    found = await session.get(Holiday, day, with_for_update=True)
    values = {"kind": wanted.kind, "name": wanted.name, "note": wanted.note}
    before = None
    if found is None:
        if version != NOT_ENTERED:
            raise StaleVersion(NOT_ENTERED)
        found = Holiday(day=day, **values)
        session.add(found)
    else:
        check_edited(version, found.version)
        before = {name: getattr(found, name) for name in values}
        for name, value in values.items():
            setattr(found, name, value)
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="holidays.set",
        target=("holiday", None),
        before=before,
        after={"day": day, **values},
        reason=wanted.reason,
    )
    return found


async def delete_holiday(session: WriteSession, *, caller: Principal, day: date, version: int) -> None:
    """Take a day out of the calendar: it follows its place in the week again."""
    found = await session.get(Holiday, day, with_for_update=True)
    if found is None:
        raise NotFound
    check_edited(version, found.version)
    before = {"day": day, "kind": found.kind, "name": found.name}
    await session.delete(found)
    await record(session, caller=caller, action="holidays.delete", target=("holiday", None), before=before)


async def import_year(session: WriteSession, *, caller: Principal, wanted: HolidayYear) -> HolidaysImported:
    """Replace all that is entered for a year."""
    _check_days(wanted.year, wanted.days)
    span = Holiday.day.between(date(wanted.year, 1, 1), date(wanted.year, 12, 31))
    former = await session.execute(delete(Holiday).where(span).returning(Holiday.day, Holiday.kind))
    before = {str(row.day): row.kind for row in former}
    session.add_all(Holiday(**entry.model_dump(), note=wanted.note) for entry in wanted.days)
    await session.flush()  # a year that somebody else enters at the same moment must answer here
    await record(
        session,
        caller=caller,
        action="holidays.import",
        target=("holiday", None),
        before=before,
        after={str(entry.day): entry.kind for entry in wanted.days},
        reason=wanted.reason,
    )
    kinds = [entry.kind for entry in wanted.days]
    return HolidaysImported(
        year=wanted.year,
        holidays=kinds.count(HolidayKind.HOLIDAY),
        workdays=kinds.count(HolidayKind.WORKDAY),
        removed=len(before),
    )


def _check_days(year: int, days: Sequence[HolidayEntry]) -> None:
    faults = []
    seen: set[date] = set()
    for no, entry in enumerate(days):
        if entry.day.year != year:
            faults.append(FieldError(f"/days/{no}/day", f"不在 {year} 年内"))
        elif entry.day in seen:
            faults.append(FieldError(f"/days/{no}/day", "日期重复"))
        elif (problem := entry_problem(entry.day, entry.kind)) is not None:
            faults.append(FieldError(f"/days/{no}/kind", problem))
        seen.add(entry.day)
    if faults:
        raise InvalidInput(errors=faults)


async def load_base_calendar(session: WriteSession) -> int:
    """Add the holidays delivered with the product to a calendar without any of their year; answers how many.

    A year that the customer has entered stays as it is.
    """
    days = base_holidays()
    years = {day.day.year for day in days}
    entered = {day.year for day in await session.scalars(select(Holiday.day))}
    moment = clock.now()
    rows = [
        {"day": day.day, "kind": day.kind, "name": day.name, "note": BASE_NOTE, "version": 1}
        | {"created_at": moment, "updated_at": moment}
        for day in days
        if day.day.year in years - entered
    ]
    if rows:
        await session.execute(insert(Holiday).values(rows).on_conflict_do_nothing())
    return len(rows)
