"""Requests and answers of quality rules."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Code, Judged, Moment, Name, Out, ShortText, Strict
from wenming_api.ledgers.quality.rules import Reach, RuleState, Severity

Day = Annotated[date, Field(ge=date(1949, 10, 1), lt=date(2101, 1, 1))]
Message = Annotated[ShortText, StringConstraints(min_length=1), Field(examples=["照片不少于 2 张，并写明单位名称"])]
Json = Annotated[
    dict[str, Any],
    Field(
        description="质控表达式：记录须满足的条件（docs/quality-rules.md）",
        examples=[{"at_least": {"feature": "photos", "value": 2}}],
    ),
]
Nodes = Annotated[list[UUID], Field(max_length=100, description="适用类别，含其下级；空为全部类别")]
From = Annotated[Day | None, Field(description="生效日期（含）；null 为不限")]
Until = Annotated[Day | None, Field(description="失效日期（含当日有效）；null 为不限")]


class RuleSort(StrEnum):
    """质控标准的排序"""

    CODE = "code"
    NEWEST = "-created_at"
    NAME = "name"


class QualityRuleCreate(Strict):
    """新增质控标准"""

    code: Code
    name: Name
    message: Message
    severity: Severity
    expression: Json
    node_ids: Nodes = []
    reach: Reach = Reach.UNITS
    effective_from: From = None
    effective_until: Until = None
    source: ShortText | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.effective_from and self.effective_until and self.effective_until < self.effective_from:
            raise ValueError("失效日期不能早于生效日期")
        return self


class QualityRuleUpdate(Strict):
    """修改质控标准；未给出的字段不变。修改后须重新回测"""

    name: Name | None = None
    message: Message | None = None
    severity: Severity | None = Field(default=None, description="严重程度")
    expression: Json | None = Field(default=None, description="质控表达式")
    node_ids: Nodes | None = None
    reach: Reach | None = Field(default=None, description="适用单位")
    effective_from: From = None
    effective_until: Until = None
    source: ShortText | None = None


class QualityRuleRevise(Judged):
    """在现有标准上起草新的一版"""


class QualityRuleRow(Out):
    """质控标准"""

    id: UUID
    code: str
    no: int = Field(description="第几版")
    name: str
    message: str
    severity: Severity
    state: RuleState
    reach: Reach
    node_ids: list[UUID]
    effective_from: date | None = Field(description="生效日期（含）；不限为 null")
    effective_until: date | None = Field(description="失效日期（当日仍有效）；不限为 null")
    unit_id: UUID = Field(description="制定单位")
    unit_name: str
    version: int


class BackTestCount(Out):
    """一个单位的回测结果"""

    id: UUID
    name: str
    records: int = Field(description="适用的记录数")
    failing: int = Field(description="不满足的记录数")


class BackTestReport(Out):
    """回测结果：以现有记录的当前版本试判"""

    fingerprint: str = Field(description="所回测内容（表达式、类别、适用单位）的 SHA-256")
    compared_no: int | None = Field(description="对照的启用版；没有为 null")
    records: int = Field(description="适用的记录数")
    failing: int = Field(description="不满足的记录数")
    by_severity: dict[Severity, int] = Field(description="不满足的记录数，按严重程度")
    newly_failing: int | None = Field(description="启用版判为满足、本版判为不满足的记录数；没有启用版为 null")
    no_longer_failing: int | None = Field(description="启用版判为不满足、本版不再如此的记录数；没有启用版为 null")
    by_unit: list[BackTestCount] = Field(description="不满足最多的 50 个单位")
    by_category: list[BackTestCount] = Field(description="不满足最多的 50 个类别（大类、小类都计）")
    examples: list[UUID] = Field(description="不满足的记录，至多 20 条")


class QualityRuleEdition(Out):
    """同一编号的一版"""

    id: UUID
    no: int
    state: RuleState
    activated_at: Moment | None = Field(description="启用时间；未启用为 null")
    retired_at: Moment | None


class QualityRuleDetail(QualityRuleRow):
    """质控标准详情"""

    expression: dict[str, Any] = Field(description="质控表达式")
    in_words: str = Field(description="表达式的中文说法")
    server_only: bool = Field(description="是否只有服务器能判")
    source: str | None
    tested_at: Moment | None = Field(description="回测时间；未回测为 null")
    test_report: BackTestReport | None = Field(description="回测结果；未回测为 null")
    activated_at: Moment | None = Field(description="启用时间；未启用为 null")
    retired_at: Moment | None
    created_at: Moment
    updated_at: Moment
    editions: list[QualityRuleEdition] = Field(description="同一编号的各版，新的在前")
    allowed_actions: list[AllowedAction]


class PublishedQualityRule(Out):
    """规则集中的一条"""

    code: str
    no: int
    name: str
    message: str
    severity: Severity
    expression: dict[str, Any] = Field(description="质控表达式")
    node_ids: list[UUID]
    effective_from: date | None = Field(description="生效日期（含）；不限为 null")
    effective_until: date | None = Field(description="失效日期（当日仍有效）；不限为 null")
    reach: Reach
    reach_path: str = Field(description="适用范围：区域路径或单位路径以此开头的记录")
    path: str = Field(description="所指字段（JSON Pointer）")
    server_only: bool = Field(description="只有服务器能判，客户端跳过")


class QualityRuleSet(Out):
    """启用的质控规则集：客户端可离线判定"""

    format: int = Field(description="格式版本")
    hash: str = Field(description="rules 的规范 JSON 的 SHA-256")
    rules: list[PublishedQualityRule] = Field(description="各条规则，按编号")


class QualityFeature(Out):
    """表达式可用的一项特征"""

    name: str
    kind: str = Field(description="count 整数，amount 两位小数，date 日期，flag 是否，code 代码")
    label: str
    path: str = Field(description="所指字段（JSON Pointer）")
    optional: bool = Field(description="记录可以没有")
    server_only: bool = Field(description="只有服务器能知道")


class QualityJudgement(Strict):
    """试判：一条记录的特征"""

    features: Annotated[
        dict[str, Any],
        Field(
            description="特征；未给出的视为没有（docs/quality-rules.md）",
            examples=[{"saved_on": "2026-03-05", "photos": 1, "text_length": 120}],
        ),
    ]
    on: Day | None = Field(default=None, description="按哪一天有效的规则；不填为今天")
    expression: Json | None = Field(default=None, description="只试判这个表达式，而不用启用的规则")


class QualityFinding(Out):
    """一处不满足"""

    code: str
    severity: Severity
    message: str
    path: str = Field(description="所指字段（JSON Pointer）")


class QualityVerdict(Out):
    """试判结果"""

    ruleset_hash: str = Field(description="规则集的 SHA-256")
    judged: int = Field(description="判定所用的规则数")
    holds: bool = Field(description="是否全部满足")
    findings: list[QualityFinding] = Field(description="不满足之处")
