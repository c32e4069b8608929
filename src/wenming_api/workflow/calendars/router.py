"""工作日历 over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Path, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Conflict,
    Forbidden,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionRequired,
    problems,
)
from wenming_api.workflow.calendars import queries, service
from wenming_api.workflow.calendars.rules import FIRST_YEAR, LAST_YEAR, MAX_WORKING_DAYS, HolidayKind
from wenming_api.workflow.calendars.schemas import (
    Day,
    Deadline,
    HolidayDetail,
    HolidayOut,
    HolidaySet,
    HolidaysImported,
    HolidaySort,
    HolidayYear,
)

router = Router(prefix="/holidays", tags=["流程"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.DICTIONARIES_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.HOLIDAYS_MANAGE))]
DayPath = Annotated[
    date,
    Path(ge=date(FIRST_YEAR, 1, 1), le=date(LAST_YEAR, 12, 31), description="日期", examples=["2026-10-01"]),
]


@router.get("", summary="查询节假日")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: HolidaySort = HolidaySort.OLDEST,
    year: Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR, description="年份")] = None,
    kind: Annotated[HolidayKind | None, Query(description="放假或调休上班")] = None,
) -> Page[HolidayOut]:
    """放假与调休上班的日期；未登记的日期按周一至周五上班计算。"""
    return await queries.list_holidays(session, params=paging, sort=sort, year=year, kind=kind)


@router.get("/deadline", summary="推算工作日期限")
async def work_out_deadline(
    caller: MayRead,
    session: Reads,
    start: Annotated[Day, Query(description="起算日，当日不计")],
    working_days: Annotated[int, Query(ge=0, le=MAX_WORKING_DAYS, description="工作日数")],
) -> Deadline:
    """从起算日的次日起数够工作日的那一天。"""
    return await queries.work_out_deadline(session, start=start, working_days=working_days)


@router.post("/imports", summary="登记一年的放假安排", responses=problems(Conflict))
async def import_year(caller: MayManage, session: Writes, body: HolidayYear) -> HolidaysImported:
    """替换该年已登记的全部日期；进行中的审批期限不变。"""
    return await service.import_year(session, caller=caller, wanted=body)


@router.get("/{day}", summary="查看节假日", responses=problems(NotFound))
async def read(caller: MayRead, day: DayPath, session: Reads, response: Response) -> HolidayDetail:
    """某一天的登记与可用操作。"""
    detail = await queries.read_holiday(session, caller=caller, day=day)
    etag(response, detail.version)
    return detail


@router.put("/{day}", summary="登记节假日", responses=problems(StaleVersion, VersionRequired, Conflict))
async def set_(
    caller: MayManage, day: DayPath, session: Writes, body: HolidaySet, version: IfMatch, response: Response
) -> HolidayDetail:
    """登记或修改一天；尚未登记的日期，If-Match 为 "0"。"""
    changed = await service.set_holiday(session, caller=caller, day=day, version=version, wanted=body)
    etag(response, changed.version)
    return await queries.read_holiday(session, caller=caller, day=day)


@router.delete(
    "/{day}", summary="取消节假日登记", status_code=204, responses=problems(NotFound, StaleVersion, VersionRequired)
)
async def delete(caller: MayManage, day: DayPath, session: Writes, version: IfMatch) -> None:
    """取消后，这一天按周一至周五上班计算。"""
    await service.delete_holiday(session, caller=caller, day=day, version=version)
