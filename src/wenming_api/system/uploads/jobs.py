"""Cleaning up after what was announced and never came."""

from typing import Any

from wenming_api.kit.jobs import every
from wenming_api.system.uploads import service


@every("system.uploads.sweep", seconds=600)
async def sweep(resources: Any) -> None:
    """Drop uploads that never came; what did arrive of them is removed from the store by jobs."""
    async with resources.database.transaction() as session:
        await service.drop_abandoned(session)
