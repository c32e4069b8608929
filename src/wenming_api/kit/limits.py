"""How often one address may ask: for endpoints that answer without signing in.

The counters live in the shared cache for a minute. When it is away, nothing is refused: what must hold is held by the
database.
"""

import time

from fastapi import Request

from wenming_api.kit import context
from wenming_api.kit.problems import TooManyRequests

_SECONDS = 60


async def limited(request: Request) -> None:
    """A dependency that refuses an address after `Settings.public_per_minute` requests in a minute (429)."""
    resources = request.app.state.resources
    minute, passed = divmod(int(time.time()), _SECONDS)
    key = f"wenming:asked:{context.client_address.get()}:{minute}"
    asked = await resources.cache.count(key, seconds=_SECONDS)
    if asked is not None and asked > resources.settings.public_per_minute:
        raise TooManyRequests("操作过于频繁，请稍后再试。", retry_after=_SECONDS - passed)
