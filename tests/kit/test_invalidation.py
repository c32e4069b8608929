"""Invalidations: delivered at commit, to every process, and nothing is trusted while cut off."""

import asyncio

import pytest
from tests import servers
from tests.waiting import eventually

from wenming_api.kit.invalidation import Listener, invalidate


@pytest.fixture
async def heard(settings):
    """A listener with the list of what it was told."""
    listener = Listener(settings.database.url)
    topics: list[str | None] = []
    listener.on_topic(topics.append)
    await listener.start()
    assert listener.fresh
    topics.clear()
    yield listener, topics
    await listener.stop()
    assert not listener.fresh


async def test_topics_arrive_after_the_commit_only(database, heard):
    _, topics = heard
    async with database.write() as session:
        await invalidate(session, "rolled-back")
        await session.rollback()
    async with database.write() as session:
        await invalidate(session, "user:1")
        assert topics == []
        await session.commit()

    async def arrived():
        return topics == ["user:1"]

    await eventually(arrived)


def cut_off(database_name):
    """Break every listening connection of this database, as a restart of the server would."""
    servers.postgres().psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{database_name}' AND application_name = 'wenming-listener'",
        role="wenming_app",
    )


async def test_a_listener_that_was_cut_off_forgets_everything_and_comes_back(database, database_name, heard):
    listener, topics = heard
    stale = []

    def note(topic):
        stale.append((topic, listener.fresh))

    listener.on_topic(note)
    cut_off(database_name)

    async def back():
        return None in topics and listener.fresh

    await eventually(back, seconds=15)
    assert (None, False) in stale  # nothing remembered before counts while it is cut off
    topics.clear()
    async with database.transaction() as session:
        await invalidate(session, "users")

    async def arrived():
        return "users" in topics

    await eventually(arrived)


async def test_starting_without_a_server_waits_and_trusts_nothing():
    listener = Listener("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    starting = asyncio.create_task(listener.start())
    done, _ = await asyncio.wait({starting}, timeout=0.3)
    assert not done
    assert not listener.fresh
    starting.cancel()
    await listener.stop()
