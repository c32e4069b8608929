"""What clients send about tasks of a plan."""

from datetime import date
from uuid import UUID

from pydantic import Field, model_validator

from wenming_api.kit.fields import LongText, ShortText, Strict
from wenming_api.workflow.plans.rules import TaskPart


class PlanTaskUnitIn(Strict):
    """任务的责任单位"""

    unit_id: UUID
    part: TaskPart = Field(description="lead 牵头，help 协办；牵头单位只能有一个")


def _one_lead(units: list[PlanTaskUnitIn] | None) -> None:
    if not units:
        return
    if len({unit.unit_id for unit in units}) < len(units):
        raise ValueError("同一单位只能列一次")
    if sum(unit.part is TaskPart.LEAD for unit in units) != 1:
        raise ValueError("列有责任单位时，须有且只有一个牵头单位")


class PlanTaskCreate(Strict):
    """新增任务"""

    parent_id: UUID | None = Field(default=None, description="上级任务；不填为一级任务")
    title: ShortText = Field(min_length=1, examples=["开展背街小巷专项整治"])
    requirement: LongText = Field(default="", description="工作要求与完成标准")
    starts_on: date | None = None
    due_on: date | None = Field(default=None, description="完成时限")
    units: list[PlanTaskUnitIn] = Field(default=[], max_length=100, description="责任单位；不列则由全部接收单位完成")

    @model_validator(mode="after")
    def _check(self) -> "PlanTaskCreate":
        _one_lead(self.units)
        if self.starts_on and self.due_on and self.starts_on > self.due_on:
            raise ValueError("开始日期不能晚于完成时限")
        return self


class PlanTaskPatch(Strict):
    """修改任务"""

    title: ShortText | None = Field(default=None, min_length=1)
    requirement: LongText | None = None
    starts_on: date | None = None
    due_on: date | None = None
    units: list[PlanTaskUnitIn] | None = Field(default=None, max_length=100, description="责任单位，整体替换")

    @model_validator(mode="after")
    def _check(self) -> "PlanTaskPatch":
        _one_lead(self.units)
        return self


class PlanTaskMove(Strict):
    """移动任务"""

    parent_id: UUID | None = Field(description="新的上级任务；null 为一级任务")
    position: int = Field(ge=1, le=2_000, description="在同级中的位置，从 1 起")
