"""台账记录的自动暂存 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Reads, Router, Writes
from wenming_api.kit.problems import Forbidden, Unauthenticated, problems
from wenming_api.ledgers.autosaves import service
from wenming_api.ledgers.drafts.schemas import DraftContent, RecordDraft
from wenming_api.ledgers.records.queries import RecordNotFound

router = Router(prefix="/ledgers/records", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayWrite = Annotated[Principal, Depends(may(Permission.RECORDS_WRITE))]


@router.get("/{record_id}/draft", summary="查看本人暂存的内容", responses=problems(service.NoDraft))
async def read(caller: MayWrite, record_id: UUID, session: Reads) -> RecordDraft:
    """尚未正式保存的填写内容；只有本人可见。"""
    return await service.read(session, caller=caller, record_id=record_id)


@router.put("/{record_id}/draft", summary="自动暂存", responses=problems(RecordNotFound))
async def keep(caller: MayWrite, record_id: UUID, body: DraftContent, session: Writes) -> RecordDraft:
    """不产生版本，不检查完整性；正式保存后自动清除。"""
    return await service.keep(session, caller=caller, record_id=record_id, draft=body)


@router.delete("/{record_id}/draft", summary="清除本人暂存的内容", status_code=204, responses=problems(RecordNotFound))
async def drop(caller: MayWrite, record_id: UUID, session: Writes) -> None:
    """只清除本人的暂存，记录不变。"""
    await service.drop(session, caller=caller, record_id=record_id)
