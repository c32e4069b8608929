"""What clients send and get about publications of a plan."""

from typing import Any
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Moment, Out, Transition
from wenming_api.workflow.plans.rules import TaskChangeKind


class PlanPublish(Transition):
    """发布计划"""

    unit_ids: list[UUID] = Field(
        default=[], max_length=1_000, description="接收单位；任务中列出的责任单位自动接收，不必重复"
    )


class PlanRevisionOut(Out):
    """一次发布或修订"""

    no: int
    reason: str
    made_by_name: str | None
    made_at: Moment
    tasks: int = Field(description="任务数")
    units: int = Field(description="接收单位数")


class PlanFieldChange(Out):
    """一个字段的变化"""

    field: str = Field(description="字段名", examples=["due_on"])
    before: Any = Field(description="改动前")
    after: Any = Field(description="改动后")


class PlanTaskChange(Out):
    """修订对一项任务的改动"""

    task_id: UUID = Field(description="任务")
    title: str
    change: TaskChangeKind = Field(description="added 新增，changed 修改，removed 取消")
    fields: list[PlanFieldChange] = Field(description="改动的字段")


class PlanRevisionDetail(PlanRevisionOut):
    """一个版次的任务全文，及较上一版次的变化"""

    snapshot: list[dict[str, Any]] = Field(description="该版次的全部任务，按序号")
    changes: list[PlanTaskChange] = Field(description="较上一版次的变化")
