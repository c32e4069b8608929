"""What assessments are asked for and answer."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.schemes.rules import (
    DutyPolicy,
    FieldPolicy,
    MethodSource,
    MissingTypePolicy,
    OpenLinePolicy,
    ParentPolicy,
    Shortage,
)
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Code, LongText, Moment, Name, Out, PositiveScore, Reason, ScoreOut, ShortText, Strict
from wenming_api.system.regions.rules import RegionLevel

Weight = Annotated[
    Decimal, Field(gt=0, le=10_000, max_digits=10, decimal_places=6, allow_inf_nan=False, examples=["85"])
]
Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=7, decimal_places=6, allow_inf_nan=False, examples=["0.2"])]
RegionCode = Annotated[str, Field(pattern=r"^[0-9A-Za-z_.\-]{1,64}$")]
Ids = Annotated[list[UUID], Field(max_length=5_000)]


def _distinct(methods: list["MethodIn"]) -> list["MethodIn"]:
    if len({method.code for method in methods}) < len(methods):
        raise ValueError("测评方法的代码重复")
    return methods


class SettingsIn(Strict):
    """计分规则的选择；未给出的取默认值"""

    weight_total: Annotated[PositiveScore, Field(description="各排名分组方法权重之和须等于它")] = Decimal(100)
    not_applicable: Annotated[OpenLinePolicy, Field(description="不适用项")] = OpenLinePolicy.EXCLUDE
    missing_item: Annotated[OpenLinePolicy, Field(description="缺项")] = OpenLinePolicy.EXCLUDE
    field: Annotated[FieldPolicy, Field(description="点位得分汇成区域实地考察得分的方式")] = FieldPolicy.TYPE_MEAN
    missing_type: Annotated[MissingTypePolicy, Field(description="区域内没有某类点位时")] = MissingTypePolicy.EXCLUDE
    parents: Annotated[ParentPolicy, Field(description="上级区域得分的来源")] = ParentPolicy.MEAN_OF_CHILDREN
    parent_weights: Annotated[dict[RegionCode, Weight], Field(max_length=5_000, description="区域代码 → 权重")] = {}
    duties: Annotated[DutyPolicy, Field(description="测评标准计入牵头单位或全部责任单位")] = DutyPolicy.LEAD
    spread_threshold: Annotated[Share | None, Field(description="多人测评的分歧阈值（占该项满分）")] = Decimal("0.2")
    bonus_cap: Annotated[PositiveScore | None, Field(description="加分封顶")] = None


class SettingsOut(Out):
    """计分规则的选择"""

    weight_total: ScoreOut
    not_applicable: OpenLinePolicy
    missing_item: OpenLinePolicy
    field: FieldPolicy
    missing_type: MissingTypePolicy
    parents: ParentPolicy
    parent_weights: dict[str, ScoreOut]
    duties: DutyPolicy
    spread_threshold: ScoreOut | None
    bonus_cap: ScoreOut | None


class QuotaIn(Strict):
    """一类点位的配额：所选层级的每个区域抽取几个"""

    site_type_code: Code
    region_level: RegionLevel
    count: Annotated[int, Field(ge=1, le=100_000)]
    weight: Annotated[Weight, Field(description="在类型均值中的权重")] = Decimal(1)
    when_short: Annotated[Shortage, Field(description="点位不足时：拒绝抽选，或有多少取多少")] = Shortage.REFUSE


class QuotaOut(Out):
    """一类点位的配额"""

    site_type_code: str
    site_type_name: str
    region_level: RegionLevel
    count: int
    weight: ScoreOut
    when_short: Shortage


class MethodIn(Strict):
    """测评方法"""

    code: Code
    name: Name
    source: Annotated[MethodSource, Field(description="得分来自实地考察的测评表，或录入、导入，或问卷的答卷")]


class MethodOut(Out):
    """测评方法"""

    code: str
    name: str
    source: MethodSource


class GroupIn(Strict):
    """排名分组"""

    code: Code
    name: Name
    region_level: RegionLevel
    methods: Annotated[dict[Code, Weight], Field(max_length=20, description="方法代码 → 权重，合计等于权重总分")]
    field_only: Annotated[bool, Field(description="仅实地考察、单独排名")] = False
    region_ids: Ids = []


class RegionRef(Out):
    """区域"""

    id: UUID
    code: str
    name: str
    level: RegionLevel


class GroupOut(Out):
    """排名分组"""

    id: UUID
    code: str
    name: str
    region_level: RegionLevel
    methods: dict[str, ScoreOut]
    field_only: bool
    regions: list[RegionRef]


class AssessorIn(Strict):
    """测评人员；区域与点位类型为空表示不限"""

    user_id: UUID
    qualification: ShortText | None = None
    region_ids: Ids = []
    site_type_codes: Annotated[list[Code], Field(max_length=500)] = []


class AssessorOut(Out):
    """测评人员"""

    user_id: UUID
    display_name: str
    unit_id: UUID = Field(description="所在单位；本单位的点位不由其测评")
    unit_name: str
    qualification: str | None
    region_ids: list[UUID]
    site_type_codes: list[str]
    active: bool


class AssessmentCreate(Strict):
    """新建测评（草稿）；方案可以先不完整"""

    number: Annotated[Name, Field(description="测评编号，唯一", examples=["ZB-2026-01"])]
    name: Annotated[Name, Field(examples=["2026 年第一次模拟测评"])]
    description: LongText | None = None
    system_id: Annotated[UUID, Field(description="测评体系版本")]
    region_id: Annotated[UUID, Field(description="测评的城市（或区县）")]
    starts_on: date | None = None
    ends_on: date | None = None
    settings: SettingsIn = SettingsIn()
    region_ids: Annotated[Ids, Field(description="测评区域")] = []
    standard_ids: Annotated[Ids, Field(description="选用的测评标准")] = []
    quotas: Annotated[list[QuotaIn], Field(max_length=500)] = []
    methods: Annotated[list[MethodIn], Field(max_length=20), AfterValidator(_distinct)] = []
    groups: Annotated[list[GroupIn], Field(max_length=200)] = []
    assessors: Annotated[list[AssessorIn], Field(max_length=2_000)] = []


class AssessmentPatch(Strict):
    """修改测评；给出的字段整体替换。发布后只能调整配额（尚无抽选时）、人员、结束日期与说明，且须写明原因"""

    number: Name | None = None
    name: Name | None = None
    description: LongText | None = None
    system_id: UUID | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    settings: SettingsIn | None = None
    region_ids: Ids | None = None
    standard_ids: Ids | None = None
    quotas: Annotated[list[QuotaIn], Field(max_length=500)] | None = None
    methods: Annotated[list[MethodIn], Field(max_length=20), AfterValidator(_distinct)] | None = None
    groups: Annotated[list[GroupIn], Field(max_length=200)] | None = None
    assessors: Annotated[list[AssessorIn], Field(max_length=2_000)] | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _null_only_where_empty_means_something(self) -> "AssessmentPatch":
        nullable = {"description", "starts_on", "ends_on", "reason"}
        empty = sorted(name for name in self.model_fields_set - nullable if getattr(self, name) is None)
        if empty:
            raise ValueError(f"不能为 null：{'、'.join(empty)}")
        return self


class AssessmentClone(Strict):
    """以既有测评的方案新建草稿"""

    number: Name
    name: Name
    starts_on: date | None = None
    ends_on: date | None = None


class AssessmentSort(StrEnum):
    """测评列表的排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    NUMBER = "number"
    NUMBER_DOWN = "-number"
    STARTS = "starts_on"
    STARTS_DOWN = "-starts_on"


class AssessmentRow(Out):
    """测评列表的一行"""

    id: UUID
    number: str
    name: str
    state: AssessmentState
    state_since: Moment
    region_id: UUID
    region_name: str
    system_id: UUID
    starts_on: date | None
    ends_on: date | None
    created_at: Moment
    version: int


class AssessmentOut(Out):
    """测评详情"""

    id: UUID
    number: str
    name: str
    description: str | None
    state: AssessmentState
    state_label: str
    state_since: Moment
    state_reason: str | None = Field(description="最近一次状态变更的原因")
    system_id: UUID
    system_name: str
    region: RegionRef
    starts_on: date | None
    ends_on: date | None
    settings: SettingsOut
    regions: list[RegionRef]
    standard_ids: list[UUID]
    quotas: list[QuotaOut]
    methods: list[MethodOut]
    groups: list[GroupOut]
    assessors: list[AssessorOut]
    cloned_from_id: UUID | None
    effective_draw_id: UUID | None = Field(description="生效的抽选")
    result_id: UUID | None = Field(description="已发布的成绩")
    created_at: Moment
    updated_at: Moment
    version: int
    allowed_actions: list[AllowedAction]


class GapOut(Out):
    """方案中的一处问题"""

    pointer: str = Field(description="JSON Pointer，指向方案中的字段", examples=["/groups/0/methods"])
    message: str


class PublishCheck(Out):
    """发布检查"""

    complete: bool
    gaps: list[GapOut]
