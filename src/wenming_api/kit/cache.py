"""The shared cache (P1): values with an expiry and tags, one computation for many callers, dropped after commit.

It holds nothing that cannot be computed again: when Valkey is away, values are computed each time and the service is
slower, nothing else.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from cashews import Cache as Cashews
from cashews.exceptions import CacheBackendInteractionError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)
_AWAY = (CacheBackendInteractionError, RedisError, OSError, TimeoutError)

_LOOK_AGAIN = 0.02


class _Once:
    """A computation that is done at most once; what it raises is not the cache's doing."""

    def __init__(self, make: Callable[[], Awaitable[bytes]]) -> None:
        self._make = make
        self._made: bytes | None = None
        self.failed = False

    async def __call__(self) -> bytes:
        if self._made is None:
            self.failed = True
            self._made = await self._make()
            self.failed = False
        return self._made


class Cache:
    """Keyed bytes in Valkey, or in this process's memory without a URL."""

    def __init__(self, url: str | None) -> None:
        self._cache = Cashews()
        if url:
            # With RESP3 the client-side invalidation of cashews is silently dead, hence protocol 2.
            self._cache.setup(url, protocol=2, socket_timeout=0.5, socket_connect_timeout=0.5, suppress=False)
        else:
            self._cache.setup("mem://?check_interval=60&size=10000")

    async def ping(self) -> None:
        """Raise when the server does not answer."""
        await self._cache.set("wenming:ping", b"1", expire=5)

    async def get_or_make(
        self, key: str, make: Callable[[], Awaitable[bytes]], *, seconds: float, tags: tuple[str, ...] = ()
    ) -> bytes:
        """The value under `key`, made by one caller of many when it is not there."""
        once = _Once(make)
        try:
            found = await self._cache.get(key)
            if found is not None:
                return cast("bytes", found)
            async with self._cache.lock(f"lock:{key}", expire=30, check_interval=_LOOK_AGAIN):
                found = await self._cache.get(key)
                if found is not None:
                    return cast("bytes", found)
                made = await once()
                await self._cache.set(key, made, expire=seconds, tags=tags)
                return made
        except _AWAY as away:
            if once.failed:
                raise
            log.warning("cache_away", error=str(away))
            return await once()

    async def count(self, key: str, *, seconds: int) -> int | None:
        """How often this was called for `key` within `seconds` of the first time, this time included; None when the
        cache is away."""
        try:
            return await self._cache.incr(key, expire=seconds)
        except _AWAY as away:
            log.warning("cache_away", error=str(away))
            return None

    async def drop(self, *tags: str) -> None:
        """Forget every value that carries one of the tags. Call it after the commit."""
        try:
            await self._cache.delete_tags(*tags)
        except _AWAY as away:
            log.warning("cache_away", error=str(away))

    async def close(self) -> None:
        """Close the connections."""
        await self._cache.close()

    @property
    def raw(self) -> Any:
        """The cashews object, for counters and locks."""
        return self._cache
