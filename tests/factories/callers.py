"""Users for tests: made straight in the database, signed in with a real token of a real session."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import httpx
from fastapi import FastAPI

from tests.answers import CheckedAnswers
from tests.factories.places import make_unit
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import Database, WriteSession
from wenming_api.system.roles.models import Role, RoleRegion
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.sessions.models import Session
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User, UserRole

_numbers = itertools.count(1)
UNUSABLE = "not a hash"


async def make_user(
    session: WriteSession,
    *,
    unit: Unit,
    permissions: Sequence[Permission] = tuple(Permission),
    scope: DataScope = DataScope.ALL,
    regions: Sequence[UUID] = (),
    username: str | None = None,
    password_hash: str = UNUSABLE,
    must_change_password: bool = False,
) -> User:
    """A user of `unit` with one role of his own. Flushed, not committed."""
    no = next(_numbers)
    user = User(
        username=username or f"user{no}",
        display_name=f"用户{no}",
        password_hash=password_hash,
        must_change_password=must_change_password,
        password_changed_at=clock.now(),
        unit_id=unit.id,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
    )
    role = Role(
        code=f"role-{no}",
        name=f"角色{no}",
        permissions=[permission.value for permission in permissions],
        grantable=[],
        data_scope=scope,
    )
    session.add_all([user, role])
    await session.flush()
    session.add(UserRole(user_id=user.id, role_id=role.id))
    session.add_all([RoleRegion(role_id=role.id, region_id=region) for region in regions])
    await session.flush()
    return user


@dataclass
class Callers:
    """Makes users and signed-in clients; closes the clients at the end of the test."""

    app: FastAPI
    database: Database
    stack: contextlib.AsyncExitStack
    users: dict[str, User] = field(default_factory=dict)

    async def client(
        self,
        permissions: Sequence[Permission] = tuple(Permission),
        *,
        scope: DataScope = DataScope.ALL,
        unit: Unit | None = None,
        regions: Sequence[UUID] = (),
        must_change_password: bool = False,
    ) -> httpx.AsyncClient:
        """A client signed in as a new user; `client.user` is not there: see `user_of`."""
        async with self.database.transaction() as session:
            home = unit or await make_unit(session)
            user = await make_user(
                session,
                unit=home,
                permissions=permissions,
                scope=scope,
                regions=regions,
                must_change_password=must_change_password,
            )
        return await self.sign_in(user)

    async def sign_in(self, user: User) -> httpx.AsyncClient:
        """A client with a token of a new session of `user`."""
        at = clock.now()
        async with self.database.transaction() as session:
            started = Session(user_id=user.id, expires_at=at + timedelta(hours=1))
            session.add(started)
        token = self.app.state.issuer.issue(user_id=user.id, session_id=started.id, at=at, lives_for=timedelta(hours=1))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=CheckedAnswers(self.app), raise_app_exceptions=False),
            base_url="http://test/api/v1",
            headers={"Authorization": f"Bearer {token}"},
        )
        self.users[token] = user
        return await self.stack.enter_async_context(client)

    def user_of(self, client: httpx.AsyncClient) -> User:
        """The user that a client is signed in as."""
        return self.users[client.headers["Authorization"].removeprefix("Bearer ")]


@contextlib.asynccontextmanager
async def make_callers(app: FastAPI, database: Database) -> AsyncIterator[Callers]:
    """The factory, with a stack that closes its clients."""
    async with contextlib.AsyncExitStack() as stack:
        yield Callers(app, database, stack)
