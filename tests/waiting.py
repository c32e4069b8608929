"""Waiting for what happens in another process or task: by asking again, with an end."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], Awaitable[bool]], *, seconds: float = 5, every: float = 0.02) -> None:
    """Return as soon as `holds` answers true; `TimeoutError` when it does not within the time."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(every)
