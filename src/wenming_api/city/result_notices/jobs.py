"""A published result becomes messages: thousands perhaps, so not while the assessment is held to publish it."""

from typing import Any
from uuid import UUID

from wenming_api.catalog.events import ResultPublished
from wenming_api.city.notices.service import tell_published
from wenming_api.city.result_notices.queries import find_audience
from wenming_api.kit.events import subscribe
from wenming_api.kit.jobs import Job


@subscribe(ResultPublished, "city.result_notices.tell_published")
async def tell(work: Job, data: dict[str, Any]) -> None:
    """Tell all whom the result concerns."""
    async with work.transaction() as session:
        audience = await find_audience(session, assessment_id=UUID(data["assessment_id"]))
        if audience is not None:
            await tell_published(session, audience.users, result_id=audience.result_id, about=audience.about)
