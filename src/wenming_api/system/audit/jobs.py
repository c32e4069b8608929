"""Sealing of the audit log in batches (N11)."""

import structlog

from wenming_api.kit.db import Database
from wenming_api.kit.jobs import every
from wenming_api.settings import Resources
from wenming_api.system.audit.service import seal_committed

log = structlog.get_logger(__name__)


@every("system.audit.seal", seconds=2)
async def seal(resources: Resources) -> None:
    """Seal what has been committed since the last run, with the sealer's own database role."""
    url = resources.settings.database.sealer_url
    if url is None:
        raise RuntimeError("WENMING_DATABASE__SEALER_URL is not set: audit entries stay unsealed")
    database = Database(url, pool_size=2)
    try:
        async with database.transaction() as session:
            sealed = await seal_committed(session)
        if sealed:
            log.debug("audit_sealed", entries=sealed)
    finally:
        await database.dispose()
