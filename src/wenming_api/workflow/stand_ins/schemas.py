"""What clients send and get about stand-ins."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import Field, model_validator

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Out, Reason, Strict
from wenming_api.workflow.stand_ins.rules import MAX_DAYS, StandInKind


class StandInSort(StrEnum):
    """代理的排序"""

    NEWEST = "-starts_on"
    OLDEST = "starts_on"


class StandInCreate(Strict):
    """登记委托或外出"""

    user_id: UUID | None = Field(default=None, description="委托人；null 为本人")
    deputy_id: UUID = Field(description="代理人")
    kind: StandInKind
    starts_on: date = Field(description="首日", examples=["2026-11-23"])
    ends_on: date = Field(description=f"末日（含），最长 {MAX_DAYS} 天", examples=["2026-11-27"])
    reason: Reason

    @model_validator(mode="after")
    def _spans(self) -> "StandInCreate":
        if not 0 <= (self.ends_on - self.starts_on).days < MAX_DAYS:
            raise ValueError(f"末日不能早于首日，且最长 {MAX_DAYS} 天")
        return self


class StandInOut(Out):
    """委托或外出登记"""

    id: UUID
    user_id: UUID = Field(description="委托人")
    user_name: str = Field(description="委托人姓名")
    deputy_id: UUID = Field(description="代理人")
    deputy_name: str = Field(description="代理人姓名")
    unit_id: UUID = Field(description="委托人的单位")
    unit_name: str
    kind: StandInKind
    starts_on: date = Field(description="首日")
    ends_on: date = Field(description="末日（含）")
    reason: str
    in_effect: bool = Field(description="今天是否有效")
    ended_at: Moment | None = Field(description="提前结束的时间；未提前结束为 null")
    version: int


class StandInDetail(StandInOut):
    """委托或外出登记及可用操作"""

    created_at: Moment
    allowed_actions: list[AllowedAction]
