"""Work that leaves the request: rows in the PostgreSQL queue, enqueued in the caller's own transaction.

A handler is idempotent: it gets ids and reloads. Its attempts are counted in `job_attempts` before it starts, so that
a job that kills its worker is parked after `attempts` tries instead of looping for ever.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit import clock
from wenming_api.kit.db import Base, Database, WriteSession, raw_connection

MAX_ATTEMPTS = 5


class JobAttempt(Base):
    """How often a queued job has been started, and whether it was given up (parked)."""

    __tablename__ = "job_attempts"

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str]
    payload: Mapped[dict[str, Any]]
    attempts: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_error: Mapped[str | None]
    parked_at: Mapped[datetime | None] = mapped_column(index=True)


class HasDatabase(Protocol):
    """What a job needs of the process it runs in."""

    @property
    def database(self) -> Database: ...


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a queued job. `resources` is the process's `wenming_api.settings.Resources`."""

    id: int
    name: str
    payload: dict[str, Any]
    attempt: int
    resources: Any

    def transaction(self) -> AbstractAsyncContextManager[WriteSession]:
        """A transaction of its own, committed when the block ends well."""
        database: Database = self.resources.database
        return database.transaction()


Handler = Callable[[Job], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Periodic:
    """Work that one process of all runs every so many seconds."""

    name: str
    seconds: float
    run: Callable[[Any], Awaitable[None]]


@dataclass
class Catalogue:
    """All handlers that importing the jobs modules registered."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    periodic: dict[str, Periodic] = field(default_factory=dict)


catalogue = Catalogue()


def job(name: str) -> Callable[[Handler], Handler]:
    """Register a handler under the name that `enqueue` uses."""

    def register(handler: Handler) -> Handler:
        if name in catalogue.handlers:
            raise ValueError(f"job {name} is registered twice")
        catalogue.handlers[name] = handler
        return handler

    return register


def every(
    name: str, *, seconds: float
) -> Callable[[Callable[[Any], Awaitable[None]]], Callable[[Any], Awaitable[None]]]:
    """Register periodic work; it gets the process's resources."""

    def register(run: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
        catalogue.periodic[name] = Periodic(name, seconds, run)
        return run

    return register


async def enqueue(session: WriteSession, name: str, payload: dict[str, Any], *, dedupe: str | None = None) -> None:
    """Queue a job in the session's own transaction: rolled back with it. `dedupe` skips a job already waiting."""
    queries = Queries(AsyncpgDriver(await raw_connection(session)))
    await queries.enqueue(name, orjson.dumps(payload), dedupe_key=dedupe, on_conflict="skip" if dedupe else "raise")
