"""Requests and answers of departments."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, Strict


class DepartmentSort(StrEnum):
    """处室的排序"""

    POSITION = "position"
    NAME = "name"


class DepartmentCreate(Strict):
    """新增处室"""

    name: Name = Field(examples=["市容管理科"])
    position: int = Field(default=0, ge=0, le=1_000_000, description="排序号，小者在前")


class DepartmentUpdate(Strict):
    """修改处室；未给出的字段不变"""

    name: Name | None = None
    position: int | None = Field(default=None, ge=0, le=1_000_000)
    active: bool | None = Field(default=None, description="是否在用")


class DepartmentOut(Out):
    """处室"""

    id: UUID
    unit_id: UUID
    name: str = Field(examples=["市容管理科"])
    position: int
    active: bool


class DepartmentDetail(DepartmentOut):
    """处室详情"""

    unit_name: str
    version: int
    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]
