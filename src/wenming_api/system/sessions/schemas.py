"""Requests and answers of signing in."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr, StringConstraints

from wenming_api.kit.fields import Moment, Out, Strict
from wenming_api.system.roles.rules import DataScope


class SignIn(Strict):
    """用户名和密码"""

    username: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(examples=["city.office"])
    password: SecretStr = Field(min_length=1, max_length=256)


class Refresh(Strict):
    """换取新令牌"""

    refresh_token: Annotated[str, StringConstraints(min_length=20, max_length=200, pattern=r"^[A-Za-z0-9_\-]+$")]


class PasswordChange(Strict):
    """修改本人密码"""

    current_password: SecretStr = Field(min_length=1, max_length=256)
    new_password: SecretStr = Field(min_length=1, max_length=256)


class Tokens(Out):
    """一对令牌：短期访问令牌和一次性刷新令牌"""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="访问令牌有效秒数", examples=[600])
    must_change_password: bool = Field(description="须先修改密码才能使用其他功能")


class SessionOut(Out):
    """本人的一次登录"""

    id: UUID
    started_at: Moment
    refreshed_at: Moment
    expires_at: Moment
    client_address: str | None
    user_agent: str | None
    current: bool = Field(description="是否为当前会话")


class ScopeOut(Out):
    """数据范围"""

    all_rows: bool = Field(description="是否全部数据")
    region_prefixes: list[str] = Field(description="可见区域的路径前缀")
    unit_prefixes: list[str] = Field(description="可见单位的路径前缀")


class PermissionOut(Out):
    """一项权限"""

    code: str = Field(examples=["sites.read"])
    label: str = Field(examples=["查看点位"])


class RoleBrief(Out):
    """本人的角色"""

    code: str
    name: str
    data_scope: DataScope


class Me(Out):
    """当前用户、权限与数据范围"""

    id: UUID
    username: str
    display_name: str
    unit_id: UUID
    unit_name: str
    region_path: str
    must_change_password: bool
    roles: list[RoleBrief]
    permissions: list[PermissionOut]
    scope: ScopeOut
