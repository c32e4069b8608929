"""What the late tray answers."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from wenming_api.city.forms.schemas import SubmissionIn
from wenming_api.city.scoring.rules import LateState
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Out


class LateSort(StrEnum):
    """迟到箱的排序"""

    OLDEST = "received_at"
    LATEST = "-received_at"


class LateRow(Out):
    """一份迟到的测评数据"""

    id: UUID = Field(description="提交编号")
    assessment_id: UUID
    sheet_id: UUID
    site_id: UUID
    site_name: str
    region_path: str
    assessor_id: UUID
    assessor_name: str
    state: LateState
    captured_at: Moment = Field(description="现场完成时间（设备时钟）")
    received_at: Moment = Field(description="服务器收到的时间")
    decided_at: Moment | None
    decided_by_name: str | None
    reason: str | None = Field(description="处理意见")
    version: int


class LateDetail(LateRow):
    """迟到数据详情"""

    submission: SubmissionIn
    current_version_id: UUID | None = Field(description="该测评表现在的版本")
    allowed_actions: list[AllowedAction]
