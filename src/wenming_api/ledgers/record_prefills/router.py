"""台账记录的预填 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Reads, Router
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems
from wenming_api.ledgers.catalogues.queries import NodeNotFound
from wenming_api.ledgers.record_prefills import queries
from wenming_api.ledgers.record_prefills.schemas import CaptionSuggestion, PrefillOut
from wenming_api.system.files.queries import WrongFileKind

router = Router(prefix="/ledgers/records", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayWrite = Annotated[Principal, Depends(may(Permission.RECORDS_WRITE))]


@router.get("/prefill", summary="已有数据预填", responses=problems(NodeNotFound))
async def prefill(
    caller: MayWrite, session: Reads, node_id: Annotated[UUID, Query(description="要填报的小类")]
) -> PrefillOut:
    """本单位以前在该分类填报过的内容与单位资料，逐项注明来源，供填报时预填。"""
    return await queries.prefill(session, caller=caller, node_id=node_id)


@router.get("/caption-suggestion", summary="照片说明建议", responses=problems(NotFound, WrongFileKind))
async def suggest(
    caller: MayWrite, session: Reads, file_id: Annotated[UUID, Query(description="已上传的照片")]
) -> CaptionSuggestion:
    """由照片自带的拍摄时间与位置给出说明中的时间、地点，供填报人采用或修改。"""
    return await queries.suggest_caption(session, caller=caller, file_id=file_id)
