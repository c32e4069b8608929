"""What clients get about approvals."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Out
from wenming_api.workflow.approval_flows.rules import ApprovalKind
from wenming_api.workflow.approvals.rules import ApprovalState


class Myself(StrEnum):
    """本人"""

    ME = "me"


class ApprovalSort(StrEnum):
    """审批的排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    DUE = "due_on"


class ApprovalRow(Out):
    """一项审批"""

    id: UUID
    kind: ApprovalKind
    subject_id: UUID = Field(description="审批的对象，审批在其自己的路由上办理")
    subject_version: int = Field(description="审批的是对象的第几版")
    title: str = Field(examples=["新华小学开展“学雷锋”志愿服务活动"])
    state: ApprovalState
    position: int = Field(description="当前或最后的环节，从 1 起")
    step_count: int = Field(description="环节数")
    step_name: str = Field(description="当前或最后的环节名称", examples=["镇街审核"])
    deciding_unit_id: UUID = Field(description="该环节由哪个单位审批")
    deciding_unit_name: str = Field(description="该环节审批单位的名称")
    unit_id: UUID = Field(description="对象所属的单位")
    unit_name: str
    author_id: UUID
    author_name: str
    due_on: date | None = Field(description="当前环节的期限日（含当日）；不限为 null")
    overdue: bool = Field(description="是否已逾期")
    may_decide: bool = Field(description="当前用户现在能否审批")
    why_not: str | None = Field(description="不能审批的原因；能审批为 null")
    on_behalf_of: UUID | None = Field(description="代谁审批；以本人身份为 null")
    created_at: Moment
    ended_at: Moment | None = Field(description="结束时间；审批中为 null")
    version: int


class MarkOut(Out):
    """对某一字段的意见"""

    field: str = Field(description="字段的 JSON Pointer", examples=["/photos/0/caption/time"])
    note: str = Field(description="意见", examples=["请补充拍摄时间"])


class TurnOut(Out):
    """审批经过的一个环节"""

    position: int
    name: str = Field(description="环节名称", examples=["镇街审核"])
    unit_id: UUID = Field(description="由该单位的人审批")
    unit_name: str
    state: ApprovalState | None = Field(description="环节的状态；尚未到达为 null")
    since: Moment | None = Field(description="到达该环节的时间；尚未到达为 null")
    due_on: date | None = Field(description="期限日（含当日）；不限或尚未到达为 null")
    decided_at: Moment | None = Field(description="审批时间；未审批为 null")
    decided_by: UUID | None = Field(description="审批人；未审批为 null")
    decided_by_name: str | None
    on_behalf_of: UUID | None = Field(description="代谁审批；以本人身份为 null")
    on_behalf_of_name: str | None = Field(description="被代理人姓名")
    reason: str | None = Field(description="意见或原因")
    marks: list[MarkOut] = Field(description="对各字段的意见")


class ApprovalDetail(ApprovalRow):
    """一项审批的经过"""

    flow_name: str = Field(description="流程名称", examples=["台账内部审核"])
    turns: list[TurnOut] = Field(description="全部环节：已经过的、当前的、尚未到达的")
    allowed_actions: list[AllowedAction]


class KindCount(Out):
    """一类待审批内容的数量"""

    kind: ApprovalKind
    waiting: int = Field(description="待本人审批的数量")
    overdue: int = Field(description="其中已逾期的数量")


class WaitingCounts(Out):
    """待本人审批的数量"""

    waiting: int = Field(description="待本人审批的总数", examples=[5])
    overdue: int = Field(description="其中已逾期的总数", examples=[1])
    by_kind: list[KindCount] = Field(description="各类的数量，没有的不列出")
