"""Requests and responses of custom areas."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, ShortText, Strict
from wenming_api.system.areas.rules import CODE_PATTERN, MAX_MEMBERS, AreaKind
from wenming_api.system.regions.rules import RegionLevel

AreaCode = Annotated[str, Field(pattern=CODE_PATTERN, description="自定义区域代码", examples=["urban-01"])]
MemberIds = Annotated[list[UUID], Field(max_length=MAX_MEMBERS, description="所含区域（各含其下级），可跨区县、街道")]


class AreaSort(StrEnum):
    """自定义区域的排序"""

    CODE = "code"
    CODE_DOWN = "-code"
    NAME = "name"
    NAME_DOWN = "-name"


class AreaRow(Out):
    """列表中的自定义区域"""

    id: UUID
    code: str = Field(examples=["urban-01"])
    name: str = Field(examples=["中心城区"])
    kind: AreaKind
    region_id: UUID = Field(description="所在区域")
    region_name: str = Field(description="所在区域全称")
    active: bool
    version: int


class AreaMemberOut(Out):
    """自定义区域所含的区域"""

    id: UUID
    code: str
    full_name: str
    level: RegionLevel


class AreaOut(AreaRow):
    """自定义区域详情"""

    note: str | None
    created_at: Moment
    updated_at: Moment
    members: list[AreaMemberOut]
    allowed_actions: list[AllowedAction]


class AreaCreate(Strict):
    """新增自定义区域"""

    code: AreaCode
    name: Name
    kind: AreaKind
    region_id: UUID = Field(description="所在区域，所含区域须在其中")
    note: ShortText | None = None
    member_ids: MemberIds


class AreaUpdate(Strict):
    """修改自定义区域；未给出的字段不变，member_ids 整体替换"""

    name: Name | None = None
    kind: AreaKind | None = None
    note: ShortText | None = None
    member_ids: MemberIds | None = None
