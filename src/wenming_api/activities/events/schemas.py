"""Requests and answers of activities."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from wenming_api.activities.events.rules import ActivityKind, ActivityState
from wenming_api.activities.templates.schemas import ActivityType
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Judged, Latitude, Longitude, LongText, Moment, Name, Out, Reason, ShortText, Strict
from wenming_api.ledgers.contents.schemas import When

FieldValue = Annotated[str, Field(max_length=2_000)] | bool | None
FieldValues = Annotated[
    dict[Annotated[str, Field(max_length=40)], FieldValue],
    Field(max_length=40, description="模板自有字段的值，按字段代码"),
]


class ActivitySort(StrEnum):
    """活动的排序"""

    LATEST = "-starts_at"
    EARLIEST = "starts_at"
    NEWEST = "-number"
    TITLE = "title"


class ActivityPlan(Strict):
    """活动计划"""

    title: Name = Field(examples=["端午节邻里包粽子"])
    kind: ActivityKind = Field(description="活动种类")
    template_id: UUID | None = Field(default=None, description="活动模板；没有为 null")
    activity_type: ActivityType | None = Field(default=None, description="活动类别；选了模板时以模板为准")
    node_ids: Annotated[list[UUID], Field(min_length=1, max_length=20, description="所属小类，可多选")]
    starts_at: When = Field(description="开始时间")
    ends_at: When = Field(description="结束时间")
    place: ShortText = Field(default="", description="地点")
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    partner_ids: Annotated[list[UUID], Field(max_length=50, description="协办单位")] = []
    expected: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(default=None, description="预计参加人数")
    purpose: Annotated[LongText, Field(max_length=5_000, description="活动目的与安排")] = ""
    fields: FieldValues = {}


class Postponement(Judged):
    """调整活动时间"""

    starts_at: When = Field(description="新的开始时间")
    ends_at: When = Field(description="新的结束时间")
    reason: Reason


class PlanDecision(Judged):
    """批准活动计划"""

    reason: Reason | None = Field(default=None, description="审批意见")


class PlanSubmission(Judged):
    """提交活动计划"""


class ActivityRow(Out):
    """活动"""

    id: UUID
    number: int
    title: str
    kind: ActivityKind
    kind_label: str
    activity_type: str = Field(description="活动类别")
    unit_id: UUID
    unit_name: str
    region_path: str
    starts_at: Moment = Field(description="开始时间")
    ends_at: Moment = Field(description="结束时间")
    place: str = Field(description="地点")
    state: ActivityState
    state_label: str
    record_id: UUID | None = Field(description="形成的台账记录；尚未形成为 null")
    marks: list[str] = Field(description="优秀、示范标记")
    version: int


class ActivityStepOut(Out):
    """活动的一步进程"""

    no: int
    action: str
    state: ActivityState
    details: dict[str, Any] = Field(description="变动的内容")
    reason: str | None
    by_name: str
    at: Moment


class ActivitySubmissionOut(Out):
    """由活动形成的台账的一次报送"""

    id: UUID
    receiver_unit_id: UUID = Field(description="接收单位")
    receiver_unit_name: str = Field(description="接收单位名称")
    purpose: str = Field(description="报送用途")
    state: str
    state_label: str
    version_no: int = Field(description="报送的台账版本")
    submitted_at: Moment


class RelatedActivity(Out):
    """上级或下级活动"""

    id: UUID
    title: str
    unit_name: str
    state: ActivityState


class PlanApproval(Out):
    """审批进行到哪一步"""

    step_name: str = Field(description="当前环节")
    unit_id: UUID
    may_decide: bool = Field(description="是否轮到本人审批")


class ActivityDetail(ActivityRow):
    """活动详情"""

    unit_path: str
    owner_id: UUID = Field(description="计划人")
    template_version_id: UUID | None = Field(description="所用模板版本；没有为 null")
    node_ids: list[UUID] = Field(description="所属小类")
    longitude: Longitude | None
    latitude: Latitude | None
    partner_ids: list[UUID] = Field(description="协办单位")
    expected: int | None = Field(description="预计参加人数")
    purpose: str = Field(description="活动目的与安排")
    fields: dict[str, Any] = Field(description="模板自有字段的值")
    content_no: int = Field(description="活动内容的版本；尚未填写为 0")
    reason: str | None
    approval: PlanApproval | None = Field(description="审批进行到哪一步；不在审批中为 null")
    submissions: list[ActivitySubmissionOut] = Field(description="报送情况，各自独立")
    parents: list[RelatedActivity] = Field(description="所属的活动")
    children: list[RelatedActivity] = Field(description="子活动")
    steps: list[ActivityStepOut] = Field(description="进程")
    released_at: Moment | None = Field(description="允许对外分享的时间；未允许为 null")
    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]


class ActivityCounts(Out):
    """活动数量"""

    key: str
    count: int
    recorded: int = Field(description="其中已形成台账的")
    excellent: int = Field(description="其中有优秀或示范标记的")
