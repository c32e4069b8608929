"""Screening in the background."""

from uuid import UUID

from wenming_api.kit.jobs import MAX_ATTEMPTS, Job, job
from wenming_api.ledgers.screenings import service

_WHY = "系统多次尝试仍未能完成，请重新筛查。"


@job(service.RUN)
async def run(work: Job) -> None:
    """One screening, all or nothing."""
    screening_id = UUID(work.payload["screening_id"])
    try:
        await service.run(work.resources.database, screening_id)
    except Exception:
        if work.attempt >= MAX_ATTEMPTS:
            await service.fail(work.resources.database, screening_id, _WHY)
        raise
