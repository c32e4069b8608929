"""What a process remembers (verified tokens, hot bytes) is dropped when a transaction elsewhere says so.

A change sends its topic with `invalidate`, which PostgreSQL delivers at commit to every listening process. While a
listener is cut off, its process remembers nothing: `Listener.fresh` is False and caches must not be used.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import asyncpg
import structlog
from sqlalchemy import func, select

from wenming_api.kit.db import WriteSession

CHANNEL = "wenming_invalidation"
_HEARTBEAT = 2.0
log = structlog.get_logger(__name__)


async def invalidate(session: WriteSession, topic: str) -> None:
    """Tell every process, when this transaction commits, to forget what it knows under `topic` (`user:…`)."""
    await session.execute(select(func.pg_notify(CHANNEL, topic)))


class Listener:
    """Listens for invalidations on a connection of its own and tells the process's caches."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn.replace("postgresql+asyncpg://", "postgresql://")
        self._forgetters: list[Callable[[str | None], None]] = []
        self._task: asyncio.Task[None] | None = None
        self.fresh = False

    def on_topic(self, forget: Callable[[str | None], None]) -> None:
        """Register a cache; it is called with a topic, or with None to forget everything."""
        self._forgetters.append(forget)

    def forget(self, topic: str | None) -> None:
        """Make this process's caches forget a topic, or everything."""
        for forget in self._forgetters:
            forget(topic)

    async def start(self) -> None:
        """Listen until `stop`; returns once the first connection stands."""
        ready = asyncio.Event()
        self._task = asyncio.create_task(self._run(ready), name="invalidation-listener")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ready.wait(), 5)

    async def stop(self) -> None:
        """Stop listening."""
        self.fresh = False
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, ready: asyncio.Event) -> None:
        while True:
            try:
                connection = await asyncpg.connect(
                    self._dsn, timeout=5, server_settings={"application_name": "wenming-listener"}
                )
            except (OSError, asyncpg.PostgresError, TimeoutError):
                await asyncio.sleep(0.5)
                continue
            try:
                await connection.add_listener(CHANNEL, self._heard)
                self.forget(None)
                self.fresh = True
                ready.set()
                while True:
                    await asyncio.sleep(_HEARTBEAT)
                    await connection.execute("SELECT 1", timeout=_HEARTBEAT)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as lost:
                log.warning("invalidation_listener_lost", error=str(lost))
            finally:
                self.fresh = False
                self.forget(None)
                with contextlib.suppress(Exception):
                    await connection.close(timeout=1)

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        self.forget(str(payload))
