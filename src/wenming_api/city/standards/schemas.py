"""Requests and responses of standards and their scoring rules."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Discriminator, Field

from wenming_api.city.criteria.rules import MAX_GRADES, MAX_REASONS
from wenming_api.city.standards.rules import (
    CountMode,
    DutyRole,
    ListKind,
    VetoScope,
)
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import LongText, Moment, Name, Out, ScoreIn, ScoreOut, ShortText, Strict

PrintedCode = Annotated[
    Name, Field(max_length=50, description="编号，按文件原样（如 Ⅲ-1-①、64-2)）", examples=["Ⅲ-1-①"])
]
SiteTypeCode = Annotated[Name, Field(max_length=64, description="点位类型代码", examples=["26"])]
MethodCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="测评方法代码", examples=["field"])]
ReasonCode = Annotated[Name, Field(max_length=40, description="代码", examples=["litter"])]
Place = Annotated[int, Field(ge=0, le=100_000, description="在同级中的位置，从 0 起；不给则排在最后")]
MaxScore = Annotated[ScoreIn, Field(ge=0, le=Decimal(10_000), description="分值；一票否决项可为 0", examples=["2.5"])]
Points = Annotated[ScoreIn, Field(gt=0, le=Decimal(10_000))]
Amount = Annotated[ScoreIn, Field(gt=0, le=Decimal(1_000_000))]
Factor = Annotated[ScoreIn, Field(ge=0, le=1, description="得分系数，0 至 1", examples=["0.6"])]


class GradeIn(Strict):
    """分档评分的一档"""

    code: ReasonCode
    label: Name
    factor: Factor


class DeductionReasonIn(Strict):
    """扣分原因"""

    code: ReasonCode
    label: ShortText
    points: Points | None = Field(default=None, description="每处扣分；为空时由测评人员填写")
    cap: Points | None = Field(default=None, description="该原因合计最多扣分")


class PassFailRuleIn(Strict):
    """符合得满分，不符合不得分"""

    kind: Literal["pass_fail"]


class GradedRuleIn(Strict):
    """分档：分值 × 档次系数，须有一档系数为 1"""

    kind: Literal["graded"]
    grades: Annotated[list[GradeIn], Field(min_length=1, max_length=MAX_GRADES)]


class CountRuleIn(Strict):
    """计数：每 per（per_unit）应有 required（unit）；不给 per 时按总数"""

    kind: Literal["count"]
    required: Annotated[Amount, Field(description="应达到的数量", examples=["5"])]
    mode: CountMode
    unit: Annotated[ShortText, Field(max_length=20, description="数量单位", examples=["处"])] = ""
    per: Amount | None = Field(default=None, description="计数基数", examples=["300"])
    per_unit: Annotated[ShortText, Field(max_length=20, description="基数单位", examples=["米"])] = ""


class DeductionRuleIn(Strict):
    """扣分：分值 − 各项扣分，不低于 floor"""

    kind: Literal["deduction"]
    reasons: Annotated[list[DeductionReasonIn], Field(min_length=1, max_length=MAX_REASONS)]
    floor: Annotated[ScoreIn, Field(ge=0, le=Decimal(10_000), description="得分下限")] = Decimal(0)
    photo_required: bool = Field(default=False, description="每处扣分是否必须有照片")


class VetoRuleIn(Strict):
    """一票否决"""

    kind: Literal["veto"]
    scope: VetoScope


RuleIn = Annotated[PassFailRuleIn | GradedRuleIn | CountRuleIn | DeductionRuleIn | VetoRuleIn, Discriminator("kind")]


class GradeOut(Out):
    """分档评分的一档"""

    code: str
    label: str
    factor: ScoreOut


class DeductionReasonOut(Out):
    """扣分原因"""

    code: str
    label: str
    points: ScoreOut | None = Field(description="每处扣分；null 表示由测评人员填写")
    cap: ScoreOut | None = Field(description="该原因合计最多扣分")


class PassFailRuleOut(Out):
    """符合得满分，不符合不得分"""

    kind: Literal["pass_fail"]


class GradedRuleOut(Out):
    """分档评分"""

    kind: Literal["graded"]
    grades: list[GradeOut]


class CountRuleOut(Out):
    """计数评分"""

    kind: Literal["count"]
    required: ScoreOut
    mode: CountMode
    unit: str
    per: ScoreOut | None
    per_unit: str


class DeductionRuleOut(Out):
    """扣分评分"""

    kind: Literal["deduction"]
    reasons: list[DeductionReasonOut]
    floor: ScoreOut
    photo_required: bool


class VetoRuleOut(Out):
    """一票否决"""

    kind: Literal["veto"]
    scope: VetoScope


RuleOut = Annotated[
    PassFailRuleOut | GradedRuleOut | CountRuleOut | DeductionRuleOut | VetoRuleOut, Discriminator("kind")
]


class StandardSort(StrEnum):
    """测评标准的排序"""

    ORDER = "order"
    ORDER_DOWN = "-order"
    CODE = "code"
    CODE_DOWN = "-code"
    MAX_SCORE = "max_score"
    MAX_SCORE_DOWN = "-max_score"


class StandardWrite(Strict):
    """新增测评标准"""

    indicator_id: UUID = Field(description="所属指标，须为最末一级")
    code: PrintedCode
    text: Annotated[LongText, Field(min_length=1, max_length=4000, description="测评标准内容")]
    list_kind: ListKind = ListKind.REGULAR
    max_score: MaxScore
    methods: Annotated[list[MethodCode], Field(min_length=1, max_length=10, description="测评方法，体系中定义的代码")]
    rule: RuleIn
    requires_photo: bool = Field(default=False, description="每条结论是否必须有照片")
    site_type_codes: Annotated[
        list[SiteTypeCode], Field(max_length=200, description="适用点位类型；为空表示所有类型")
    ] = []
    duties: Annotated[list[UUID], Field(max_length=50, description="责任单位，第一个为牵头单位，其余配合")] = []
    evidence: Annotated[
        list[Annotated[ShortText, Field(min_length=1)]], Field(max_length=50, description="所需材料")
    ] = []
    note: Annotated[LongText, Field(max_length=4000)] = ""
    source: Annotated[LongText, Field(max_length=1000, description="出处")] = ""
    position: Place | None = None


class StandardUpdate(Strict):
    """修改测评标准；未给出的字段不变"""

    code: PrintedCode | None = None
    text: Annotated[LongText, Field(min_length=1, max_length=4000)] | None = None
    list_kind: ListKind | None = None
    max_score: MaxScore | None = None
    methods: Annotated[list[MethodCode], Field(min_length=1, max_length=10)] | None = None
    rule: RuleIn | None = None
    requires_photo: bool | None = None
    site_type_codes: Annotated[list[SiteTypeCode], Field(max_length=200)] | None = None
    duties: Annotated[list[UUID], Field(max_length=50)] | None = None
    evidence: Annotated[list[Annotated[ShortText, Field(min_length=1)]], Field(max_length=50)] | None = None
    note: Annotated[LongText, Field(max_length=4000)] | None = None
    source: Annotated[LongText, Field(max_length=1000)] | None = None


class StandardMove(Strict):
    """移动测评标准到另一指标之下，或改变次序"""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="所依据的版本；已变化则答 409")]
    indicator_id: UUID
    position: Place | None = None


class DutyOut(Out):
    """责任单位"""

    unit_id: UUID
    unit_name: str = Field(examples=["市城市管理局"])
    role: DutyRole = Field(description="lead 牵头，co 配合")


class StandardRow(Out):
    """列表与指标树中的测评标准"""

    id: UUID
    indicator_id: UUID
    code: str = Field(examples=["Ⅲ-1-①"])
    text: str = Field(examples=["公共场所环境整洁，无乱扔杂物"])
    list_kind: ListKind
    max_score: ScoreOut
    methods: list[str] = Field(examples=[["field"]])
    rule: RuleOut
    requires_photo: bool
    site_type_codes: list[str] = Field(description="适用点位类型；为空表示所有类型", examples=[["26", "27"]])
    duties: list[DutyOut]
    position: int
    version: int


class StandardOut(StandardRow):
    """测评标准详情"""

    system_id: UUID
    evidence: list[str] = Field(description="所需材料")
    note: str
    source: str = Field(description="出处")
    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]


def rule_document(rule: Any) -> dict[str, Any]:
    """A requested rule as the JSON that `rules.rule_from_json` reads."""
    document: dict[str, Any] = rule.model_dump(mode="json")
    return document
