"""PostgreSQL through SQLAlchemy: the declarative base, column mixins, and the two kinds of session.

A `WriteSession` belongs to one transaction that the edge (`kit.http`, `kit.jobs`) commits; a `ReadSession` can only
read.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import DateTime, Enum, MetaData, Numeric, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from wenming_api.kit import clock
from wenming_api.kit.ids import uuid7

ScoreType = Numeric(20, 10)
"""Stored scores: ten decimals, rounded half-up once, when they are stored."""


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
        Decimal: ScoreType,
        str: Text(),
        list[str]: ARRAY(Text()),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
    }


class Keyed:
    """A UUIDv7 primary key."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, sort_order=-100)


class Stamped:
    """When the row was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(default=clock.now, sort_order=900)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now, sort_order=901)


class Versioned:
    """A row version, the ETag of a mutable resource; SQLAlchemy raises it and refuses a stale UPDATE."""

    version: Mapped[int] = mapped_column(default=1, sort_order=902)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.__dict__.get("version", cls.version)}


def enum_column(kind: type[StrEnum], **options: Any) -> Mapped[Any]:
    """A column holding the values of a StrEnum as text with a CHECK constraint."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    stored = Enum(
        kind,
        native_enum=False,
        length=40,
        name=name,
        create_constraint=True,
        values_callable=lambda members: [member.value for member in members],
    )
    return mapped_column(stored, **options)


class WriteSession(AsyncSession):
    """A session whose transaction the edge commits."""


class ReadSession(AsyncSession):
    """A session that PostgreSQL lets only read."""


AnySession = WriteSession | ReadSession


class Database:
    """The connections of one process: a pool for transactions, and one for reads.

    A connection of the second pool is READ ONLY for good and commits by itself, so that a read costs no BEGIN and no
    ROLLBACK. It may be sent to a replica.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine = self._engine(url, pool_size)
        self.readers = self._engine(url, pool_size, default_transaction_read_only="on").execution_options(
            isolation_level="AUTOCOMMIT"
        )
        self.turns = asyncio.Semaphore(pool_size)
        """Requests that write take turns in the order in which they came: the pool gives a connection to whoever asks
        at the right moment, and under load some would wait for seconds while others do not wait at all."""
        self._snapshots = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @staticmethod
    def _engine(url: str, pool_size: int, **server_settings: str) -> AsyncEngine:
        return create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=False,
            hide_parameters=True,  # an error's log must not hold a draw's secret or a password's hash
            query_cache_size=2_000,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "server_settings": {"application_name": "wenming", **server_settings},
                "prepared_statement_cache_size": 1_000,
            },
        )

    def write(self) -> WriteSession:
        """A new write session; nothing is committed unless its owner does so."""
        return WriteSession(self.engine, expire_on_commit=False)

    def read(self) -> ReadSession:
        """A new read session. Every statement sees what is committed when it starts."""
        return ReadSession(self.readers, expire_on_commit=False, autoflush=False)

    def snapshot(self) -> ReadSession:
        """A new read session in one READ ONLY transaction that sees one state: for exports, and for `stream`."""
        return ReadSession(self._snapshots, expire_on_commit=False, autoflush=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[WriteSession]:
        """One transaction: committed when the block ends well, rolled back otherwise."""
        async with self.write() as session, session.begin():
            yield session

    async def dispose(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
        await self.readers.dispose()


async def raw_connection(session: AsyncSession) -> asyncpg.Connection:
    """The asyncpg connection that the session's transaction runs on."""
    connection = await session.connection()
    raw = cast("asyncpg.Connection", (await connection.get_raw_connection()).driver_connection)
    if not raw.is_in_transaction():  # SQLAlchemy begins with its first statement, and this may be the first
        await session.execute(text("SELECT 1"))
    return raw


async def copy_rows(session: WriteSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Add many rows by COPY, several times faster than INSERT. All rows have the same columns; Python-side defaults
    are not applied. Raises asyncpg's errors, a unique violation among them."""
    if not rows:
        return
    columns = list(rows[0])
    json_columns = {name for name in columns if isinstance(table.__table__.c[name].type, JSONB)}
    records = [
        tuple(
            orjson.dumps(row[name]).decode() if name in json_columns and row[name] is not None else row[name]
            for name in columns
        )
        for row in rows
    ]
    await session.flush()  # rows that these refer to come first
    raw = await raw_connection(session)
    await raw.copy_records_to_table(table.__tablename__, records=records, columns=columns)
