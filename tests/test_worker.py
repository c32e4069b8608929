"""The worker loses no job, whatever fails around it."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job as QueuedJob

from wenming_api.kit.jobs import Job
from wenming_api.worker import run_job


def queued(name: str) -> QueuedJob:
    at = datetime.now(UTC)
    return QueuedJob(
        id=1, priority=0, created=at, updated=at, heartbeat=at, execute_after=at, status="picked", entrypoint=name,
        payload=b"{}", queue_manager_id=uuid4(), attempts=0, headers=None,
    )  # fmt: skip


async def test_a_job_whose_counting_fails_is_tried_again() -> None:
    @asynccontextmanager
    async def no_connection() -> Any:
        raise TimeoutError("no connection left")
        yield

    async def never(job: Job) -> None:
        raise AssertionError("not counted, not run")

    resources: Any = SimpleNamespace(database=SimpleNamespace(transaction=no_connection))
    with pytest.raises(RetryRequested):
        await run_job(resources, never, queued("x"))
