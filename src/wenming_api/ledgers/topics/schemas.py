"""Requests and responses of topics."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import LongText, Moment, Name, Out, Strict
from wenming_api.ledgers.topics.rules import MAX_NODES, TopicKind, TopicState

Year = Annotated[int, Field(ge=2000, le=2100, description="年度", examples=[2026])]
Nodes = Annotated[list[UUID], Field(max_length=MAX_NODES, description="涉及的目录分类；不填表示不限", examples=[[]])]
Note = Annotated[LongText, Field(max_length=5_000, description="要求、说明")]
OpensOn = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 12, 31), description="自哪日起接收报送")]
ClosesOn = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 12, 31), description="截止日（含当日）")]


class TopicSort(StrEnum):
    """专项工作的排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    NAME = "name"
    NAME_DOWN = "-name"
    CLOSES = "closes_on"
    CLOSES_DOWN = "-closes_on"


class TopicRow(Out):
    """列表中的重点工作、专题"""

    id: UUID
    name: str = Field(examples=["学雷锋专题"])
    kind: TopicKind
    unit_id: UUID
    unit_name: str = Field(description="发布单位")
    year: int
    opens_on: date
    closes_on: date
    state: TopicState
    parent_id: UUID | None
    version: int


class TopicOut(TopicRow):
    """重点工作、专题的详情"""

    region_path: str
    unit_path: str
    parent_name: str | None = Field(description="上级专项工作")
    node_ids: list[UUID]
    note: str | None
    created_at: Moment
    updated_at: Moment
    accepts: bool = Field(description="今日是否接收报送")
    accepts_not: str | None = Field(description="不接收报送的原因")
    allowed_actions: list[AllowedAction]


class TopicCreate(Strict):
    """新建重点工作、专题，由本单位发布"""

    name: Name
    kind: TopicKind
    year: Year
    opens_on: OpensOn
    closes_on: ClosesOn
    node_ids: Nodes = []
    parent_id: UUID | None = Field(default=None, description="所属的上级专项工作")
    note: Note | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.closes_on < self.opens_on:
            raise ValueError("截止日不能早于开始日")
        return self


class TopicUpdate(Strict):
    """修改重点工作、专题；未给出的字段不变。发布后类别、年度和上级不再变"""

    name: Name | None = None
    kind: TopicKind | None = None
    year: Year | None = None
    opens_on: OpensOn | None = None
    closes_on: ClosesOn | None = None
    node_ids: Nodes | None = None
    parent_id: UUID | None = None
    note: Note | None = None
