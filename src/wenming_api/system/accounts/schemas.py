"""Requests and answers of user management."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, Strict
from wenming_api.system.users.rules import USERNAME_PATTERN

Username = Annotated[
    str,
    StringConstraints(pattern=USERNAME_PATTERN, max_length=64),
    BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value),
    Field(description="用户名：3–64 个小写字母、数字、点、连字符、下划线", examples=["wang.min"]),
]


class UserSort(StrEnum):
    """用户的排序"""

    USERNAME = "username"
    NAME = "display_name"
    NEWEST = "-created_at"


class UserCreate(Strict):
    """新增用户；初始密码由系统生成，只显示一次"""

    username: Username
    display_name: Name = Field(examples=["王敏"])
    unit_id: UUID
    department_id: UUID | None = None
    role_ids: list[UUID] = Field(default=[], max_length=20, description="分配角色另需“维护角色”权限")


class UserUpdate(Strict):
    """修改用户；未给出的字段不变。改变单位而未给出处室时，处室清空"""

    display_name: Name | None = None
    unit_id: UUID | None = None
    department_id: UUID | None = None


class RolesChange(Strict):
    """用户的全部角色"""

    role_ids: list[UUID] = Field(max_length=20)


class HeldRole(Out):
    """用户持有的角色"""

    id: UUID
    code: str
    name: str = Field(examples=["测评员"])


class UserOut(Out):
    """用户"""

    id: UUID
    username: str = Field(examples=["wang.min"])
    display_name: str = Field(examples=["王敏"])
    unit_id: UUID
    unit_name: str
    department_id: UUID | None
    department_name: str | None
    active: bool
    must_change_password: bool = Field(description="下次登录须先修改密码")
    roles: list[HeldRole]


class UserDetail(UserOut):
    """用户详情"""

    region_path: str
    unit_path: str
    version: int
    created_at: Moment
    updated_at: Moment
    password_changed_at: Moment
    live_sessions: int = Field(description="有效登录数")
    locked_until: Moment | None = Field(description="登录被锁定到何时；未锁定为 null")
    allowed_actions: list[AllowedAction]


class IssuedPassword(Out):
    """系统生成的一次性密码，只显示这一次"""

    id: UUID
    username: str
    password: str = Field(description="首次登录后须修改", examples=["a1B2c-D3e4F-5g6H"])
    version: int = Field(description="用户的当前版本")
