"""Answers of the honour list and of the history of levels."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.titles.rules import TitleCause
from wenming_api.kit.fields import Moment, Out


class HonourSort(StrEnum):
    """荣誉榜的排序"""

    NEWEST = "-from_on"
    OLDEST = "from_on"
    UNIT = "unit_name"


class TitleEventOut(Out):
    """称号级别的一次变动"""

    id: UUID
    no: int = Field(description="第几次变动，从 1 起")
    kind: TitleKind = Field(description="称号类型")
    kind_label: str
    level: TitleLevel = Field(description="变动后的级别")
    level_label: str
    cause: TitleCause = Field(description="命名或撤销")
    cause_label: str = Field(description="变动原因名称")
    from_on: date = Field(description="生效日期")
    until_on: date | None = Field(description="被下一次变动取代的日期；仍有效为 null")
    holder_id: UUID = Field(description="获得者：单位，或家庭")
    holder_name: str = Field(description="获得者名称；家庭的姓名可能已遮盖")
    unit_id: UUID
    unit_name: str
    region_path: str
    term_id: UUID = Field(description="届别")
    term_name: str = Field(description="届别名称")
    application_id: UUID = Field(description="所依据的申报")
    document_number: str = Field(description="文号", examples=["淄文明委〔2026〕12号"])
    document_on: date = Field(description="成文日期")
    reason: str | None
    recorded_at: Moment = Field(description="登记时间")


class HolderHistory(Out):
    """获得者的级别沿革"""

    holder_id: UUID = Field(description="获得者：单位，或家庭")
    holder_name: str = Field(description="获得者名称；家庭的姓名可能已遮盖")
    level: TitleLevel = Field(description="当前最高级别")
    level_label: str
    events: list[TitleEventOut] = Field(description="各次变动，新的在前")
