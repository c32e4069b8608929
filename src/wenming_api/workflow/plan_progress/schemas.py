"""What clients send and get about progress."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import LongText, Moment, Out, ScoreOut, Strict
from wenming_api.workflow.plans.rules import PlanLight

Percent = Annotated[
    Decimal, Field(ge=0, le=100, max_digits=5, decimal_places=2, description="完成百分比", examples=["60"])
]


class PlanReportSort(StrEnum):
    """汇报排序"""

    NEWEST = "-reported_at"
    OLDEST = "reported_at"


class PlanReportCreate(Strict):
    """汇报进展"""

    progress: Percent
    text: LongText = Field(min_length=2, description="进展情况", examples=["已完成 12 条背街小巷整治"])
    file_ids: list[UUID] = Field(default=[], max_length=20, description="佐证文件，须为本人已上传的文件")


class PlanReportOut(Out):
    """一次汇报"""

    id: UUID
    task_id: UUID
    unit_name: str
    progress: ScoreOut
    text: str
    file_ids: list[UUID]
    reported_by_name: str
    reported_at: Moment


class PlanReceiverOut(Out):
    """一个接收单位对某任务的完成情况"""

    task_id: UUID = Field(description="接收单位计划中的任务")
    plan_id: UUID
    unit_id: UUID
    unit_name: str
    progress: ScoreOut
    done_on: date | None
    light: PlanLight
    days_late: int


class PlanComparedTask(Out):
    """一项任务的计划与实际"""

    task_id: UUID
    number: str
    title: str
    due_on: date | None
    done_on: date | None
    progress: ScoreOut
    light: PlanLight
    days_late: int
    receivers: list[PlanReceiverOut] = Field(description="各接收单位的完成情况")


class PlanComparison(Out):
    """计划与实际的比较"""

    plan_id: UUID
    today: date = Field(description="亮灯所依据的日期")
    lights: dict[PlanLight, int] = Field(description="末级任务的亮灯数")
    done: int = Field(description="已完成的末级任务数")
    done_late: int = Field(description="逾期完成的末级任务数")
    tasks: list[PlanComparedTask] = Field(description="全部任务，按序号")
