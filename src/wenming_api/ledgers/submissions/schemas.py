"""Requests and responses of submissions."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Judged, Moment, Name, Out, Reason, Search, Strict, Transition
from wenming_api.kit.pages import given
from wenming_api.ledgers.destinations.rules import Purpose
from wenming_api.ledgers.submissions.rules import MAX_MARKS, RoundOutcome, SubmissionState

_STATE = "(submitted|received|accepted|returned|withdrawn|archived)"
STATES_PATTERN = rf"^{_STATE}(,{_STATE}){{0,5}}$"


class SubmissionBox(StrEnum):
    """本单位报送的，或本单位接收的"""

    SENT = "sent"
    RECEIVED = "received"


class SubmissionSort(StrEnum):
    """报送的排序"""

    NEWEST = "-submitted_at"
    OLDEST = "submitted_at"
    DEADLINE = "deadline_on"
    DEADLINE_DOWN = "-deadline_on"


@dataclass(frozen=True, slots=True)
class SubmissionFilter:
    """Which submissions: every condition given holds. The fields are the query parameters of the list."""

    box: Annotated[
        SubmissionBox | None, Field(description="本单位报送的（sent）或接收的（received）；不填为数据范围内全部")
    ] = None
    state: Annotated[
        str | None, Field(pattern=STATES_PATTERN, description="状态，多个用逗号分隔", examples=["submitted,received"])
    ] = None
    purpose: Annotated[Purpose | None, Field(description="用途")] = None
    topic_id: Annotated[UUID | None, Field(description="专项工作")] = None
    unit_id: Annotated[UUID | None, Field(description="报送单位")] = None
    receiver_unit_id: Annotated[UUID | None, Field(description="接收单位")] = None
    record_id: Annotated[UUID | None, Field(description="台账记录")] = None
    region_id: Annotated[UUID | None, Field(description="报送单位所在区域（含下级）")] = None
    node_id: Annotated[UUID | None, Field(description="目录分类（含下级）")] = None
    submitted_from: Annotated[date | None, Field(description="报送日期起")] = None
    submitted_until: Annotated[date | None, Field(description="报送日期止（含当日）")] = None
    overdue: Annotated[bool | None, Field(description="是否超过审核期限仍未审核")] = None
    q: Annotated[Search | None, Field(description="标题包含")] = None

    def given(self) -> dict[str, Any]:
        """The conditions that are given, by name."""
        return given(**{name: getattr(self, name) for name in self.__slots__})


class SubmissionMark(Out):
    """退回时标出的一处"""

    field: str = Field(description="JSON Pointer，指向台账内容", examples=["/photos/0/caption/theme"])
    note: str = Field(description="问题或要求")


class SubmissionRow(Out):
    """列表中的报送"""

    id: UUID
    record_id: UUID = Field(description="台账记录")
    record_title: str = Field(description="所报版本的标题", examples=["学雷锋志愿服务进社区"])
    version_no: int = Field(description="所报的台账版本号")
    round: int = Field(description="第几次报送，退回后重报加一")
    level: int = Field(description="第几级：直接报送为 1，每向上推荐一次加一")
    state: SubmissionState
    purpose: Purpose = Field(description="用途")
    record_unit_id: UUID = Field(description="台账所属单位")
    record_unit_name: str = Field(description="台账所属单位名称")
    unit_id: UUID = Field(description="报送单位")
    unit_name: str = Field(description="报送单位名称")
    receiver_unit_id: UUID = Field(description="接收单位")
    receiver_unit_name: str = Field(description="接收单位名称")
    topic_id: UUID | None = Field(description="专项工作")
    topic_name: str | None = Field(description="专项工作名称")
    media_name: str | None = Field(description="拟推荐的媒体")
    submitted_at: Moment = Field(description="报送时间，即文件时间，由服务器记录，不可修改")
    received_at: Moment | None = Field(description="签收时间")
    decided_at: Moment | None = Field(description="审核或撤回时间")
    deadline_on: date | None = Field(description="审核期限（工作日推算）")
    overdue: bool = Field(description="是否已超过期限仍未审核")
    version: int = Field(description="版本，即 ETag")


class SubmissionRoundOut(Out):
    """一次报送及其结果"""

    no: int
    version_no: int = Field(description="所报的台账版本号")
    submitted_by_name: str = Field(description="报送人")
    submitted_at: Moment = Field(description="报送时间")
    received_by_name: str | None = Field(description="签收人")
    received_at: Moment | None = Field(description="签收时间")
    outcome: RoundOutcome | None = Field(description="结果；尚无结果为 null")
    decided_by_name: str | None
    decided_at: Moment | None
    reason: str | None
    marks: list[SubmissionMark] = Field(description="退回时标出的各处")


class SubmissionDetail(SubmissionRow):
    """报送详情：所报内容、历次报送、质控提示与可做的操作"""

    author_id: UUID = Field(description="台账的撰写人")
    author_name: str = Field(description="台账撰写人姓名")
    submitted_by: UUID = Field(description="报送人")
    submitted_by_name: str = Field(description="报送人姓名")
    received_by_name: str | None = Field(description="签收人姓名")
    decided_by_name: str | None
    archived_at: Moment | None
    parent_id: UUID | None = Field(description="由哪一份通过的报送推荐而来")
    origin_id: UUID = Field(description="最初的报送；直接报送为其自身")
    opinion: str | None = Field(description="推荐意见")
    reason: str | None = Field(description="最近一次退回或撤回的原因")
    marks: list[SubmissionMark] = Field(description="最近一次退回标出的各处")
    approved_version_no: int | None = Field(description="台账最新的已审核版本号")
    content: dict[str, Any] = Field(description="所报版本的内容")
    findings: list[dict[str, Any]] = Field(description="所报版本的质控提示")
    rounds: list[SubmissionRoundOut] = Field(description="历次报送，自早而晚")
    approval_id: UUID | None = Field(description="审批")
    step_name: str | None = Field(description="当前审批环节；已结束为 null")
    on_behalf_of: UUID | None = Field(description="当前用户若审核，是代谁审核；以本人身份为 null")
    allowed_actions: list[AllowedAction]


class SubmissionChange(Out):
    """一处改动"""

    path: str = Field(description="JSON Pointer，指向台账内容", examples=["/text"])
    label: str = Field(examples=["正文"])
    before: Any = Field(description="改动前；原来没有为 null")
    after: Any = Field(description="改动后；现在没有为 null")


class SubmissionChanges(Out):
    """与上一次报送相比的改动；首次报送没有"""

    from_version_no: int | None = Field(description="上一次报送的台账版本号")
    to_version_no: int = Field(description="这一次报送的台账版本号")
    changes: list[SubmissionChange] = Field(description="逐个字段的改动")


class SubmissionMarkIn(Strict):
    """退回时标出的一处"""

    field: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            pattern=r"^/[^\x00-\x1f]*$",
            description="JSON Pointer，指向台账内容",
            examples=["/photos/0/caption/theme"],
        ),
    ]
    note: Name = Field(description="问题或要求", examples=["请补充照片主题"])


class SubmissionAccept(Judged):
    """审核通过：所依据的版本与意见"""

    opinion: Reason | None = Field(default=None, description="审核意见")


class SubmissionReturn(Transition):
    """退回：原因与标出的各处"""

    marks: Annotated[list[SubmissionMarkIn], Field(max_length=MAX_MARKS, description="标出需要修改之处")] = []
