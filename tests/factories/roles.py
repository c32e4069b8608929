"""Roles and administrators for tests."""

from uuid import UUID

from sqlalchemy import insert, select

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import WriteSession
from wenming_api.system.roles.models import Role
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.roles.service import seed_builtin_roles
from wenming_api.system.users.models import User, UserRole


async def builtin_role(session: WriteSession, code: str) -> Role:
    """A built-in role, seeded when it is not there."""
    await seed_builtin_roles(session)
    return (await session.execute(select(Role).where(Role.code == code))).scalar_one()


async def make_role(
    session: WriteSession,
    *permissions: Permission,
    code: str = "made",
    scope: DataScope = DataScope.UNIT,
) -> Role:
    """A custom role. Flushed, not committed."""
    role = Role(
        code=code,
        name=f"角色{code}",
        permissions=sorted(permission.value for permission in permissions),
        grantable=[],
        data_scope=scope,
    )
    session.add(role)
    await session.flush()
    return role


async def give(session: WriteSession, user: User, role_id: UUID) -> None:
    """Let a user hold a role, past the service."""
    await session.execute(insert(UserRole).values(user_id=user.id, role_id=role_id))
