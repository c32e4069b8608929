"""Requests and answers of shares."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import LongText, Moment, Out, Strict


class ShareCreate(Strict):
    """生成分享；摘要会公开，请不要写入个人信息"""

    summary: Annotated[LongText, Field(max_length=500, description="公开的摘要，不含个人信息")]
    file_id: UUID | None = Field(default=None, description="活动照片之一，作预览图")
    days: Annotated[int, Field(ge=1, le=365)] = Field(default=30, description="有效天数")


class ActivityShareOut(Out):
    """活动的一个分享"""

    id: UUID
    activity_id: UUID = Field(description="活动")
    token: str = Field(description="公开页面的口令")
    path: str = Field(description="公开页面的路径")
    weibo_url: str = Field(description="分享到微博的地址；页面地址由网页补全域名后可替换")
    expires_at: Moment
    revoked_at: Moment | None = Field(description="撤销时间；未撤销为 null")
    closed_because: str | None = Field(description="不再公开的原因；公开中为 null")
    version: int
    allowed_actions: list[AllowedAction]


class SharedActivity(Out):
    """公开的活动页面，不含个人信息"""

    title: str
    summary: str = Field(description="摘要")
    unit_name: str
    held_on: date = Field(description="活动日期")
    place: str = Field(description="地点")
    picture_url: str | None = Field(description="预览图的限时地址；没有为 null")
    expires_at: Moment
