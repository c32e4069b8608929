"""What destinations are asked for and answered as."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from wenming_api.kit.fields import Name, Out, Strict
from wenming_api.ledgers.destinations.rules import MAX_DESTINATIONS, Purpose


class Destination(Strict):
    """一个报送去向"""

    purpose: Purpose = Field(default=Purpose.LEDGER, description="用途：台账、专项工作、稿件")
    receiver_unit_id: UUID | None = Field(
        default=None, description="接收单位；不填时为管理单位，报专项工作时为其发布单位"
    )
    topic_id: UUID | None = Field(default=None, description="专项工作；用途为 topic 时必填，其他用途不填")
    media_name: Name | None = Field(
        default=None, description="拟推荐的媒体；用途为 manuscript 时必填，其他用途不填", examples=["淄博日报"]
    )

    @model_validator(mode="after")
    def _fits_its_purpose(self) -> Self:
        if (self.purpose is Purpose.TOPIC) != (self.topic_id is not None):
            raise ValueError("用途为专项工作时须选择专项工作，其他用途不填")
        if (self.purpose is Purpose.MANUSCRIPT) != (self.media_name is not None):
            raise ValueError("用途为稿件时须填写媒体名称，其他用途不填")
        return self


Destinations = Annotated[
    list[Destination], Field(min_length=1, max_length=MAX_DESTINATIONS, description="报送去向，各自独立流转")
]


class ReceiverOut(Out):
    """可以报送的单位"""

    unit_id: UUID = Field(description="接收单位")
    unit_name: str = Field(description="接收单位名称")
    manages: bool = Field(description="是否本单位的管理单位，即默认的接收单位")
    is_office: bool = Field(description="是否文明办")


class OpenTopicOut(Out):
    """今日可以报送的专项工作"""

    topic_id: UUID = Field(description="专项工作")
    topic_name: str = Field(description="专项工作名称")
    unit_id: UUID = Field(description="发布单位")
    unit_name: str = Field(description="发布单位名称")


class DestinationsOut(Out):
    """本单位可以报送的去向"""

    receivers: list[ReceiverOut] = Field(description="可以接收台账与稿件的单位，自近而远")
    topics: list[OpenTopicOut] = Field(description="正在接收报送的专项工作，最多 100 项")
