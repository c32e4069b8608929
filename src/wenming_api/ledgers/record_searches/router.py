"""台账记录的查询 over HTTP."""

from typing import Annotated

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.answers import answer_page
from wenming_api.kit.http import HotReads, Paging, Router, inline
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, Unauthenticated
from wenming_api.ledgers.record_searches import queries
from wenming_api.ledgers.record_searches.schemas import RecordFilter, RecordSort
from wenming_api.ledgers.records.schemas import RecordRow

router = Router(prefix="/ledgers/records", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.RECORDS_READ))]
Wanted = Annotated[RecordFilter, inline(RecordFilter)]


@router.get("", summary="查询台账记录", response_model=Page[RecordRow])
async def list_(
    caller: MayRead,
    reader: HotReads,
    paging: Paging,
    wanted: Wanted,
    sort: RecordSort = RecordSort.UPDATED_DOWN,
) -> Response:
    """只列出数据范围内的记录。检索词须两个字以上，在标题、正文、地点、人员、文号、结论与照片说明中查找。"""
    return answer_page(await queries.list_records(reader, scope=caller.scope, wanted_=wanted, params=paging, sort=sort))
