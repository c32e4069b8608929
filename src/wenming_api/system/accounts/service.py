"""Changes of users (M2.10): every right that is taken away ends at once, in every process."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
from wenming_api.kit.invalidation import invalidate
from wenming_api.kit.problems import (
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_edited,
    check_judged,
)
from wenming_api.system.accounts.queries import may_take_over
from wenming_api.system.accounts.schemas import RolesChange, UserCreate, UserUpdate
from wenming_api.system.audit.service import record
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.service import hold_tree
from wenming_api.system.roles.models import Role, RoleRegion
from wenming_api.system.roles.rules import DataScope, keys_apart, separated
from wenming_api.system.roles.service import MayNotGrant, check_may_grant
from wenming_api.system.sessions.service import end_all
from wenming_api.system.sessions.service import unlock as forget_failures
from wenming_api.system.units.models import Department, Unit
from wenming_api.system.users.models import User, UserRole
from wenming_api.system.users.rules import generate_password, hash_password


class OwnAccount(Forbidden):
    """Nobody gives himself roles, disables himself or resets his own password this way."""

    code = "own_account"
    title = "不能对自己的账号操作"


class OtherAdministrator(Forbidden):
    """Accounts of the other administrators are out of reach (三员分立)."""

    code = "other_administrator"
    title = "不能操作其他类别管理员的账号"


async def _locked(session: WriteSession, user_id: UUID, caller: Principal) -> User:
    found = await session.execute(select(User).where(User.id == user_id, caller.scope.where(User)).with_for_update())
    user = found.scalar_one_or_none()
    if user is None:
        raise NotFound
    return user


async def _other(session: WriteSession, *, caller: Principal, user_id: UUID, judged: Transition) -> User:
    """The user of a transition: not the caller, not another kind of administrator."""
    if user_id == caller.user_id:
        raise OwnAccount("请由其他管理员操作您的账号。")
    user = await _locked(session, user_id, caller)
    check_judged(judged.version, user.version)
    held = await session.execute(
        select(Role.permissions).join(UserRole, UserRole.role_id == Role.id).where(UserRole.user_id == user_id)
    )
    if not may_take_over(caller, {code for codes in held.scalars() for code in codes}):
        raise OtherAdministrator("系统、安全、审计管理员的账号互不操作，请联系运维人员。")
    return user


async def _home(session: WriteSession, *, caller: Principal, unit_id: UUID, department_id: UUID | None) -> Unit:
    found = await session.execute(select(Unit).where(Unit.id == unit_id, Unit.active, caller.scope.where(Unit)))
    unit = found.scalar_one_or_none()
    if unit is None:
        raise InvalidInput(errors=[FieldError("/unit_id", "单位不存在、已停用，或不在您的数据范围内")])
    if department_id is not None:
        inside = await session.execute(
            select(Department.id).where(
                Department.id == department_id, Department.unit_id == unit_id, Department.active
            )
        )
        if inside.first() is None:
            raise InvalidInput(errors=[FieldError("/department_id", "该单位没有这个处室，或已停用")])
    return unit


async def load_roles(session: WriteSession, role_ids: Sequence[UUID]) -> list[tuple[Role, list[str]]]:
    """Roles with the paths of their custom regions; unknown ids are an error of the field."""
    wanted = list(dict.fromkeys(role_ids))
    roles = {role.id: role for role in (await session.execute(select(Role).where(Role.id.in_(wanted)))).scalars()}
    if unknown := [index for index, id_ in enumerate(role_ids) if id_ not in roles]:
        raise InvalidInput(errors=[FieldError(f"/role_ids/{index}", "角色不存在") for index in unknown])
    paths: dict[UUID, list[str]] = {}
    custom = await session.execute(
        select(RoleRegion.role_id, Region.path)
        .join(Region, Region.id == RoleRegion.region_id)
        .where(RoleRegion.role_id.in_(wanted))
    )
    for role_id, path in custom:
        paths.setdefault(role_id, []).append(path)
    return [(roles[id_], paths.get(id_, [])) for id_ in wanted]


def check_gives(caller: Principal, role: Role, regions: Sequence[str], home: Unit | User) -> None:
    """Refuse a role with more permissions, or a wider scope at this unit, than the caller may give (M1.4)."""
    check_may_grant(caller, [*role.permissions, *role.grantable])
    scope = caller.scope
    reaches = {
        DataScope.ALL: scope.all_rows,
        DataScope.CUSTOM: all(scope.holds_region(path) for path in regions),
        DataScope.REGION: scope.holds_region(home.region_path),
        DataScope.UNIT_AND_BELOW: scope.all_rows
        or scope.holds_region(home.region_path)
        or any(str(home.unit_path).startswith(prefix) for prefix in scope.unit_prefixes),
        DataScope.UNIT: scope.holds_unit(str(home.unit_path), home.region_path),
        DataScope.OWN: True,
    }[role.data_scope]
    if not reaches:
        raise MayNotGrant(f"角色“{role.name}”的数据范围（{role.data_scope.label}）超出您自己的范围。")


def check_separated(roles: Sequence[Role]) -> None:
    """Refuse two of the three administrators in one account."""
    united = {code for role in roles for code in role.permissions}
    if not separated({role.code for role in roles}) or not keys_apart(united):
        raise InvalidInput(errors=[FieldError("/role_ids", "系统、安全、审计管理员互斥，一个账号只能有其中一类权限")])


async def create_user(session: WriteSession, *, caller: Principal, new: UserCreate) -> tuple[User, str]:
    """Add a user with a generated password, which is returned this once and stored only as its hash."""
    password = generate_password()
    hashed = await asyncio.to_thread(hash_password, password)
    await hold_tree(session)
    unit = await _home(session, caller=caller, unit_id=new.unit_id, department_id=new.department_id)
    user = User(
        **new.model_dump(exclude={"role_ids"}),
        password_hash=hashed,
        password_changed_at=clock.now(),
        unit_path=unit.unit_path,
        region_path=unit.region_path,
    )
    session.add(user)
    await session.flush()  # a taken name must answer before the roles and the audit entry are written
    if new.role_ids:
        await _replace_roles(session, caller=caller, user=user, role_ids=new.role_ids)
    await record(
        session, caller=caller, action="users.create", target=("user", user.id), after=new.model_dump(mode="json")
    )
    return user, password


async def update_user(
    session: WriteSession, *, caller: Principal, user_id: UUID, version: int, changes: UserUpdate
) -> User:
    """Change a user's name, unit or department; his scope follows the unit at once."""
    await hold_tree(session)
    user = await _locked(session, user_id, caller)
    check_edited(version, user.version)
    given = changes.model_dump(exclude_unset=True)
    given = {key: value for key, value in given.items() if value is not None or key == "department_id"}
    if "unit_id" in given:
        given.setdefault("department_id", None)
    before = {key: getattr(user, key) for key in given}
    if "department_id" in given:
        unit_id = given.get("unit_id", user.unit_id)
        if unit_id != user.unit_id and user_id == caller.user_id:
            raise OwnAccount("不能改变自己的单位，数据范围会随之改变。")
        unit = await _home(session, caller=caller, unit_id=unit_id, department_id=given["department_id"])
        user.unit_path, user.region_path = unit.unit_path, unit.region_path
    for key, value in given.items():
        setattr(user, key, value)
    await session.flush()  # the answer carries the new version
    await record(session, caller=caller, action="users.update", target=("user", user.id), before=before, after=given)
    await invalidate(session, f"user:{user.id}")
    return user


async def change_roles(
    session: WriteSession, *, caller: Principal, user_id: UUID, version: int, change: RolesChange
) -> User:
    """Give a user exactly these roles; what is added or taken away must be the caller's to give."""
    if user_id == caller.user_id:
        raise OwnAccount("不能给自己分配角色，请由其他安全管理员操作。")
    user = await _locked(session, user_id, caller)
    check_edited(version, user.version)
    before = await _replace_roles(session, caller=caller, user=user, role_ids=change.role_ids)
    user.updated_at = clock.now()  # a change of roles is a new version of the user
    await session.flush()
    await record(
        session,
        caller=caller,
        action="users.change_roles",
        target=("user", user.id),
        before={"role_ids": before},
        after={"role_ids": change.role_ids},
    )
    await invalidate(session, f"user:{user.id}")
    return user


async def _replace_roles(
    session: WriteSession, *, caller: Principal, user: User, role_ids: Sequence[UUID]
) -> list[UUID]:
    if not caller.may(Permission.ROLES_MANAGE):
        raise Forbidden("分配角色需要“维护角色”权限。", permission=Permission.ROLES_MANAGE.value)
    held = list((await session.execute(select(UserRole.role_id).where(UserRole.user_id == user.id))).scalars())
    wanted = await load_roles(session, role_ids)
    check_separated([role for role, _ in wanted])
    added = [(role, regions) for role, regions in wanted if role.id not in held]
    dropped = await load_roles(session, [id_ for id_ in held if id_ not in set(role_ids)])
    for role, regions in [*added, *dropped]:
        check_gives(caller, role, regions, user)
    if dropped:
        await session.execute(
            delete(UserRole).where(UserRole.user_id == user.id, UserRole.role_id.in_([role.id for role, _ in dropped]))
        )
    if added:
        await session.execute(insert(UserRole), [{"user_id": user.id, "role_id": role.id} for role, _ in added])
    return held


async def set_active(
    session: WriteSession, *, caller: Principal, user_id: UUID, judged: Transition, active: bool
) -> User:
    """Disable a user, which ends his sessions at once, or enable him again."""
    user = await _other(session, caller=caller, user_id=user_id, judged=judged)
    if user.active is active:
        now, other = ("在用", "disable") if active else ("停用", "enable")
        raise IllegalTransition(f"用户已经是{now}状态。", allowed=[other])
    user.active = active
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="users.enable" if active else "users.disable",
        target=("user", user.id),
        before={"active": not active},
        after={"active": active},
        reason=judged.reason,
    )
    if not active:
        await end_all(session, caller=caller, user_id=user.id, reason=judged.reason)
    return user


async def reset_password(
    session: WriteSession, *, caller: Principal, user_id: UUID, judged: Transition
) -> tuple[User, str]:
    """Give a user a generated password, which he must change; his sessions end and his account is unlocked."""
    password = generate_password()
    hashed = await asyncio.to_thread(hash_password, password)
    user = await _other(session, caller=caller, user_id=user_id, judged=judged)
    if not user.active:
        raise IllegalTransition("用户已停用，请先启用。", allowed=["enable"])
    user.password_hash, user.must_change_password, user.password_changed_at = hashed, True, clock.now()
    await session.flush()  # the answer carries the new version
    await forget_failures(session, username=user.username)
    await record(session, caller=caller, action="users.reset_password", target=("user", user.id), reason=judged.reason)
    await end_all(session, caller=caller, user_id=user.id, reason="重置密码")
    return user, password


async def unlock_user(session: WriteSession, *, caller: Principal, user_id: UUID, judged: Transition) -> None:
    """Let a user sign in again after too many failures."""
    user = await _locked(session, user_id, caller)
    check_judged(judged.version, user.version)
    await forget_failures(session, username=user.username)
    await record(session, caller=caller, action="users.unlock", target=("user", user.id), reason=judged.reason)


async def force_out(session: WriteSession, *, caller: Principal, user_id: UUID, judged: Transition) -> None:
    """End every session of a user."""
    user = await _other(session, caller=caller, user_id=user_id, judged=judged)
    await end_all(session, caller=caller, user_id=user.id, reason=judged.reason)
