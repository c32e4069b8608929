"""What clients send and get about plans."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import LongText, Moment, Name, Out, ScoreOut, Strict
from wenming_api.workflow.plans.rules import PlanLight, PlanState, TaskPart

Year = Annotated[int, Field(ge=2000, le=2100, description="年度", examples=[2026])]
WarnDays = Annotated[int, Field(ge=0, le=90, description="到期前多少天亮黄灯", examples=[15])]


class PlanSort(StrEnum):
    """计划排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    YEAR = "-year"
    TITLE = "title"


class PlanBox(StrEnum):
    """计划来源"""

    OWN = "own"
    RECEIVED = "received"


class PlanCreate(Strict):
    """新建年度行动计划"""

    title: Name = Field(examples=["2026 年全国文明城市创建行动计划"])
    year: Year
    note: LongText = Field(default="", description="编制说明")
    warn_days: WarnDays = 15


class PlanPatch(Strict):
    """修改计划"""

    title: Name | None = None
    note: LongText | None = None
    warn_days: WarnDays | None = Field(default=None, description="到期前多少天亮黄灯")


class PlanRow(Out):
    """计划列表中的一项"""

    id: UUID
    title: str
    year: int
    state: PlanState
    state_label: str
    unit_id: UUID
    unit_name: str
    revision: int = Field(description="已发布的版次，0 为尚未发布")
    source_plan_id: UUID | None = Field(description="上级下发的计划；自行编制的为 null")
    tasks: int = Field(description="任务数")
    done: int = Field(description="已完成的任务数")
    overdue: int = Field(description="已逾期的任务数")
    progress: ScoreOut = Field(description="一级任务的平均完成百分比")
    created_at: Moment


class PlanOut(PlanRow):
    """计划详情"""

    note: str
    warn_days: int = Field(description="到期前多少天亮黄灯")
    source_unit_name: str | None = Field(description="下发单位")
    published_at: Moment | None
    closed_at: Moment | None
    version: int
    allowed_actions: list[AllowedAction]


class PlanTaskUnitOut(Out):
    """任务的责任单位"""

    unit_id: UUID
    unit_name: str
    part: TaskPart


class PlanTaskOut(Out):
    """一项任务"""

    id: UUID
    parent_id: UUID | None
    depth: int = Field(description="层级，从 1 起")
    number: str = Field(description="序号", examples=["1.2"])
    title: str
    requirement: str
    starts_on: date | None
    due_on: date | None
    units: list[PlanTaskUnitOut] = Field(description="责任单位，牵头单位在前")
    received: bool = Field(description="是否由上级下发，下发的任务不可修改，可分解")
    withdrawn: bool = Field(description="上级修订时已取消")
    progress: ScoreOut
    done_on: date | None
    light: PlanLight
    days_late: int
    receivers: int = Field(description="接收此任务的下级单位数")
    version: int


class PlanTree(Out):
    """计划的任务树，按序号排列"""

    plan_id: UUID
    today: date = Field(description="亮灯所依据的日期")
    tasks: list[PlanTaskOut] = Field(description="全部任务")
