"""Reads of the working calendar."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.workflow.calendars.models import Holiday
from wenming_api.workflow.calendars.rules import Calendar, HolidayKind
from wenming_api.workflow.calendars.schemas import Deadline, HolidayDetail, HolidayOut, HolidaySort

_LOOK_BACK = timedelta(days=400)
_COLUMNS = [getattr(Holiday, name) for name in HolidayOut.model_fields]


def today() -> date:
    """The day in Asia/Shanghai, which deadlines are counted in."""
    return clock.at_the_edge(clock.now()).date()


async def load_calendar(session: AnySession, *, since: date | None = None) -> Calendar:
    """The calendar from a day on (a year ago), in one statement of a few dozen rows."""
    found = await session.execute(
        select(Holiday.day, Holiday.kind).where(Holiday.day >= (since or today() - _LOOK_BACK))
    )
    return Calendar.of((row.day, row.kind) for row in found)


async def list_holidays(
    session: AnySession,
    *,
    params: PageParams,
    sort: HolidaySort = HolidaySort.OLDEST,
    year: int | None = None,
    kind: HolidayKind | None = None,
) -> Page[HolidayOut]:
    """Days that depart from the week."""
    statement: Select[Any] = select(*_COLUMNS)
    if year is not None:
        statement = statement.where(Holiday.day.between(date(year, 1, 1), date(year, 12, 31)))
    if kind is not None:
        statement = statement.where(Holiday.kind == kind)
    return await page(
        session, statement, params, sort=sort, columns={"day": Holiday.day}, key=Holiday.day, into=HolidayOut
    )


async def read_holiday(session: AnySession, *, caller: Principal, day: date) -> HolidayDetail:
    """One day; `NotFound` when nothing is entered for it."""
    found = await session.execute(select(*_COLUMNS).where(Holiday.day == day))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("这一天没有登记，按周一至周五上班计算。")
    permitted = (caller.may(Permission.HOLIDAYS_MANAGE), "需要“维护节假日”权限")
    actions = [action("update", "修改", permitted), action("delete", "取消登记", permitted)]
    return HolidayDetail(**row, allowed_actions=actions)


async def work_out_deadline(session: AnySession, *, start: date, working_days: int) -> Deadline:
    """When so many working days after a day have passed."""
    calendar = await load_calendar(session, since=start)
    return Deadline(start=start, working_days=working_days, due_on=calendar.add_working_days(start, working_days))
