"""What clients send and get about messages."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, Field

from wenming_api.kit.fields import Moment, Out, Strict
from wenming_api.messaging.inbox.rules import Topic


class MessageSort(StrEnum):
    """消息排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"


class MessageOut(Out):
    """收件箱中的一条消息"""

    id: UUID
    topic: Topic = Field(description="消息类别")
    title: str = Field(examples=["您有一张新的测评表"])
    body: str
    target_type: str | None = Field(description="所指对象的类型", examples=["sheet"])
    target_id: UUID | None
    created_at: Moment
    read_at: Moment | None = Field(description="阅读时间；未读为 null")
    archived_at: Moment | None


class UnreadOut(Out):
    """未读消息数"""

    unread: int = Field(examples=[3])
    by_topic: dict[Topic, int] = Field(description="各类别的未读数，没有未读的类别不列出")


class ReadAll(Strict):
    """全部标为已读的范围"""

    until: AwareDatetime = Field(
        description="只标记此时刻（含）之前收到的消息，即界面上已列出的最新一条的时间",
        examples=["2026-11-22T09:30:00+08:00"],
    )
    topic: Topic | None = Field(default=None, description="只标记此类别")


class MarkedOut(Out):
    """处理结果"""

    marked: int = Field(description="本次标记的条数", examples=[12])
