"""Reads of users. A user is seen by whoever sees his unit."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, any_, cast, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.accounts.schemas import UserDetail, UserOut, UserSort
from wenming_api.system.regions.models import Region
from wenming_api.system.roles.models import Role, RoleRegion
from wenming_api.system.roles.rules import KEYS, DataScope
from wenming_api.system.sessions.models import LoginFailures, Session
from wenming_api.system.units.models import Department, Unit
from wenming_api.system.users.models import User, UserRole

_roles = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object("id", Role.id, "code", Role.code, "name", Role.name), Role.code
                )
            ),
            cast(literal("[]", Text), JSONB),
        )
    )
    .join(UserRole, UserRole.role_id == Role.id)
    .where(UserRole.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
)
_JOINED = {
    "unit_name": Unit.name.label("unit_name"),
    "department_name": Department.name.label("department_name"),
    "roles": _roles.label("roles"),
}
_COLUMNS = [_JOINED[name] if name in _JOINED else getattr(User, name) for name in UserOut.model_fields]
_SORTS = {"username": User.username, "display_name": User.display_name, "created_at": User.created_at}


def _seen(scope: Scope, *more: Any) -> Select[Any]:
    return (
        select(*_COLUMNS, *more)
        .join(Unit, Unit.id == User.unit_id)
        .outerjoin(Department, Department.id == User.department_id)
        .where(scope.where(User))
    )


async def list_users(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    sort: UserSort = UserSort.USERNAME,
    unit_id: UUID | None = None,
    below: str | None = None,
    under: str | None = None,
    role_id: UUID | None = None,
    q: str | None = None,
    active: bool | None = None,
) -> Page[UserOut]:
    """Users that match every filter given; `under` is a region path, `below` a unit path, both with what they hold."""
    statement = _seen(scope)
    if unit_id is not None:
        statement = statement.where(User.unit_id == unit_id)
    if below is not None:
        statement = statement.where(User.unit_path.startswith(below, autoescape=True))
    if under is not None:
        statement = statement.where(User.region_path.startswith(under, autoescape=True))
    if role_id is not None:
        held = select(UserRole.user_id).where(UserRole.role_id == role_id)
        statement = statement.where(User.id.in_(held))
    if q is not None:
        statement = statement.where(contains(User.username, q) | contains(User.display_name, q))
    if active is not None:
        statement = statement.where(User.active == active)
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=User.id, into=UserOut)


async def holders(
    session: AnySession,
    *,
    permission: Permission,
    region_path: str,
    below: bool = False,
    unit_paths: Collection[str] = (),
) -> list[UUID]:
    """Active users who hold a permission and whose data scope holds a region; one statement.

    Args:
        below: those as well whose scope is a part of the region.
        unit_paths: those as well whose scope are units, when it holds one of these.
    """
    above = _path_and_above(region_path)

    def concerned(path: Any) -> ColumnElement[bool]:
        inside: ColumnElement[bool] = path.in_(above)
        return or_(inside, path.startswith(region_path, autoescape=True)) if below else inside

    role = select(literal(1)).join_from(UserRole, Role, Role.id == UserRole.role_id).where(UserRole.user_id == User.id)
    custom = exists().where(RoleRegion.role_id == Role.id, Region.id == RoleRegion.region_id, concerned(Region.path))
    scopes = [
        Role.data_scope == DataScope.ALL,
        and_(Role.data_scope == DataScope.REGION, concerned(User.region_path)),
        and_(Role.data_scope == DataScope.CUSTOM, custom),
        and_(Role.data_scope == DataScope.UNIT, User.unit_path.in_(set(unit_paths))),
        and_(
            Role.data_scope == DataScope.UNIT_AND_BELOW,
            User.unit_path.in_({each for path in unit_paths for each in _path_and_above(path)}),
        ),
    ]
    found = await session.scalars(
        select(User.id).where(
            User.active,
            exists(role.where(literal(permission.value) == any_(Role.permissions)).correlate(User)),
            exists(role.where(or_(*scopes)).correlate(User)),
        )
    )
    return list(found)


def _path_and_above(path: str) -> list[str]:
    """`1/15/208/` → `1/`, `1/15/`, `1/15/208/`."""
    steps = path.split("/")[:-1]
    return ["".join(f"{step}/" for step in steps[: length + 1]) for length in range(len(steps))]


async def read_user(session: AnySession, *, caller: Principal, user_id: UUID) -> UserDetail:
    """One user with what the caller may do with him, in one statement; `NotFound`."""
    at = clock.now()
    live = select(func.count()).where(Session.user_id == User.id, Session.revoked_at.is_(None), Session.expires_at > at)
    locked = select(LoginFailures.locked_until).where(
        LoginFailures.subject == literal("account:", Text) + User.username, LoginFailures.locked_until > at
    )
    held = (
        select(func.array_agg(func.array_to_string(Role.permissions, " ")))
        .join(UserRole, UserRole.role_id == Role.id)
        .where(UserRole.user_id == User.id)
    )
    found = await session.execute(
        _seen(
            caller.scope,
            User.region_path,
            User.unit_path,
            User.version,
            User.created_at,
            User.updated_at,
            User.password_changed_at,
            live.correlate(User).scalar_subquery().label("live_sessions"),
            locked.correlate(User).scalar_subquery().label("locked_until"),
            held.correlate(User).scalar_subquery().label("held"),
        ).where(User.id == user_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    fields = dict(row)
    permissions = {code for codes in fields.pop("held") or [] for code in codes.split()}
    manages = (caller.may(Permission.USERS_MANAGE), "需要“维护用户”权限")
    other = (user_id != caller.user_id, "不能对自己的账号操作")
    beneath = (may_take_over(caller, permissions), "不能操作其他类别管理员的账号")
    in_use = (row["active"], "用户已停用")
    return UserDetail(
        **fields,
        allowed_actions=[
            action("update", "修改", manages),
            action("roles", "分配角色", (caller.may(Permission.ROLES_MANAGE), "需要“维护角色”权限"), other),
            action("disable", "停用", manages, other, beneath, in_use),
            action("enable", "启用", manages, other, (not row["active"], "用户在用")),
            action("reset-password", "重置密码", manages, other, beneath, in_use),
            action("unlock", "解除锁定", manages, (row["locked_until"] is not None, "未被锁定")),
            action("logout", "强制下线", manages, other, beneath, (row["live_sessions"] > 0, "没有有效的登录")),
        ],
    )


def may_take_over(caller: Principal, permissions: set[str]) -> bool:
    """Whether the caller may act on an account with these permissions as if it were his own.

    Who resets a password can sign in with it, and who ends sessions silences: an administrator's account is left to
    those who hold the same key.
    """
    return {key.value for key in KEYS.values()} & permissions <= caller.may_give
