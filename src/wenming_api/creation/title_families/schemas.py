"""Requests and answers of families."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, ShortText, Strict


class FamilySort(StrEnum):
    """文明家庭的排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"


class FamilyCreate(Strict):
    """登记家庭"""

    unit_id: UUID | None = Field(default=None, description="负责登记的单位（如社区）；不填为本单位")
    name: Name = Field(description="户主姓名或家庭名称", examples=["王小明"])
    address: ShortText = Field(default="", description="住址")
    members: Annotated[int, Field(ge=1, le=100)] | None = Field(default=None, description="家庭人数")


class FamilyUpdate(Strict):
    """修改家庭；未给出的字段不变"""

    name: Name | None = Field(default=None, description="户主姓名或家庭名称")
    address: ShortText | None = Field(default=None, description="住址")
    members: Annotated[int, Field(ge=1, le=100)] | None = Field(default=None, description="家庭人数")
    active: bool | None = None


class FamilyOut(Out):
    """家庭；没有查看个人信息的权限时，姓名与住址已遮盖"""

    id: UUID
    unit_id: UUID
    unit_name: str = Field(description="负责登记的单位")
    unit_path: str
    region_path: str
    name: str = Field(description="户主姓名或家庭名称；可能已遮盖")
    address: str = Field(description="住址；可能已遮盖")
    members: int | None = Field(description="家庭人数")
    masked: bool = Field(description="个人信息是否已遮盖")
    active: bool
    version: int


class FamilyDetail(FamilyOut):
    """家庭详情"""

    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]
