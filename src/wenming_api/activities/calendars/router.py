"""活动日历 over HTTP."""

from typing import Annotated

from fastapi import Depends, Query

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.activities.calendars import queries
from wenming_api.activities.calendars.schemas import CalendarMonth
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Reads, Router
from wenming_api.kit.problems import Forbidden, Unauthenticated

router = Router(prefix="/activity-calendar", tags=["创建活动管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.ACTIVITIES_READ))]


@router.get("", summary="活动日历")
async def read(
    caller: MayRead,
    session: Reads,
    month: Annotated[
        str, Query(pattern=r"^(19[5-9]\d|20\d\d)-(0[1-9]|1[0-2])$", description="年月", examples=["2026-11"])
    ],
    under: Annotated[
        str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="所在区域路径", examples=["370300000000/"])
    ] = None,
) -> CalendarMonth:
    """数据范围内当月进行的活动与每日数量；已取消的不列。"""
    return await queries.read_month(session, caller=caller, month=month, under=under)
