"""Requests and answers of contents."""

from typing import Any
from uuid import UUID

from pydantic import Field

from wenming_api.activities.events.schemas import FieldValues
from wenming_api.kit.fields import Judged, Moment, Out, Strict
from wenming_api.ledgers.contents.schemas import Content


class ContentSave(Strict):
    """活动内容，整体替换"""

    content: Content = Field(description="与台账记录相同的内容")
    fields: FieldValues = {}


class ContentRecord(Judged):
    """由活动形成台账记录"""


class ActivityContentOut(Out):
    """活动内容"""

    activity_id: UUID = Field(description="活动")
    content_no: int = Field(description="内容的版本；0 为按计划预填、尚未保存")
    content: Content = Field(description="与台账记录相同的内容")
    fields: dict[str, Any] = Field(description="模板自有字段的值")
    gaps: list[str] = Field(description="按模板尚缺的材料，形成台账前须补全")
    record_id: UUID | None = Field(description="形成的台账记录；尚未形成为 null")
    made_at: Moment | None = Field(description="保存时间；尚未保存为 null")
    version: int
