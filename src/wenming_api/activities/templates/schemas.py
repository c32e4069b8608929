"""Requests and answers of activity templates."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.activities.templates.rules import MAX_FIELDS, FieldKind, Phase
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Code, Judged, LongText, Moment, Name, Out, ShortText, Strict

FieldKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="字段代码", examples=["service_object"])]
ActivityType = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9_]{0,39}$", description="活动类别，见字典 activity_category", examples=["festival"]
    ),
]
Least = Annotated[int, Field(ge=0, le=60)]


class ActivityTemplateSort(StrEnum):
    """活动模板的排序"""

    NAME = "name"
    CODE = "code"
    NEWEST = "-created_at"


class ActivityField(Strict):
    """模板的一个字段"""

    key: FieldKey
    label: Name = Field(description="字段名称", examples=["服务对象"])
    kind: FieldKind = Field(description="字段类型")
    phase: Phase = Field(description="在计划还是内容中填写")
    required: bool = Field(default=False, description="是否必填")
    choices: Annotated[list[Name], Field(max_length=50, description="选项；仅选项字段")] = []


class ActivityEvidence(Strict):
    """活动内容至少应有的材料"""

    photos: Least = Field(default=0, description="照片张数")
    captions: bool = Field(default=False, description="每张照片须有说明")
    videos: Annotated[int, Field(ge=0, le=10)] = Field(default=0, description="视频段数")
    attachments: Annotated[int, Field(ge=0, le=30)] = Field(default=0, description="附件份数")
    text: Annotated[int, Field(ge=0, le=20_000)] = Field(default=0, description="正文字数")
    participants: bool = Field(default=False, description="须填写参加人员")


class TemplateSpec(Strict):
    """模板内容"""

    fields: Annotated[list[ActivityField], Field(max_length=MAX_FIELDS, description="自有字段")] = []
    evidence: ActivityEvidence = Field(default=ActivityEvidence(), description="所需材料")
    node_ids: Annotated[list[UUID], Field(max_length=20, description="默认的小类")] = []
    guidance: Annotated[LongText, Field(max_length=5_000, description="填写说明")] = ""


class ActivityTemplateCreate(TemplateSpec):
    """新增活动模板；由本单位维护，供本单位及下级使用"""

    code: Code
    name: Name = Field(examples=["志愿服务活动"])
    activity_type: ActivityType


class ActivityTemplateRevise(Judged):
    """启用模板的新版本；原版本停用，已建的活动仍用原版本"""

    spec: TemplateSpec = Field(description="新版本的内容")
    reason: ShortText | None = None


class ActivityTemplateRow(Out):
    """活动模板"""

    id: UUID
    code: str
    name: str
    activity_type: str = Field(description="活动类别")
    unit_id: UUID | None = Field(description="维护单位；全系统通用为 null")
    active_no: int | None = Field(description="使用中的版本序号；已停用为 null")
    version: int


class ActivityTemplateDetail(ActivityTemplateRow):
    """活动模板详情"""

    version_id: UUID | None = Field(description="使用中的版本；已停用为 null")
    fields: list[ActivityField] = Field(description="自有字段")
    evidence: ActivityEvidence = Field(description="所需材料")
    node_ids: list[UUID] = Field(description="默认的小类")
    guidance: str = Field(description="填写说明")
    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]
