"""What results take and answer."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from wenming_api.city.results.rules import Cut, ResultState
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Out, ScoreOut, Transition

Hash = Annotated[str, Field(description="SHA-256，十六进制", examples=["9f2c…"], min_length=64, max_length=64)]
Shown = Annotated[str, Field(description="按两位小数四舍五入显示", examples=["78.98"])]
Stored = Annotated[ScoreOut, Field(description="十位小数的精确值", examples=["78.9813095238"])]
Scores = Annotated[
    dict[str, str], Field(description="各测评方法的得分，按方法代码", examples=[{"field": "77.3809523810"}])
]


class PublishIn(Transition):
    """发布成绩"""

    accept_incomplete: bool = Field(default=False, description="尚有测评表未审核通过时仍然发布；未审核的不计入")


class ResultSort(StrEnum):
    """成绩的排序"""

    NEWEST = "-no"
    OLDEST = "no"


class FigureSort(StrEnum):
    """统计成绩的排序"""

    PRINTED = "position"
    BEST = "-score"
    WORST = "score"
    NAME = "name"


class SiteResultSort(StrEnum):
    """点位成绩的排序"""

    CODE = "code"
    BEST = "-score"
    WORST = "score"


class SpreadSort(StrEnum):
    """测评分歧的排序"""

    SITE = "site"
    SITE_DOWN = "-site"
    WIDEST = "-difference"


class ListMethod(Out):
    """分组的测评方法"""

    code: str
    name: str
    weight: str = Field(description="权重", examples=["85"])


class ListHead(Out):
    """排名分组"""

    code: str
    name: str
    field_only: bool = Field(description="仅实地考察，不计总分，按实地得分排名")
    methods: list[ListMethod]


class ResultRow(Out):
    """成绩"""

    id: UUID
    assessment_id: UUID
    no: int = Field(description="第几次计算")
    state: ResultState
    current: bool = Field(description="是否为最新的一次")
    hash: Hash
    sites: int = Field(description="点位数")
    scored_sites: int = Field(description="有得分的点位数")
    sheets: int = Field(description="计入的测评表数")
    open_sheets: int = Field(description="计算时未审核通过的测评表数")
    lines: int = Field(description="计入的评分条数（测评次数）")
    computed_at: Moment
    published_at: Moment | None
    version: int


class ResultOut(ResultRow):
    """成绩详情"""

    form: int = Field(description="计算规则的版本")
    inputs_hash: Hash
    lists: list[ListHead]
    computed_by_name: str | None
    published_by_name: str | None
    reason: str | None = Field(description="发布说明")
    allowed_actions: list[AllowedAction]


class EntryOut(Out):
    """排名表的一行"""

    position: int = Field(description="表中次序：有名次的在前，其次为被否决的，最后为缺项的")
    rank: int | None = Field(description="名次；同分同名次（1、2、2、4）")
    region_code: str
    region_name: str
    field: Stored | None = Field(description="实地得分")
    methods: Scores
    composite: Stored | None = Field(description="加权得分")
    bonus: Stored
    negative: Stored
    total: Stored | None = Field(description="总分 = 加权得分 + 加分 − 负面清单扣分")
    value: Stored | None = Field(description="用于排名的得分")
    shown: dict[str, Shown] = Field(description="各项得分的显示值，按字段名；测评方法为 methods.<代码>")
    vetoed: bool
    mark: str | None = Field(description="标注：否决，或缺项的原因")


class ListOut(ListHead):
    """一个分组的排名表"""

    entries: list[EntryOut]


class FigureOut(Out):
    """一项统计成绩"""

    cut: Cut
    key: str
    parent_key: str | None
    level: str | None
    code: str
    name: str
    score: Stored | None = Field(description="得分；区域为总分")
    score_shown: Shown | None
    field: Stored | None = Field(description="实地得分（区域）")
    field_shown: Shown | None
    conformance: Stored | None = Field(description="符合率，百分数")
    conformance_shown: Shown | None
    achieved: Stored | None
    max_score: Stored | None
    applicable: int | None = Field(description="适用的评分条数")
    conforming: int | None = Field(description="其中符合的条数")
    sites: int | None
    scored_sites: int | None
    rank: int | None
    vetoed: bool
    missing: list[str] = Field(description="没有总分的原因")
    methods: Scores
    types: dict[str, str] = Field(description="各点位类型的得分，按类型代码")


class SiteResultOut(Out):
    """点位成绩"""

    site_id: UUID
    code: str
    name: str
    site_type_code: str
    site_type_name: str
    industry_code: str | None
    responsible_unit_id: UUID | None
    region_path: str
    score: Stored | None
    score_shown: Shown | None
    achieved: Stored
    max_score: Stored
    sheets: int
    applicable: int
    conforming: int
    not_applicable: int
    missing: int = Field(description="应评而未评的标准数")
    vetoes: list[str] = Field(description="触发的否决范围：site 点位、region 区域、assessment 整次测评")


class SpreadOut(Out):
    """测评人员分歧"""

    site_id: UUID
    site_code: str
    site_name: str
    standard_id: UUID
    standard_code: str
    lowest: Stored
    highest: Stored


class Verification(Out):
    """校验成绩"""

    hash: Hash
    recomputed_hash: Hash = Field(description="由冻结的数据重新计算得到的哈希")
    equal: bool
    rows_equal: bool = Field(description="库中的各项成绩与重新计算的逐项相同")
    form: int
    details: dict[str, Any] = Field(description="不相同的成绩（至多二十项）；相同时为空")
