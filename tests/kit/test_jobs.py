"""Jobs: queued with the transaction, tried again, parked; a job that kills its worker does not loop for ever."""

import asyncio
import os
import sys
import textwrap
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import orjson
import pytest
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job as QueuedJob
from sqlalchemy import func, select, text
from tests.waiting import eventually

from wenming_api.kit import events, jobs
from wenming_api.kit.ids import uuid7
from wenming_api.kit.jobs import MAX_ATTEMPTS, Job, JobAttempt, catalogue, enqueue, every, job
from wenming_api.worker import drain, run, run_job, run_periodic


@pytest.fixture
def handlers():
    """Registers handlers for one test."""
    before = dict(catalogue.handlers), dict(catalogue.periodic)
    yield catalogue
    catalogue.handlers, catalogue.periodic = before


async def queued(database):
    async with database.read() as session:
        found = await session.execute(text("SELECT entrypoint, payload FROM pgqueuer ORDER BY id"))
        return [(row.entrypoint, bytes(row.payload)) for row in found]


async def test_a_rolled_back_change_queues_nothing(database):
    async with database.write() as session:
        await enqueue(session, "test.job", {"n": 1})  # the very first statement of the transaction
        await session.rollback()
    assert await queued(database) == []
    async with database.write() as session:
        await session.execute(text("SELECT 1"))
        await enqueue(session, "test.job", {"n": 1})
        await session.rollback()
    assert await queued(database) == []
    async with database.transaction() as session:
        await enqueue(session, "test.job", {"n": 1})
    assert await queued(database) == [("test.job", b'{"n":1}')]


async def test_nobody_sees_a_job_before_the_commit(database):
    async with database.write() as session:
        await enqueue(session, "test.job", {})
        assert await queued(database) == []
        await session.commit()
    assert len(await queued(database)) == 1


async def test_a_job_that_waits_already_is_not_queued_again(database):
    for _ in range(3):
        async with database.transaction() as session:
            await enqueue(session, "test.job", {}, dedupe="the-same")
            await enqueue(session, "test.job", {}, dedupe="another")
    assert len(await queued(database)) == 2
    await asyncio.gather(*(enqueue_once(database) for _ in range(8)))
    assert len(await queued(database)) == 3


async def enqueue_once(database):
    async with database.transaction() as session:
        await enqueue(session, "test.job", {}, dedupe="at-once")


async def test_a_name_is_registered_once(handlers):
    @job("test.twice")
    async def first(work: Job) -> None: ...

    with pytest.raises(ValueError, match="twice"):

        @job("test.twice")
        async def second(work: Job) -> None: ...


def picked(id_=7, name="test.job"):
    now = "2026-11-22T00:00:00+00:00"
    return QueuedJob.model_validate(
        {
            "id": id_,
            "priority": 0,
            "created": now,
            "heartbeat": now,
            "execute_after": now,
            "updated": now,
            "status": "picked",
            "entrypoint": name,
            "payload": b'{"n": 1}',
            "queue_manager_id": None,
            "headers": None,
        }
    )


async def attempts(database):
    async with database.read() as session:
        return (await session.execute(select(JobAttempt))).scalars().all()


async def test_attempts_are_counted_before_the_job_starts(resources, database):
    seen = []

    async def handler(work: Job) -> None:
        seen.append((work.attempt, work.payload, [found.attempts for found in await attempts(database)]))

    await run_job(resources, handler, picked())
    assert seen == [(1, {"n": 1}, [1])]
    assert await attempts(database) == []


async def test_a_failing_job_is_tried_again_later_and_parked_in_the_end(resources, database):
    async def failing(work: Job) -> None:
        raise ValueError("boom")

    delays = []
    for _ in range(MAX_ATTEMPTS - 1):
        with pytest.raises(RetryRequested) as asked:
            await run_job(resources, failing, picked())
        delays.append(asked.value.delay)
    assert delays == sorted(delays)
    assert len(set(delays)) == len(delays)
    await run_job(resources, failing, picked())
    (found,) = await attempts(database)
    assert (found.attempts, found.last_error) == (MAX_ATTEMPTS, "ValueError('boom')")
    assert found.parked_at is not None


async def test_a_job_that_killed_its_workers_is_parked_unstarted(resources, database):
    async with database.transaction() as session:
        session.add(JobAttempt(job_id=7, name="test.job", payload={}, attempts=MAX_ATTEMPTS))
    started = []

    async def handler(work: Job) -> None:
        started.append(work)

    await run_job(resources, handler, picked())
    (found,) = await attempts(database)
    assert started == []
    assert (found.attempts, found.last_error) == (MAX_ATTEMPTS + 1, "the worker died while running it")


async def test_a_half_done_job_leaves_nothing(resources, database):
    async def half(work: Job) -> None:
        async with work.transaction() as session:
            await enqueue(session, "test.next", {})
            raise ValueError("after the half")

    with pytest.raises(RetryRequested):
        await run_job(resources, half, picked())
    assert await queued(database) == []


async def test_a_worker_runs_what_is_queued_and_stops_when_told(resources, database, handlers):
    handlers.periodic = {}
    done = []

    @job("test.worker")
    async def work(task: Job) -> None:
        done.append(task.payload["n"])

    for n in range(5):
        async with database.transaction() as session:
            await enqueue(session, "test.worker", {"n": n})
    stopping = asyncio.Event()
    running = asyncio.create_task(run(resources, stopping))

    async def all_done():
        return sorted(done) == list(range(5)) and await queued(database) == []

    await eventually(all_done, seconds=30)
    stopping.set()
    await asyncio.wait_for(running, 20)
    assert await attempts(database) == []


KILLER = """
import asyncio, os, signal, sys
from datetime import timedelta
from wenming_api import worker
from wenming_api.app import create_resources
from wenming_api.kit.jobs import catalogue, job
from wenming_api.settings import Settings

worker.MAX_ATTEMPTS = 2
catalogue.handlers, catalogue.periodic = {}, {}

@job("test.killer")
async def kill(work):
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(worker.run(create_resources(Settings()), asyncio.Event(), heartbeat=timedelta(seconds=1)))
"""


@pytest.mark.long
async def test_a_job_that_kills_its_worker_is_parked(settings, database, tmp_path):
    script = tmp_path / "killer.py"
    script.write_text(textwrap.dedent(KILLER))
    async with database.transaction() as session:
        await enqueue(session, "test.killer", {"n": 1})
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "WENMING_DATABASE__URL": settings.database.url,
        "WENMING_STORAGE__ENDPOINT": settings.storage.endpoint,
        "WENMING_STORAGE__ACCESS_KEY": settings.storage.access_key.get_secret_value(),
        "WENMING_STORAGE__SECRET_KEY": settings.storage.secret_key.get_secret_value(),
    }

    async def start():
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(script),
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    for number in (1, 2):
        worker = await start()
        assert await asyncio.wait_for(worker.wait(), 60) == -9
        assert [found.attempts for found in await attempts(database)] == [number]
    worker = await start()
    try:

        async def parked():
            return [found.parked_at is not None for found in await attempts(database)] == [True]

        await eventually(parked, seconds=60)

        async def gone():
            return await queued(database) == []

        await eventually(gone, seconds=20)
        assert worker.returncode is None
    finally:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()
    (found,) = await attempts(database)
    assert found.last_error == "the worker died while running it"


async def test_periodic_work_runs_in_one_process_at_a_time_and_survives_failures(resources, handlers):
    running, most, rounds = 0, 0, 0

    @every("test.periodic", seconds=0.01)
    async def work(_resources) -> None:
        nonlocal running, most, rounds
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        rounds += 1
        if rounds == 2:
            raise ValueError("once")

    stopping = asyncio.Event()
    tasks = [
        asyncio.create_task(run_periodic(resources, handlers.periodic["test.periodic"], stopping)) for _ in range(3)
    ]

    async def several():
        return rounds >= 5

    await eventually(several, seconds=20)
    stopping.set()
    await asyncio.gather(*tasks)
    assert most == 1


@dataclass(frozen=True, slots=True)
class SiteMoved(events.Event):
    name: ClassVar[str] = "test.site_moved"
    site_id: UUID


@dataclass(frozen=True, slots=True)
class Unheard(events.Event):
    name: ClassVar[str] = "test.unheard"


async def test_events_reach_every_subscriber_once(resources, database, handlers, monkeypatch):
    monkeypatch.setattr(events, "_subscribers", {})
    told = []

    for subscriber in ("test.one", "test.two"):

        @events.subscribe(SiteMoved, subscriber)
        async def hear(work: Job, data: dict, subscriber: str = subscriber) -> None:
            told.append((subscriber, data["site_id"]))

    site = uuid7()
    async with database.write() as session:
        await events.publish(session, SiteMoved(site))
        await session.rollback()
    assert await drain(resources) == 0
    async with database.transaction() as session:
        await events.publish(session, SiteMoved(site))
    ((_, payload),) = await queued(database)
    async with database.transaction() as session:  # the queue delivers at least once: here, twice
        await enqueue(session, events.DISPATCH, orjson.loads(payload))
    assert await drain(resources) == 4
    assert sorted(told) == [("test.one", str(site)), ("test.two", str(site))]
    async with database.read() as session:
        kept = await session.execute(select(func.count()).select_from(events.EventDelivery))
        assert kept.scalar_one() == 2


async def test_an_event_nobody_hears_is_no_error(resources, database, monkeypatch):
    monkeypatch.setattr(events, "_subscribers", {})

    async with database.transaction() as session:
        await events.publish(session, Unheard())
    assert await drain(resources) == 1
    assert jobs.catalogue.handlers[events.DISPATCH] is events.dispatch
