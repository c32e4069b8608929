"""Requests and answers of regions."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, Reason, Strict
from wenming_api.system.regions.rules import CODE_PATTERN, RegionLevel

RegionCode = Annotated[
    str, StringConstraints(pattern=CODE_PATTERN), Field(description="12 位区划代码", examples=["370302001000"])
]


class RegionSort(StrEnum):
    """区域的排序"""

    TREE = "path"
    NAME = "name"
    NEWEST = "-created_at"


class RegionCreate(Strict):
    """新增区域"""

    code: RegionCode
    name: Name = Field(examples=["般阳路街道"])
    level: RegionLevel
    parent_id: UUID | None = Field(description="上级区域；市为 null")


class RegionUpdate(Strict):
    """修改区域；未给出的字段不变"""

    name: Name | None = None
    active: bool | None = None
    position: int | None = Field(default=None, ge=0, le=1_000_000)


class RegionMove(Strict):
    """调整上级：管理隶属可与统计代码不同（如开发区）"""

    version: int = Field(ge=1, le=2**31 - 1)
    parent_id: UUID
    reason: Reason


class RegionOut(Out):
    """区域"""

    id: UUID
    code: str = Field(examples=["370302001000"])
    name: str = Field(examples=["般阳路街道"])
    full_name: str = Field(examples=["淄博市/淄川区/般阳路街道"])
    level: RegionLevel
    parent_id: UUID | None
    path: str = Field(examples=["370300000000/370302000000/370302001000/"])
    active: bool


class RegionDetail(RegionOut):
    """区域详情"""

    position: int
    version: int
    created_at: Moment
    updated_at: Moment
    children: int = Field(description="直属下级数")
    allowed_actions: list[AllowedAction]
