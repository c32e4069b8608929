"""Photos may arrive after the submission that names them: this settles the sheets that await them."""

from wenming_api.city.scoring.service import settle_awaiting
from wenming_api.kit.jobs import HasDatabase, every


@every("city.scoring.settle_evidence", seconds=2)
async def settle_evidence(resources: HasDatabase) -> None:
    """Look again at every sheet that awaits evidence; the partial index holds only those."""
    async with resources.database.transaction() as session:
        await settle_awaiting(session)
