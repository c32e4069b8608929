"""报送去向 over HTTP."""

from typing import Annotated

from fastapi import Depends

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Reads, Router
from wenming_api.kit.problems import Forbidden, Unauthenticated
from wenming_api.ledgers.destinations import queries
from wenming_api.ledgers.destinations.schemas import DestinationsOut

router = Router(prefix="/ledgers/destinations", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MaySend = Annotated[Principal, Depends(may(Permission.SUBMISSIONS_SEND))]


@router.get("", summary="本单位可以报送的去向")
async def list_(caller: MaySend, session: Reads) -> DestinationsOut:
    """管理单位、本级和上级文明办，以及正在接收报送的专项工作。"""
    return await queries.list_destinations(session, caller=caller)
