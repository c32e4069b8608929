"""Answers of the calendar."""

from datetime import date
from uuid import UUID

from pydantic import Field

from wenming_api.activities.events.rules import ActivityKind, ActivityState
from wenming_api.kit.fields import Moment, Out


class CalendarActivity(Out):
    """日历中的一项活动"""

    id: UUID
    title: str
    kind: ActivityKind
    unit_name: str
    starts_at: Moment = Field(description="开始时间")
    ends_at: Moment = Field(description="结束时间")
    place: str = Field(description="地点")
    state: ActivityState


class CalendarMonth(Out):
    """一个月的活动"""

    month: str = Field(description="年月", examples=["2026-11"])
    activities: list[CalendarActivity] = Field(description="当月进行的活动，按开始时间")
    days: dict[date, int] = Field(description="每日进行的活动数，只列有活动的日期")
    complete: bool = Field(description="是否已列全；超过 1000 项时只列前 1000 项")
