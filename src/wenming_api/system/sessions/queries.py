"""Reads of sessions: whose token this is, and what he may."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import AnySession
from wenming_api.system.regions.models import Region
from wenming_api.system.roles.models import Role, RoleRegion
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.sessions.models import Session
from wenming_api.system.sessions.schemas import Me, PermissionOut, RoleBrief, ScopeOut, SessionOut
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User, UserRole

_custom_regions = (
    select(func.array_agg(Region.path))
    .join(RoleRegion, RoleRegion.region_id == Region.id)
    .where(RoleRegion.role_id == Role.id)
    .scalar_subquery()
)
_roles = (
    select(
        func.jsonb_agg(
            aggregate_order_by(
                func.jsonb_build_object(
                    "permissions",
                    Role.permissions,
                    "grantable",
                    Role.grantable,
                    "data_scope",
                    Role.data_scope,
                    "regions",
                    _custom_regions,
                ),
                Role.code,
            )
        )
    )
    .join(UserRole, UserRole.role_id == Role.id)
    .where(UserRole.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
)
_PRINCIPAL = (
    select(
        User.id,
        User.username,
        User.display_name,
        User.unit_id,
        User.unit_path,
        User.region_path,
        User.must_change_password,
        Session.id.label("session_id"),
        _roles.label("roles"),
    )
    .join(Session, Session.user_id == User.id)
    .where(User.active, Session.revoked_at.is_(None))
)


async def load_principal(session: AnySession, *, session_id: UUID) -> Principal | None:
    """The principal of a live session of an active user, in one statement."""
    found = await session.execute(_PRINCIPAL.where(Session.id == session_id, Session.expires_at > clock.now()))
    row = found.one_or_none()
    return principal_of(row) if row else None


def principal_of(row: Any) -> Principal:
    """A principal from a row of a user and his roles: permissions and scopes of all roles united."""
    roles = row.roles or []
    return Principal(
        user_id=row.id,
        username=row.username,
        display_name=row.display_name,
        unit_id=row.unit_id,
        unit_path=row.unit_path,
        region_path=row.region_path,
        permissions=frozenset(permission for role in roles for permission in role["permissions"]),
        grantable=frozenset(permission for role in roles for permission in role["grantable"]),
        scope=_scope(row, roles),
        session_id=row.session_id,
        must_change_password=row.must_change_password,
    )


def _scope(row: Any, roles: list[dict[str, Any]]) -> Scope:
    kinds = {role["data_scope"] for role in roles}
    regions = {path for role in roles if role["data_scope"] == DataScope.CUSTOM for path in role["regions"] or []}
    if DataScope.REGION in kinds:
        regions.add(row.region_path)
    return Scope(
        all_rows=DataScope.ALL in kinds,
        user_id=row.id,
        unit_path=row.unit_path,
        region_prefixes=tuple(sorted(regions)),
        unit_prefixes=(row.unit_path,) if DataScope.UNIT_AND_BELOW in kinds else (),
        unit_paths=(row.unit_path,) if DataScope.UNIT in kinds else (),
    )


async def describe_me(session: AnySession, *, caller: Principal) -> Me:
    """The caller as he is shown to himself."""
    unit_name = (await session.execute(select(Unit.name).where(Unit.id == caller.unit_id))).scalar_one()
    roles = await session.execute(
        select(Role.code, Role.name, Role.data_scope)
        .join(UserRole, UserRole.role_id == Role.id)
        .where(UserRole.user_id == caller.user_id)
        .order_by(Role.code)
    )
    return Me(
        id=caller.user_id,
        username=caller.username,
        display_name=caller.display_name,
        unit_id=caller.unit_id,
        unit_name=unit_name,
        region_path=caller.region_path,
        must_change_password=caller.must_change_password,
        roles=[RoleBrief.model_validate(role) for role in roles],
        permissions=[
            PermissionOut(code=permission.value, label=permission.label)
            for permission in Permission
            if permission.value in caller.permissions
        ],
        scope=ScopeOut(
            all_rows=caller.scope.all_rows,
            region_prefixes=list(caller.scope.region_prefixes),
            unit_prefixes=list(caller.scope.unit_prefixes + caller.scope.unit_paths),
        ),
    )


async def list_own_sessions(session: AnySession, *, caller: Principal) -> list[SessionOut]:
    """The caller's live sessions, newest first."""
    found = await session.execute(
        select(
            Session.id,
            Session.started_at,
            Session.refreshed_at,
            Session.expires_at,
            Session.client_address,
            Session.user_agent,
            (Session.id == caller.session_id).label("current"),
        )
        .where(Session.user_id == caller.user_id, Session.revoked_at.is_(None), Session.expires_at > clock.now())
        .order_by(Session.started_at.desc(), Session.id)
        .limit(100)
    )
    return [SessionOut.model_validate(row) for row in found]
