"""The two kinds of session, on a real database."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from wenming_api.kit.db import Database

INSERT = text("INSERT INTO job_attempts (job_id, name, payload, attempts, started_at) VALUES (1, 'x', '{}', 1, now())")


@pytest.mark.parametrize("kind", ["read", "snapshot"])
async def test_reading_sessions_cannot_write(database: Database, kind: str) -> None:
    async with getattr(database, kind)() as session:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await session.execute(INSERT)


async def test_read_session_sees_what_others_commit_and_a_snapshot_does_not(database: Database) -> None:
    count = text("SELECT count(*) FROM job_attempts")
    async with database.read() as reading, database.snapshot() as snapshot:
        assert (await reading.execute(count)).scalar_one() == (await snapshot.execute(count)).scalar_one() == 0
        async with database.transaction() as writing:
            await writing.execute(INSERT)
        assert (await reading.execute(count)).scalar_one() == 1
        assert (await snapshot.execute(count)).scalar_one() == 0


async def test_snapshot_streams(database: Database) -> None:
    async with database.snapshot() as session:
        rows = await session.stream_scalars(text("SELECT generate_series(1, 5)"))
        assert [row async for row in rows] == [1, 2, 3, 4, 5]


async def test_transaction_that_fails_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            await session.execute(INSERT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.read() as reading:
        assert (await reading.execute(text("SELECT count(*) FROM job_attempts"))).scalar_one() == 0
