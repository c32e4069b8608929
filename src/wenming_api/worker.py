"""The worker: every job and schedule, imported here and nowhere else.

A job's attempts are counted in a transaction of their own before it starts; a failing job is tried again with a
growing delay and parked after `MAX_ATTEMPTS`, for an operator to look at.
"""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import structlog
from pgqueuer import PgQueuer
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job as QueuedJob
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from wenming_api.city.result_notices import jobs as result_notices
from wenming_api.city.scoring import jobs as scoring
from wenming_api.kit import clock, events, upkeep
from wenming_api.kit.jobs import MAX_ATTEMPTS, Handler, Job, JobAttempt, Periodic, catalogue
from wenming_api.ledgers.documents import jobs as documents
from wenming_api.ledgers.package_builds import jobs as package_builds
from wenming_api.ledgers.screenings import jobs as screenings
from wenming_api.ledgers.video_pages import jobs as video_pages
from wenming_api.messaging.inbox import jobs as inbox
from wenming_api.settings import Resources
from wenming_api.system.audit import jobs as audit
from wenming_api.system.files import jobs as files
from wenming_api.system.uploads import jobs as uploads
from wenming_api.workflow.approval_reminders import jobs as approval_reminders
from wenming_api.workflow.plan_progress import jobs as plan_progress

log = structlog.get_logger(__name__)
modules = (
    approval_reminders,
    audit,
    documents,
    events,
    files,
    inbox,
    package_builds,
    plan_progress,
    result_notices,
    scoring,
    screenings,
    upkeep,
    uploads,
    video_pages,
)
_FIRST_DELAY = timedelta(seconds=1)
_TOGETHER = 8
"""Jobs run at once: fewer than the pool has connections, so that none waits for one."""
_HEARTBEAT = timedelta(seconds=10)


async def count_attempt(resources: Resources, *, job_id: int, name: str, payload: dict[str, Any]) -> int:
    """Count one more start of a job, committed before the job begins."""
    async with resources.database.transaction() as session:
        counted = await session.execute(
            insert(JobAttempt)
            .values(job_id=job_id, name=name, payload=payload, attempts=1, started_at=clock.now())
            .on_conflict_do_update(
                index_elements=["job_id"], set_={"attempts": JobAttempt.attempts + 1, "started_at": clock.now()}
            )
            .returning(JobAttempt.attempts)
        )
        return int(counted.scalar_one())


async def run_job(resources: Resources, handler: Handler, queued: QueuedJob) -> None:
    """Run one queued job; ask for a retry when it fails, park it when it has failed too often.

    Whatever fails, the counting before and after it included, ends in a retry or a parked job: the queue forgets a job
    whose failure it does not understand.
    """
    payload: dict[str, Any] = orjson.loads(queued.payload or b"{}")
    attempt = 0
    try:
        attempt = await count_attempt(resources, job_id=queued.id, name=queued.entrypoint, payload=payload)
        job = Job(id=queued.id, name=queued.entrypoint, payload=payload, attempt=attempt, resources=resources)
        if attempt > MAX_ATTEMPTS:
            await _park(resources, job, "the worker died while running it")
            return
        try:
            await handler(job)
        except Exception as failure:
            if attempt >= MAX_ATTEMPTS:
                await _park(resources, job, repr(failure))
                return
            raise
        await _forget(resources, job)
    except Exception as failure:
        log.warning("job_failed", job=queued.entrypoint, id=queued.id, attempt=attempt, error=repr(failure))
        delay = _FIRST_DELAY * 4 ** max(0, attempt - 1)
        raise RetryRequested(delay=delay, reason=repr(failure)[:500]) from failure


async def _forget(resources: Resources, job: Job) -> None:
    async with resources.database.transaction() as session:
        await session.execute(delete(JobAttempt).where(JobAttempt.job_id == job.id))


async def _park(resources: Resources, job: Job, error: str) -> None:
    log.error("job_parked", job=job.name, id=job.id, error=error)
    async with resources.database.transaction() as session:
        found = await session.get(JobAttempt, job.id)
        if found is not None:
            found.last_error, found.parked_at = error[:2000], clock.now()


async def run_periodic(resources: Resources, work: Periodic, stopping: asyncio.Event) -> None:
    """Run periodic work for ever, in one process of all at a time (an advisory lock says whose turn it is)."""
    while not stopping.is_set():
        try:
            async with resources.database.write() as session, session.begin():
                mine = await session.execute(select(func.pg_try_advisory_xact_lock(func.hashtext(work.name))))
                if mine.scalar_one():
                    await work.run(resources)
        except Exception as failure:  # the next round tries again; the failure is in the log and in readiness
            log.warning("periodic_failed", work=work.name, error=repr(failure))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), work.seconds)


async def run(resources: Resources, stopping: asyncio.Event, *, heartbeat: timedelta = _HEARTBEAT) -> None:
    """Work until `stopping` is set, then finish what is running. A job without `heartbeat` is taken over by others."""
    await resources.store.prepare(cors_origins=resources.settings.storage.cors_origins)
    url = str(resources.settings.database.url).replace("postgresql+asyncpg://", "postgresql://")
    connection = await asyncpg.connect(url)
    queue = PgQueuer.from_asyncpg_connection(connection)
    for name, handler in catalogue.handlers.items():
        _register(queue, resources, name, handler)
    periodic = [
        asyncio.create_task(run_periodic(resources, work, stopping), name=work.name)
        for work in catalogue.periodic.values()
    ]
    runner = asyncio.create_task(
        queue.run(
            dequeue_timeout=timedelta(seconds=2),
            heartbeat_timeout=heartbeat,
            batch_size=_TOGETHER // 2,
            max_concurrent_tasks=_TOGETHER,
        ),
        name="queue",
    )
    log.info("worker_ready", jobs=len(catalogue.handlers), periodic=len(periodic))
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({waiting, runner}, return_when=asyncio.FIRST_COMPLETED)
    failed = runner.done() and not stopping.is_set()
    stopping.set()
    queue.shutdown.set()
    await asyncio.gather(runner, waiting, *periodic, return_exceptions=True)
    with contextlib.suppress(Exception):
        await connection.close(timeout=2)
    if failed:
        raise RuntimeError("the queue stopped; the supervisor starts the worker again")


def _register(queue: PgQueuer, resources: Resources, name: str, handler: Handler) -> None:
    @queue.entrypoint(name)
    async def execute(queued: QueuedJob) -> None:
        await run_job(resources, handler, queued)


async def drain(resources: Resources, *, at_most: int = 10_000) -> int:
    """Run what is queued now, in this process, until nothing is left: for tests and for one-off commands.

    Takes jobs one by one, as a worker would, with the same counting and retries (without waiting for delays).
    """
    done = 0
    while done < at_most:
        async with resources.database.transaction() as session:
            row = (
                await session.execute(
                    text(
                        "DELETE FROM pgqueuer WHERE id = (SELECT id FROM pgqueuer WHERE status = 'queued' "
                        "ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, entrypoint, payload"
                    )
                )
            ).one_or_none()
        if row is None:
            return done
        handler = catalogue.handlers[row.entrypoint]
        payload = orjson.loads(row.payload or b"{}")
        attempt = await count_attempt(resources, job_id=row.id, name=row.entrypoint, payload=payload)
        await handler(Job(row.id, row.entrypoint, payload, attempt, resources))
        done += 1
    raise RuntimeError("jobs keep making jobs")
