"""Requests and answers of terms."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.title_terms.rules import TermState
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import LongText, Moment, Name, Out, Strict

Day = Annotated[date, Field(ge=date(1980, 1, 1), lt=date(2200, 1, 1), examples=["2026-12-01"])]
TermNo = Annotated[int, Field(ge=1, le=1_000, description="届次", examples=[7])]


class TermSort(StrEnum):
    """届别的排序"""

    NEWEST = "-opens_on"
    OLDEST = "opens_on"
    NAME = "name"


class TermCreate(Strict):
    """新增届别（草稿）"""

    name: Name = Field(examples=["第七届淄博市文明单位"])
    kind: TitleKind = Field(description="称号类型")
    level: TitleLevel = Field(description="命名级别")
    no: TermNo
    region_id: UUID = Field(description="面向的区域，含其下级")
    rule_id: UUID = Field(description="评选标准，须已发布且类型相同")
    opens_on: Day = Field(description="受理开始日")
    closes_on: Day = Field(description="受理截止日（含）")
    note: Annotated[LongText, Field(max_length=2_000)] = ""


class TermUpdate(Strict):
    """修改届别；未给出的字段不变。已发布的届别只能调整受理时间与备注"""

    name: Name | None = None
    rule_id: UUID | None = Field(default=None, description="评选标准，须已发布且类型相同")
    opens_on: Day | None = Field(default=None, description="受理开始日")
    closes_on: Day | None = Field(default=None, description="受理截止日（含）")
    note: Annotated[LongText, Field(max_length=2_000)] | None = None


class TermRow(Out):
    """届别"""

    id: UUID
    name: str
    kind: TitleKind
    kind_label: str
    level: TitleLevel = Field(description="命名级别")
    level_label: str
    no: int = Field(description="届次")
    region_id: UUID
    region_path: str
    region_name: str
    rule_id: UUID = Field(description="评选标准")
    rule_name: str = Field(description="评选标准名称")
    opens_on: date = Field(description="受理开始日")
    closes_on: date = Field(description="受理截止日（含）")
    state: TermState
    state_label: str
    version: int


class TermDetail(TermRow):
    """届别详情"""

    note: str
    closed_because: str | None = Field(description="今天不接受申报的原因；接受申报时为 null")
    applications: int = Field(description="申报数，不含草稿与已撤回的")
    named: int = Field(description="已命名数")
    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]
