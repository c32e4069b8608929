"""Requests and responses of indicators and of the whole tree."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.city.standards.rules import SystemState
from wenming_api.city.standards.schemas import Place, PrintedCode, StandardRow
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Out, ScoreOut, ShortText, Strict


class IndicatorCreate(Strict):
    """新增指标"""

    parent_id: UUID | None = Field(description="上级指标；null 表示第一级")
    code: PrintedCode
    name: Annotated[ShortText, Field(min_length=1, description="名称", examples=["公共环境"])]
    position: Place | None = None


class IndicatorUpdate(Strict):
    """修改指标；未给出的字段不变"""

    code: PrintedCode | None = None
    name: Annotated[ShortText, Field(min_length=1)] | None = None


class IndicatorMove(Strict):
    """移动指标到同一层级的另一上级之下，或改变次序"""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="所依据的版本；已变化则答 409")]
    parent_id: UUID | None = Field(description="新的上级；第一级为 null")
    position: Place | None = None


class IndicatorOut(Out):
    """指标详情"""

    id: UUID
    system_id: UUID
    parent_id: UUID | None
    level: int = Field(description="层级，从 1 起", examples=[1])
    level_name: str = Field(description="该层级的名称", examples=["测评项目"])
    code: str = Field(examples=["Ⅰ-1"])
    name: str = Field(examples=["公共环境"])
    position: int
    child_count: int = Field(description="直接下级指标数")
    standard_count: int = Field(description="直接所属的测评标准数")
    version: int
    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]


class IndicatorNode(Out):
    """指标树的一个节点"""

    id: UUID
    level: int
    code: str
    name: str
    position: int
    version: int
    max_score: ScoreOut = Field(description="其下基本标准的分值合计")
    standard_count: int = Field(description="其下各类标准总数")
    children: list["IndicatorNode"]
    standards: list[StandardRow]


class IndicatorTree(Out):
    """整个体系的指标树"""

    system_id: UUID
    state: SystemState
    level_names: list[str] = Field(examples=[["测评项目", "测评指标", "测评内容"]])
    max_score: ScoreOut
    standard_count: int
    version: int
    children: list[IndicatorNode]
