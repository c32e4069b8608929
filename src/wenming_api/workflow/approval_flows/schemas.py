"""What clients send and get about approval levels and flows."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, Reason, Strict
from wenming_api.workflow.approval_flows.rules import MAX_STEPS, ApprovalKind, Place
from wenming_api.workflow.calendars.rules import MAX_WORKING_DAYS

LEVEL_CODE_PATTERN = r"^[a-z0-9][a-z0-9_\-]{0,39}$"
LevelCode = Annotated[
    str,
    StringConstraints(pattern=LEVEL_CODE_PATTERN),
    Field(description="审核级别代码", examples=["county"]),
]
Rank = Annotated[int, Field(ge=1, le=1000, description="级别高低，数小者先审", examples=[30])]
WorkingDays = Annotated[int, Field(ge=1, le=MAX_WORKING_DAYS)]


class LevelSort(StrEnum):
    """审核级别的排序"""

    RANK = "rank"
    NAME = "name"


class FlowSort(StrEnum):
    """审批流程的排序"""

    NAME = "name"
    NEWEST = "-created_at"


class LevelCreate(Strict):
    """新增审核级别"""

    code: LevelCode
    name: Name = Field(examples=["县（区）审核"])
    rank: Rank
    permission: Permission = Field(description="该级审核人须有的权限")


class LevelUpdate(Strict):
    """修改审核级别；未给出的字段不变"""

    name: Name | None = None
    rank: Rank | None = None
    permission: Permission | None = Field(default=None, description="该级审核人须有的权限")
    reason: Reason


class LevelOut(Out):
    """审核级别及其对应权限"""

    code: str = Field(examples=["county"])
    name: str = Field(examples=["县（区）审核"])
    rank: int = Field(description="级别高低，数小者先审")
    permission: str = Field(description="该级审核人须有的权限", examples=["submissions.review"])
    version: int
    updated_at: Moment


class LevelDetail(LevelOut):
    """审核级别及可用操作"""

    flows: int = Field(description="用到该级别的在用流程数")
    allowed_actions: list[AllowedAction]


class StepIn(Strict):
    """流程的一个环节"""

    name: Name = Field(examples=["镇街审核"])
    level_code: LevelCode
    place: Place = Field(description="由哪里的人审批")
    working_days: WorkingDays | None = Field(default=None, description="限几个工作日内审批；null 为不限")


class FlowCreate(Strict):
    """新增审批流程"""

    kind: ApprovalKind
    name: Name = Field(examples=["中小学台账审核"])
    unit_id: UUID | None = Field(description="适用的单位及其下级；null 为全系统")
    steps: list[StepIn] = Field(min_length=1, max_length=MAX_STEPS, description="按先后排列的环节")


class FlowUpdate(Strict):
    """修改审批流程；进行中的审批仍按原流程办完"""

    name: Name
    steps: list[StepIn] = Field(min_length=1, max_length=MAX_STEPS, description="按先后排列的环节")
    reason: Reason


class StepOut(Out):
    """流程的一个环节"""

    position: int
    name: str = Field(examples=["镇街审核"])
    level_code: str = Field(description="审核级别代码", examples=["street"])
    level_name: str = Field(description="审核级别", examples=["镇（街道）审核"])
    permission: str = Field(description="审核人须有的权限", examples=["submissions.review"])
    place: Place
    working_days: int | None = Field(description="限几个工作日内审批；null 为不限")


class FlowOut(Out):
    """审批流程"""

    id: UUID
    kind: ApprovalKind
    name: str = Field(examples=["台账内部审核"])
    unit_id: UUID | None
    unit_name: str | None = Field(description="适用的单位；null 为全系统")
    active: bool
    steps: list[StepOut] = Field(description="按先后排列的环节")
    version: int
    created_at: Moment
    updated_at: Moment


class FlowDetail(FlowOut):
    """审批流程及可用操作"""

    allowed_actions: list[AllowedAction]


class PlannedStepOut(Out):
    """落到具体单位的一个环节"""

    name: str = Field(examples=["镇街审核"])
    unit_id: UUID = Field(description="由该单位的人审批")
    unit_name: str
    permission: str = Field(description="审核人须有的权限")
    working_days: int | None = Field(description="限几个工作日内审批；null 为不限")


class FlowPreview(Out):
    """一个单位的某类内容现在会怎样审批"""

    flow_id: UUID | None = Field(description="适用的流程；null 为产品自带的流程")
    name: str = Field(description="流程名称")
    steps: list[PlannedStepOut] = Field(description="按先后排列的环节")
    problem: str | None = Field(description="走不通的原因；走得通为 null")
