"""Requests and answers of roles."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Code, Moment, Name, Out, Strict
from wenming_api.system.roles.rules import DataScope


class RoleSort(StrEnum):
    """角色的排序"""

    CODE = "code"
    NAME = "name"
    NEWEST = "-created_at"


class RoleCreate(Strict):
    """新增角色"""

    code: Code = Field(examples=["street-office"])
    name: Name = Field(examples=["街道文明办"])
    permissions: list[Permission] = Field(max_length=200, description="权限代码；只能给出自己持有或可授予的权限")
    data_scope: DataScope
    region_ids: list[UUID] = Field(default=[], max_length=200, description="数据范围为自定义区域时的区域")


class RoleUpdate(Strict):
    """修改角色；未给出的字段不变"""

    name: Name | None = None
    permissions: list[Permission] | None = Field(default=None, max_length=200)
    data_scope: DataScope | None = None
    region_ids: list[UUID] | None = Field(default=None, max_length=200)


class RoleOut(Out):
    """角色"""

    id: UUID
    code: str = Field(examples=["city_office"])
    name: str = Field(examples=["市文明办工作人员"])
    data_scope: DataScope
    builtin: bool = Field(description="是否内置；内置角色不能修改或删除")
    permissions: list[str] = Field(examples=[["sites.read"]])
    grantable: list[str] = Field(description="可授予他人而自己不行使的权限")


class RoleRegionOut(Out):
    """角色的自定义区域"""

    id: UUID
    code: str
    full_name: str


class RoleDetail(RoleOut):
    """角色详情"""

    regions: list[RoleRegionOut]
    holders: int = Field(description="持有此角色的用户数")
    version: int
    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]


class PermissionItem(Out):
    """一项权限"""

    code: str = Field(examples=["sites.read"])
    label: str = Field(examples=["查看点位"])
    may_grant: bool = Field(description="当前用户能否授予")
