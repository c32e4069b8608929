"""Requests and answers of screenings."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Code, Moment, Out, Strict
from wenming_api.ledgers.contents.schemas import Day
from wenming_api.ledgers.quality.rules import MAX_ACTIVE, Severity
from wenming_api.ledgers.records.rules import RecordState
from wenming_api.ledgers.screenings.rules import ScreeningState


class ScreeningSort(StrEnum):
    """批量筛查的排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"


class HitSort(StrEnum):
    """问题台账的排序"""

    WORST = "-severity"
    MILDEST = "severity"
    NUMBER_DOWN = "-number"
    NUMBER = "number"


class ScreeningCreate(Strict):
    """批量筛查：数据范围内记录的当前版本，按启用的质控标准"""

    rule_codes: Annotated[list[Code], Field(min_length=1, max_length=MAX_ACTIVE)] | None = Field(
        default=None, description="质控标准编号；不给出为全部启用且有效的", examples=[["photos"]]
    )
    unit_id: UUID | None = Field(default=None, description="填报单位，含其下级单位")
    region_id: UUID | None = Field(default=None, description="区域，含下级")
    node_id: UUID | None = Field(default=None, description="分类；大类包含其小类")
    happened_from: Day | None = Field(default=None, description="发生日期，从（含）")
    happened_to: Day | None = Field(default=None, description="发生日期，到（含）")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.happened_from and self.happened_to and self.happened_to < self.happened_from:
            raise ValueError("发生日期的止不能早于起")
        return self


class ScreeningRow(Out):
    """批量筛查"""

    id: UUID
    state: ScreeningState
    records: int = Field(description="筛查的记录数；完成前为 0")
    flagged: int = Field(description="有问题的记录数；完成前为 0")
    findings: int = Field(description="问题数；完成前为 0")
    alerted_at: Moment | None = Field(description="提醒填报人的时间；未提醒为 null")
    created_at: Moment
    finished_at: Moment | None = Field(description="完成时间；未完成为 null")
    version: int


class ScreeningRule(Out):
    """筛查所用的质控标准，按当时的内容"""

    code: str
    no: int = Field(description="第几版")
    name: str
    message: str
    severity: Severity


class ScreeningOut(ScreeningRow):
    """批量筛查详情"""

    filters: dict[str, Any] = Field(description="筛查条件，与请求相同")
    rules: list[ScreeningRule] = Field(description="所用的质控标准")
    ruleset_hash: str = Field(description="所用规则集的 SHA-256")
    milliseconds: int | None = Field(description="判定用时（毫秒）；未完成为 null")
    problem: str | None = Field(description="未能完成的原因；没有为 null")
    started_at: Moment | None = Field(description="开始时间；未开始为 null")
    alerted: int = Field(description="收到提醒的人数")
    allowed_actions: list[AllowedAction]


class ScreeningRuleCount(Out):
    """一条质控标准筛出的记录数"""

    code: str
    name: str
    severity: Severity
    records: int = Field(description="有此问题的记录数")


class ScreeningCount(Out):
    """一个单位或类别的记录数"""

    id: UUID
    name: str
    records: int = Field(description="有问题的记录数")


class ScreeningSummary(Out):
    """批量筛查的结果"""

    flagged: int = Field(description="有问题的记录数")
    by_severity: dict[Severity, int] = Field(description="记录数，按最严重的问题")
    by_rule: list[ScreeningRuleCount] = Field(description="按质控标准，多的在前")
    by_unit: list[ScreeningCount] = Field(description="问题记录最多的 50 个单位")
    by_category: list[ScreeningCount] = Field(description="问题记录最多的 50 个类别（大类、小类都计）")


class ScreeningFinding(Out):
    """一处问题"""

    code: str
    severity: Severity
    message: str
    path: str = Field(description="所指字段（JSON Pointer）")


class ScreeningHitRow(Out):
    """有问题的记录"""

    record_id: UUID = Field(description="台账记录")
    number: int = Field(description="记录编号")
    title: str = Field(description="记录现在的标题")
    state: RecordState = Field(description="记录现在的状态")
    unit_id: UUID = Field(description="填报单位")
    unit_name: str | None
    owner_id: UUID | None = Field(description="填报人")
    owner_name: str | None = Field(description="填报人姓名")
    severity: Severity = Field(description="最严重的问题")
    findings: list[ScreeningFinding] = Field(description="筛查时的问题")


@dataclass(frozen=True, slots=True)
class HitFilter:
    """Which flagged records: every condition given holds. The fields are the query parameters."""

    severity: Annotated[Severity | None, Field(description="最严重的问题为此级")] = None
    rule: Annotated[Code | None, Field(description="有此质控标准的问题")] = None
    unit_id: Annotated[UUID | None, Field(description="填报单位")] = None
    node_id: Annotated[UUID | None, Field(description="分类；大类包含其小类")] = None
