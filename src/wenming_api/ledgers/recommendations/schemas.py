"""Requests and responses of recommendations."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Judged, Moment, Out, Reason
from wenming_api.ledgers.destinations.rules import Purpose
from wenming_api.ledgers.destinations.schemas import Destinations
from wenming_api.ledgers.submissions.rules import SubmissionState


class Recommend(Judged):
    """推荐上级：去向与推荐意见"""

    destinations: Destinations
    opinion: Reason | None = Field(default=None, description="推荐意见")


class LineageNode(Out):
    """推荐链上的一份报送，各自独立流转"""

    id: UUID
    parent_id: UUID | None = Field(description="由哪一份推荐而来；最初的报送为 null")
    level: Annotated[int, Field(description="第几级，直接报送为 1")]
    unit_name: str = Field(description="报送单位名称")
    receiver_unit_name: str = Field(description="接收单位名称")
    purpose: Purpose = Field(description="用途")
    topic_name: str | None = Field(description="专项工作名称")
    media_name: str | None = Field(description="拟推荐的媒体")
    version_no: int = Field(description="所报的台账版本号")
    round: int = Field(description="第几次报送")
    state: SubmissionState
    submitted_at: Moment = Field(description="报送时间")
    received_at: Moment | None = Field(description="签收时间")
    decided_at: Moment | None = Field(description="审核或撤回时间")
    archived_at: Moment | None
    visible: bool = Field(description="当前用户能否打开这一份")


class Lineage(Out):
    """从最初的报送到各级推荐的整棵树"""

    origin_id: UUID = Field(description="最初的报送")
    record_id: UUID = Field(description="台账记录")
    items: list[LineageNode] = Field(description="上级在前，同一上级的按报送时间")
