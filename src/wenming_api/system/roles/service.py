"""Changes of roles (M1.4): nobody gives what he does not hold, nobody raises himself, built-in roles stay."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, insert, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.invalidation import invalidate
from wenming_api.kit.problems import Conflict, FieldError, Forbidden, InvalidInput, NotFound, check_edited
from wenming_api.system.audit.service import record
from wenming_api.system.regions.models import Region
from wenming_api.system.roles.models import Role, RoleRegion
from wenming_api.system.roles.rules import BUILTIN, BuiltinRole, DataScope, keys_apart, may_grant
from wenming_api.system.roles.schemas import RoleCreate, RoleUpdate
from wenming_api.system.users.models import UserRole


class MayNotGrant(Forbidden):
    """The caller tries to give a permission that he neither holds nor may give (M1.4)."""

    code = "may_not_grant"
    title = "不能授予自己没有的权限"


class OwnRole(Forbidden):
    """Nobody edits a role that he holds himself."""

    code = "own_role"
    title = "不能修改自己的角色"


class BuiltinRoleFixed(Conflict):
    """Built-in roles are the same everywhere."""

    code = "builtin_role"
    title = "内置角色不能修改"


class RoleInUse(Conflict):
    """Users hold the role."""

    code = "role_in_use"
    title = "角色仍被使用"


def check_may_grant(caller: Principal, permissions: Iterable[str]) -> None:
    """Refuse what the caller neither holds nor may give."""
    wanted = set(permissions)
    if not may_grant(granted=wanted, held=set(caller.may_give)):
        beyond = sorted(wanted - caller.may_give)
        labels = "、".join(Permission(code).label if code in set(Permission) else code for code in beyond[:10])
        raise MayNotGrant(f"您不持有且不能授予：{labels}。", permissions=beyond)


def _check_apart(permissions: Iterable[str]) -> None:
    if not keys_apart(set(permissions)):
        raise InvalidInput(errors=[FieldError("/permissions", "系统、安全、审计三类管理权限不能放在同一角色")])


async def _check_regions(
    session: WriteSession, *, caller: Principal, data_scope: DataScope, region_ids: list[UUID]
) -> None:
    if data_scope is DataScope.ALL and not caller.scope.all_rows:
        raise MayNotGrant("您自己没有全部数据的范围，不能授予。")
    if (data_scope is DataScope.CUSTOM) != bool(region_ids):
        needed = "自定义区域须至少选一个区域" if data_scope is DataScope.CUSTOM else "只有自定义区域才能选区域"
        raise InvalidInput(errors=[FieldError("/region_ids", needed)])
    if not region_ids:
        return
    found = await session.execute(select(Region.id, Region.path).where(Region.id.in_(region_ids)))
    held = {id_ for id_, path in found if caller.scope.holds_region(path)}
    if missing := [index for index, id_ in enumerate(region_ids) if id_ not in held]:
        raise InvalidInput(
            errors=[FieldError(f"/region_ids/{index}", "区域不存在，或不在您的数据范围内") for index in missing]
        )


async def create_role(session: WriteSession, *, caller: Principal, new: RoleCreate) -> Role:
    """Add a role out of permissions that the caller may give."""
    permissions = sorted({permission.value for permission in new.permissions})
    region_ids = list(dict.fromkeys(new.region_ids))
    check_may_grant(caller, permissions)
    _check_apart(permissions)
    await _check_regions(session, caller=caller, data_scope=new.data_scope, region_ids=region_ids)
    role = Role(code=new.code, name=new.name, permissions=permissions, grantable=[], data_scope=new.data_scope)
    session.add(role)
    await session.flush()  # a taken code or name must answer before the audit entry is written
    await _set_regions(session, role.id, region_ids)
    await record(
        session,
        caller=caller,
        action="roles.create",
        target=("role", role.id),
        after={**new.model_dump(mode="json"), "permissions": permissions},
    )
    return role


async def _set_regions(session: WriteSession, role_id: UUID, region_ids: list[UUID]) -> None:
    await session.execute(delete(RoleRegion).where(RoleRegion.role_id == role_id))
    if region_ids:
        await session.execute(
            insert(RoleRegion), [{"role_id": role_id, "region_id": region_id} for region_id in region_ids]
        )


async def _editable(session: WriteSession, *, caller: Principal, role_id: UUID, version: int) -> Role:
    role = (await session.execute(select(Role).where(Role.id == role_id).with_for_update())).scalar_one_or_none()
    if role is None:
        raise NotFound
    check_edited(version, role.version)
    if role.builtin:
        raise BuiltinRoleFixed("内置角色不能修改或删除；可按需新增角色。")
    own = await session.execute(
        select(UserRole.role_id).where(UserRole.role_id == role_id, UserRole.user_id == caller.user_id)
    )
    if own.first() is not None:
        raise OwnRole("您持有此角色，请由其他安全管理员修改。")
    check_may_grant(caller, role.permissions)
    return role


async def _region_ids(session: WriteSession, role_id: UUID) -> list[UUID]:
    found = await session.execute(select(RoleRegion.region_id).where(RoleRegion.role_id == role_id))
    return sorted(found.scalars())


async def update_role(
    session: WriteSession, *, caller: Principal, role_id: UUID, version: int, changes: RoleUpdate
) -> Role:
    """Change a role; it takes effect at once for everyone who holds it."""
    role = await _editable(session, caller=caller, role_id=role_id, version=version)
    given = changes.model_dump(exclude_unset=True, exclude_none=True)
    before = {field: getattr(role, field) for field in given if field != "region_ids"}
    if "permissions" in given:
        given["permissions"] = sorted({permission.value for permission in given["permissions"]})
        check_may_grant(caller, given["permissions"])
        _check_apart(given["permissions"])
        await _check_holders_apart(session, role_id, given["permissions"])
    if "data_scope" in given or "region_ids" in given:
        kept = await _region_ids(session, role_id)
        before["region_ids"] = kept
        data_scope = DataScope(given.get("data_scope", role.data_scope))
        custom = data_scope is DataScope.CUSTOM
        region_ids = list(dict.fromkeys(given.get("region_ids", kept if custom else [])))
        await _check_regions(session, caller=caller, data_scope=data_scope, region_ids=region_ids)
        await _set_regions(session, role_id, region_ids)
        given["region_ids"] = region_ids
        role.updated_at = clock.now()  # a change of regions alone is a new version too
    for field, value in given.items():
        if field != "region_ids":
            setattr(role, field, value)
    await session.flush()  # the answer carries the new version
    await record(session, caller=caller, action="roles.update", target=("role", role.id), before=before, after=given)
    await invalidate(session, "users")
    return role


async def _check_holders_apart(session: WriteSession, role_id: UUID, permissions: list[str]) -> None:
    """No holder may get a second administrator's key through a change of one of his roles."""
    holders = select(UserRole.user_id).where(UserRole.role_id == role_id)
    others = await session.execute(
        select(UserRole.user_id, Role.permissions)
        .join(Role, Role.id == UserRole.role_id)
        .where(UserRole.user_id.in_(holders), UserRole.role_id != role_id)
    )
    united: dict[UUID, set[str]] = {}
    for user_id, held in others:
        united.setdefault(user_id, set(permissions)).update(held)
    if not all(keys_apart(held) for held in united.values()):
        raise InvalidInput(errors=[FieldError("/permissions", "有持有人将同时具有两类管理权限，违反三员分立")])


async def delete_role(session: WriteSession, *, caller: Principal, role_id: UUID, version: int) -> None:
    """Delete a role that nobody holds."""
    role = await _editable(session, caller=caller, role_id=role_id, version=version)
    holders = await session.execute(select(UserRole.user_id).where(UserRole.role_id == role_id).limit(1))
    if holders.first() is not None:
        raise RoleInUse("仍有用户持有此角色，请先为他们更换角色。")
    before = {"code": role.code, "name": role.name, "permissions": role.permissions}
    await session.delete(role)
    await record(session, caller=caller, action="roles.delete", target=("role", role_id), before=before)


async def seed_builtin_roles(session: WriteSession) -> None:
    """Bring the built-in roles to what this release says; nothing changes when they are there already."""
    found = await session.execute(select(Role).where(Role.code.in_([builtin.code for builtin in BUILTIN])))
    there = {role.code: role for role in found.scalars()}
    changed = False
    for builtin in BUILTIN:
        fields = _fields(builtin)
        role = there.get(builtin.code)
        if role is None:
            session.add(Role(code=str(builtin.code), **fields))
            changed = True
        elif any(getattr(role, name) != value for name, value in fields.items()):
            for name, value in fields.items():
                setattr(role, name, value)
            changed = True
    if changed:
        await session.flush()
        await invalidate(session, "users")
        await record(session, caller=None, action="roles.seed", target=("role", None))


def _fields(builtin: BuiltinRole) -> dict[str, object]:
    return {
        "name": builtin.name,
        "data_scope": builtin.data_scope,
        "permissions": sorted(permission.value for permission in builtin.permissions),
        "grantable": sorted(permission.value for permission in builtin.grantable),
        "builtin": True,
    }
