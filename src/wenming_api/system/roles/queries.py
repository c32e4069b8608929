"""Reads of roles. Roles belong to the whole system and are not scoped."""

from uuid import UUID

from sqlalchemy import func, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.regions.models import Region
from wenming_api.system.roles.models import Role, RoleRegion
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.roles.schemas import PermissionItem, RoleDetail, RoleOut, RoleRegionOut, RoleSort
from wenming_api.system.users.models import UserRole

_COLUMNS = [getattr(Role, name) for name in RoleOut.model_fields]
_SORTS = {"code": Role.code, "name": Role.name, "created_at": Role.created_at}


async def list_roles(
    session: AnySession,
    *,
    params: PageParams,
    sort: RoleSort = RoleSort.CODE,
    q: str | None = None,
    data_scope: DataScope | None = None,
    builtin: bool | None = None,
) -> Page[RoleOut]:
    """Roles that match every filter given."""
    statement = select(*_COLUMNS)
    if q is not None:
        statement = statement.where(contains(Role.name, q) | contains(Role.code, q))
    if data_scope is not None:
        statement = statement.where(Role.data_scope == data_scope)
    if builtin is not None:
        statement = statement.where(Role.builtin == builtin)
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=Role.id, into=RoleOut)


async def read_role(session: AnySession, *, caller: Principal, role_id: UUID) -> RoleDetail:
    """One role with what the caller may do with it; `NotFound`."""
    held = select(func.count()).where(UserRole.role_id == Role.id)
    found = await session.execute(
        select(
            *_COLUMNS,
            Role.version,
            Role.created_at,
            Role.updated_at,
            held.correlate(Role).scalar_subquery().label("holders"),
            held.where(UserRole.user_id == caller.user_id).correlate(Role).scalar_subquery().label("own"),
        ).where(Role.id == role_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    regions = await session.execute(
        select(Region.id, Region.code, Region.full_name)
        .join(RoleRegion, RoleRegion.region_id == Region.id)
        .where(RoleRegion.role_id == role_id)
        .order_by(Region.path)
    )
    fields = dict(row)
    own = fields.pop("own") > 0
    editable = (
        (caller.may(Permission.ROLES_MANAGE), "需要“维护角色”权限"),
        (not row["builtin"], "内置角色不能修改或删除"),
        (not own, "不能修改自己持有的角色"),
    )
    return RoleDetail(
        **fields,
        regions=[RoleRegionOut.model_validate(region) for region in regions],
        allowed_actions=[
            action("update", "修改", *editable),
            action("delete", "删除", *editable, (row["holders"] == 0, f"还有 {row['holders']} 名用户持有此角色")),
        ],
    )


def list_permissions(caller: Principal) -> list[PermissionItem]:
    """Every permission there is, and which of them the caller may give to others."""
    return [
        PermissionItem(code=permission.value, label=permission.label, may_grant=permission.value in caller.may_give)
        for permission in Permission
    ]
