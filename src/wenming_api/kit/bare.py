"""PostgreSQL by asyncpg alone, for the few paths where SQLAlchemy's sessions cost more than the database does.

Statements carry `$1`, `$2`…; rows are read by column name. JSON is decoded.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar, cast

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from wenming_api.kit.db import WriteSession

Row = Mapping[str, Any]
T = TypeVar("T")
Connection = asyncpg.Connection | PoolConnectionProxy
_PATIENCE = 30.0
"""Seconds to wait for a free connection, as SQLAlchemy's pool does."""
_BROKEN = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
)


class Bare(Protocol):
    """What statements can be sent to."""

    async def fetch(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """All rows."""
        ...


async def send(connection: Connection, sql: str, values: Sequence[Any]) -> Sequence[Row]:
    """All rows of one statement."""
    return cast("Sequence[Row]", await connection.fetch(sql, *values))


class _On:
    """One connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """All rows."""
        return await send(self._connection, sql, values)


class _Pool:
    """Connections, opened when first used; whoever asks first gets the next free one.

    The turns are taken here: the pool below gives a connection to whoever asks at the right moment.
    """

    def __init__(self, dsn: str, *, size: int, **server_settings: str) -> None:
        self._dsn = dsn.replace("postgresql+asyncpg://", "postgresql://")
        self._size = size
        self._settings = {"application_name": "wenming", **server_settings}
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._turns = asyncio.Semaphore(size)

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[Connection]:
        pool = self._pool or await self._opened()
        async with self._turns, pool.acquire(timeout=_PATIENCE) as connection:
            yield connection

    async def _opened(self) -> asyncpg.Pool:
        if self._pool is not None:
            return self._pool
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._size,
                    init=_prepare,
                    reset=_keep_as_is,
                    server_settings=self._settings,
                    statement_cache_size=1_000,
                    max_cached_statement_lifetime=0,
                )
        return self._pool

    async def close(self) -> None:
        """Close all connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()


class Reader(_Pool):
    """Connections that can only read and commit by themselves."""

    def __init__(self, dsn: str, *, size: int) -> None:
        super().__init__(dsn, size=size, default_transaction_read_only="on")

    async def fetch(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """All rows of one statement; see `run`."""
        return await self.run(lambda bare: bare.fetch(sql, values))

    async def run(self, read: Callable[[Bare], Awaitable[T]]) -> T:
        """What `read` makes of its statements, all on one connection. When that broke while it lay idle, `read` is
        called once more, with a new one."""
        try:
            async with self._held() as connection:
                return await read(_On(connection))
        except _BROKEN:
            await (await self._opened()).expire_connections()
            async with self._held() as connection:
                return await read(_On(connection))


class Writer(_Pool):
    """Connections for transactions."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """One transaction: committed when the block ends well, rolled back otherwise."""
        async with self._held() as connection, connection.transaction():
            yield Transaction(connection)


class Transaction(_On):
    """An open transaction without a session."""


class InSession:
    """The transaction of a session, for statements that run without one elsewhere. Made and dropped within it."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def fetch(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """All rows."""
        connection = await self._session.connection()
        found = await connection.exec_driver_sql(sql, tuple(values))
        return cast("Sequence[Row]", found.mappings().all())


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):  # given as text, as SQLAlchemy gives it
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=orjson.loads)


async def _keep_as_is(connection: asyncpg.Connection) -> None:
    """Nothing to reset: nobody leaves a lock or a setting behind, and the reset is a round trip."""
