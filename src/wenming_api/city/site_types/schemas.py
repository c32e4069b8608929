"""Requests and responses of site types."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.city.site_types.rules import CODE_PATTERN
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, ShortText, Strict

TypeCode = Annotated[str, Field(pattern=CODE_PATTERN, description="点位类型代码", examples=["37"])]
Position = Annotated[int, Field(ge=0, le=100_000, description="排序号，小的在前")]


class SiteTypeSort(StrEnum):
    """点位类型的排序"""

    POSITION = "position"
    POSITION_DOWN = "-position"
    CODE = "code"
    CODE_DOWN = "-code"
    NAME = "name"
    NAME_DOWN = "-name"


class SiteTypeRow(Out):
    """列表中的点位类型"""

    id: UUID
    code: str = Field(examples=["37"])
    name: str = Field(examples=["小区"])
    category: str = Field(description="类别", examples=["街道社区"])
    is_place: bool = Field(description="是否为地点；拨打热线、走办理流程的类型为 false")
    active: bool
    position: int
    version: int


class SiteTypeOut(SiteTypeRow):
    """点位类型详情"""

    source: str | None = Field(description="出处")
    note: str | None
    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]


class SiteTypeCreate(Strict):
    """新增点位类型"""

    code: TypeCode
    name: Name
    category: Name
    is_place: bool = True
    position: Position = 1000
    source: ShortText | None = None
    note: ShortText | None = None


class SiteTypeUpdate(Strict):
    """修改点位类型；未给出的字段不变"""

    name: Name | None = None
    category: Name | None = None
    is_place: bool | None = None
    position: Position | None = None
    source: ShortText | None = None
    note: ShortText | None = None
