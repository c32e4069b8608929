"""Queued work in tests: done here and now, by the registered handlers, until the queue is empty."""

from typing import Any

import orjson
from sqlalchemy import text

from wenming_api.kit.jobs import Job, catalogue
from wenming_api.settings import Resources

_TAKE = text(
    "DELETE FROM pgqueuer WHERE id = (SELECT min(id) FROM pgqueuer WHERE status = 'queued' "
    "AND (:only = '' OR entrypoint = :only)) RETURNING id, entrypoint, payload"
)


async def drain(resources: Resources, *, only: str = "", at_most: int = 1000) -> list[str]:
    """Do all queued jobs (and those that they queue), oldest first; return their names. Errors are raised."""
    done: list[str] = []
    while len(done) < at_most:
        async with resources.database.transaction() as session:
            row = (await session.execute(_TAKE, {"only": only})).one_or_none()
        if row is None:
            return done
        payload: dict[str, Any] = orjson.loads(row.payload)
        await catalogue.handlers[row.entrypoint](Job(row.id, row.entrypoint, payload, 1, resources))
        done.append(row.entrypoint)
    raise AssertionError(f"more than {at_most} jobs: {done[-5:]}")
