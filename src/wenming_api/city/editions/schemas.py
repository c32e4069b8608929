"""Requests and responses of indicator systems."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from wenming_api.city.editions.rules import LEVEL_NAMES, METHODS
from wenming_api.city.standards.rules import ListKind, SystemState
from wenming_api.city.standards.schemas import MethodCode
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Code, Judged, LongText, Moment, Name, Out, Reason, ScoreOut, Strict

Term = Annotated[Name, StringConstraints(max_length=20, pattern=r"^[^、,，;；=＝\s]+$"), Field(examples=["测评项目"])]
SystemCode = Annotated[Code, Field(description="体系编号", examples=["SAMPLE-2022"])]
SystemName = Annotated[Name, Field(description="体系名称", examples=["实地测评标准（部分样例，非全国体系）"])]
Edition = Annotated[Name, Field(description="版本", examples=["2022 年版"])]
LevelNames = Annotated[list[Term], Field(min_length=1, max_length=6, description="自上而下各级指标的名称")]


class SystemSort(StrEnum):
    """测评体系的排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    CODE = "code"
    CODE_DOWN = "-code"
    NAME = "name"
    NAME_DOWN = "-name"


class EditionPublishIn(Judged):
    """发布测评体系：所依据的版本，可附原因"""

    reason: Reason | None = Field(default=None, description="发布的原因或依据，可不填", examples=["市文明委会议通过"])


class SystemMethodIn(Strict):
    """测评方法"""

    code: MethodCode
    name: Term


Methods = Annotated[list[SystemMethodIn], Field(min_length=1, max_length=10, description="测评方法")]


class _Distinct(Strict):
    @model_validator(mode="after")
    def _check_repeats(self) -> Self:
        levels: list[str] = getattr(self, "level_names", None) or []
        methods: list[SystemMethodIn] = getattr(self, "methods", None) or []
        for names in (levels, [each.code for each in methods], [each.name for each in methods]):
            if len(set(names)) != len(names):
                raise ValueError("层级名称、测评方法的代码与名称均不得重复")
        return self


class SystemCreate(_Distinct):
    """新建测评体系（草稿）"""

    code: SystemCode
    name: SystemName
    edition: Edition
    level_names: LevelNames = list(LEVEL_NAMES)
    methods: Methods = [SystemMethodIn(code=code, name=name) for code, name in METHODS.items()]
    description: Annotated[LongText, Field(max_length=4000)] = ""
    source: Annotated[LongText, Field(max_length=1000, description="出处")] = ""


class SystemUpdate(_Distinct):
    """修改草稿；未给出的字段不变"""

    code: SystemCode | None = None
    name: SystemName | None = None
    edition: Edition | None = None
    level_names: LevelNames | None = None
    methods: Methods | None = None
    description: Annotated[LongText, Field(max_length=4000)] | None = None
    source: Annotated[LongText, Field(max_length=1000)] | None = None


class SystemClone(Strict):
    """克隆为新版本的草稿"""

    code: SystemCode
    name: SystemName
    edition: Edition


class SystemMethodOut(Out):
    """测评方法"""

    code: str = Field(examples=["field"])
    name: str = Field(examples=["实地考察"])


class SystemRow(Out):
    """列表中的测评体系"""

    id: UUID
    code: str = Field(examples=["SAMPLE-2022"])
    name: str
    edition: str
    state: SystemState
    indicator_count: int = Field(description="各级指标总数", examples=[36])
    standard_count: int = Field(description="测评标准总数", examples=[125])
    max_score: ScoreOut = Field(description="基本标准的分值合计", examples=["100"])
    published_at: Moment | None
    created_at: Moment
    version: int


class LevelCount(Out):
    """某一级指标的数量"""

    level: int
    name: str = Field(examples=["测评项目"])
    count: int


class ListCount(Out):
    """某类标准的数量与分值"""

    list_kind: ListKind
    count: int
    max_score: ScoreOut


class SystemOut(SystemRow):
    """测评体系详情"""

    level_names: list[str] = Field(examples=[list(LEVEL_NAMES)])
    methods: list[SystemMethodOut]
    levels: list[LevelCount]
    lists: list[ListCount]
    description: str
    source: str
    cloned_from_id: UUID | None
    retired_at: Moment | None
    content_hash: str | None = Field(description="发布内容的 SHA-256；草稿为 null")
    updated_at: Moment
    allowed_actions: list[AllowedAction]


class FaultOut(Out):
    """发布前须改正的一处"""

    pointer: str = Field(description="指标或标准（按编号）及其字段", examples=["/standards/Ⅲ-1-①/rule/grades"])
    message: str = Field(examples=["应有一档的系数为 1"])


class PublicationCheck(Out):
    """发布前检查的结果"""

    publishable: bool
    faults: list[FaultOut] = Field(description="最多列出 100 处")
    content_hash: str = Field(description="当前内容的 SHA-256；内容相同则相同")
