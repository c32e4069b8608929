"""Setting long prints in the background, and clearing away old ones."""

from typing import Any
from uuid import UUID

from wenming_api.kit import clock
from wenming_api.kit.jobs import MAX_ATTEMPTS, Job, every, job
from wenming_api.kit.printing.press import PrintingFailed
from wenming_api.ledgers.documents import service
from wenming_api.ledgers.renderings.queries import KEPT

_WHY = "系统多次尝试仍未能生成，请稍后在文档列表中选择“继续”。"


@job(service.STEP)
async def step(work: Job) -> None:
    """One part, or the joining of all. Repeating does no harm: a part that is done is not set again."""
    document_id = UUID(work.payload["document_id"])
    resources = work.resources
    try:
        await service.step(resources.database, resources.store, resources.press, document_id)
    except PrintingFailed as problem:
        await service.fail(resources.database, document_id, problem.detail)
    except Exception:
        if work.attempt >= MAX_ATTEMPTS:
            await service.fail(resources.database, document_id, _WHY)
        raise


@every("ledgers.documents.clear", seconds=3600)
async def clear(resources: Any) -> None:
    """Remove expired prints, and renderings of single records that are older than they are worth."""
    await service.clear(resources.database, resources.store)
    store = resources.store
    await store.remove(await store.list_older(f"{KEPT}/", before=clock.now() - service.KEPT_FOR))
