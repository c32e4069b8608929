"""Periodic upkeep of the kit's own tables."""

from datetime import timedelta

from sqlalchemy import delete

from wenming_api.kit import clock
from wenming_api.kit.events import EventDelivery
from wenming_api.kit.idempotency import forget_old
from wenming_api.kit.jobs import HasDatabase, every


@every("kit.upkeep", seconds=600)
async def forget(resources: HasDatabase) -> None:
    """Drop idempotency keys and event deliveries that have served their time."""
    async with resources.database.transaction() as session:
        await forget_old(session)
        await session.execute(delete(EventDelivery).where(EventDelivery.at < clock.now() - timedelta(days=7)))
