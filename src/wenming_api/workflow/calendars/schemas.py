"""What clients send and get about the working calendar."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, Reason, ShortText, Strict
from wenming_api.workflow.calendars.rules import FIRST_YEAR, LAST_YEAR, HolidayKind

Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR, examples=[2026])]
Day = Annotated[
    date,
    Field(ge=date(FIRST_YEAR, 1, 1), le=date(LAST_YEAR, 12, 31), description="日期", examples=["2026-10-01"]),
]


class HolidaySort(StrEnum):
    """节假日的排序"""

    OLDEST = "day"
    NEWEST = "-day"


class HolidaySet(Strict):
    """登记一天：放假，或周末调休上班"""

    kind: HolidayKind
    name: Name = Field(examples=["国庆节"])
    note: ShortText | None = None
    reason: Reason


class HolidayEntry(Strict):
    """一年安排中的一天"""

    day: Day
    kind: HolidayKind
    name: Name = Field(examples=["国庆节"])


class HolidayYear(Strict):
    """一年的放假调休安排，替换该年已登记的全部日期"""

    year: Year = Field(description="年份")
    days: list[HolidayEntry] = Field(max_length=200, description="放假与调休上班的日期")
    note: ShortText | None = Field(default=None, description="依据", examples=["国务院办公厅通知"])
    reason: Reason


class HolidayOut(Out):
    """放假或调休上班的一天"""

    day: date = Field(description="日期", examples=["2026-10-01"])
    kind: HolidayKind
    name: str = Field(examples=["国庆节"])
    note: str | None = Field(description="依据；未注明为 null")
    version: int
    updated_at: Moment


class HolidayDetail(HolidayOut):
    """放假或调休上班的一天及可用操作"""

    allowed_actions: list[AllowedAction]


class HolidaysImported(Out):
    """一年安排的登记结果"""

    year: int = Field(description="年份")
    holidays: int = Field(description="放假天数", examples=[33])
    workdays: int = Field(description="调休上班天数", examples=[6])
    removed: int = Field(description="被替换的原有登记数")


class Deadline(Out):
    """按工作日推算的期限"""

    start: date = Field(description="起算日（当日不计）")
    working_days: int = Field(description="工作日数")
    due_on: date = Field(description="期限日（含当日）", examples=["2026-10-08"])
