"""Requests and answers of title rules."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel, TitleRuleState
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import (
    Code,
    LongText,
    Moment,
    Name,
    Out,
    PositiveScore,
    ScoreOut,
    ShortText,
    Strict,
)

ItemNo = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\s]+$", examples=["1-1"])]
Points = Annotated[PositiveScore, Field(description="分值；尚未确定时为 null，发布前须补全", examples=["4"])]
ScoreLimit = Annotated[PositiveScore, Field(examples=["85"])]
RuleText = Annotated[LongText, Field(min_length=1, max_length=1_000)]


class TitleRuleSort(StrEnum):
    """评选标准的排序"""

    CODE = "code"
    NAME = "name"
    NEWEST = "-created_at"


class RuleItem(Strict):
    """一条评分项"""

    code: ItemNo = Field(description="编号，在一份标准中不重复")
    section: ShortText = Field(default="", description="所属项目", examples=["学雷锋活动"])
    text: RuleText = Field(description="评分内容")
    points: Points | None = None
    evidence: ShortText = Field(default="", description="证明材料的要求", examples=["材料审核"])
    evidence_required: bool = Field(default=False, description="得分时是否必须附证明材料")


class RuleVeto(Strict):
    """一条否决情形"""

    code: ItemNo = Field(description="编号，在一份标准中不重复")
    text: RuleText = Field(description="否决情形")


class TitleRuleCreate(Strict):
    """新增评选标准（草稿）"""

    code: Code
    kind: TitleKind = Field(description="称号类型")
    name: Name = Field(examples=["市级文明单位评选标准"])
    edition: ShortText = Field(default="", examples=["2026 年版"])
    source: ShortText = ""
    note: Annotated[LongText, Field(max_length=2_000)] = ""
    prerequisite: TitleLevel = Field(default=TitleLevel.NONE, description="申报前须已获得的级别")
    pass_score: ScoreLimit | None = Field(default=None, description="合格线；没有为 null")
    items: Annotated[list[RuleItem], Field(max_length=500, description="评分项")] = []
    vetoes: Annotated[list[RuleVeto], Field(max_length=100, description="否决情形")] = []


class TitleRuleUpdate(Strict):
    """修改评选标准草稿；未给出的字段不变"""

    name: Name | None = None
    edition: ShortText | None = None
    source: ShortText | None = None
    note: Annotated[LongText, Field(max_length=2_000)] | None = None
    prerequisite: TitleLevel | None = None
    pass_score: ScoreLimit | None = Field(default=None, description="合格线；给 null 即清空")
    items: Annotated[list[RuleItem], Field(max_length=500)] | None = Field(default=None, description="评分项，整体替换")
    vetoes: Annotated[list[RuleVeto], Field(max_length=100)] | None = Field(
        default=None, description="否决情形，整体替换"
    )


class RuleItemOut(Out):
    """一条评分项"""

    code: str
    section: str
    text: str
    points: ScoreOut | None
    evidence: str
    evidence_required: bool


class RuleVetoOut(Out):
    """一条否决情形"""

    code: str
    text: str


class TitleRuleRow(Out):
    """评选标准"""

    id: UUID
    code: str
    kind: TitleKind
    kind_label: str
    name: str
    edition: str
    prerequisite: TitleLevel
    pass_score: ScoreOut | None
    sample: bool = Field(description="是否为随系统提供的公开示例")
    state: TitleRuleState
    state_label: str
    version: int


class TitleRuleDetail(TitleRuleRow):
    """评选标准详情"""

    source: str
    note: str
    items: list[RuleItemOut] = Field(description="评分项")
    vetoes: list[RuleVetoOut] = Field(description="否决情形")
    maximum: ScoreOut = Field(description="总分")
    gaps: list[str] = Field(description="发布前须补全之处")
    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]
