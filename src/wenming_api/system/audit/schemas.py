"""What the audit log answers."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Moment, Out


class AuditSort(StrEnum):
    """审计日志的排序"""

    NEWEST = "-at"
    OLDEST = "at"


class AuditEntryOut(Out):
    """一条审计日志"""

    id: UUID
    at: Moment
    actor_id: UUID | None = Field(description="操作人；系统任务为 null")
    actor_name: str = Field(examples=["王敏"])
    action: str = Field(description="动作代码", examples=["assessments.publish"])
    target_type: str = Field(examples=["assessment"])
    target_id: UUID | None
    context_type: str | None
    context_id: UUID | None = Field(description="所属业务，如测评")
    changes: dict[str, Any] = Field(description="变更字段：{字段: [变更前, 变更后]}")
    reason: str | None
    request_id: str | None
