"""台账记录的单位内部审核 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Judged, Transition
from wenming_api.kit.http import Router, Store, Writes, etag
from wenming_api.kit.problems import Forbidden, IllegalTransition, Unauthenticated, VersionMoved, problems
from wenming_api.kit.storage import ObjectStore
from wenming_api.ledgers.record_reviews import service
from wenming_api.ledgers.records.queries import RecordNotFound, get_record
from wenming_api.ledgers.records.schemas import Approve, RecordOut, Return
from wenming_api.workflow.approvals.rules import Decision
from wenming_api.workflow.approvals.service import AlreadyPending, MayNotDecide, NobodyDecides

router = Router(prefix="/ledgers/records", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayWrite = Annotated[Principal, Depends(may(Permission.RECORDS_WRITE))]
MayReview = Annotated[Principal, Depends(may(Permission.RECORDS_REVIEW))]
_MOVED = problems(RecordNotFound, IllegalTransition, VersionMoved)
_DECIDED = problems(RecordNotFound, IllegalTransition, VersionMoved, Forbidden, MayNotDecide)


@router.post(
    "/{record_id}/submit",
    summary="提交单位审核",
    responses=problems(
        RecordNotFound, IllegalTransition, VersionMoved, service.QualityRefused, AlreadyPending, NobodyDecides
    ),
)
async def submit(
    caller: MayWrite, record_id: UUID, body: Judged, session: Writes, store: Store, response: Response
) -> RecordOut:
    """草稿或已退回 → 审核中。有严重质控问题时不能提交；提交后所引用的文件不能再删除。"""
    await service.submit_for_review(session, caller=caller, record_id=record_id, version=body.version)
    return await _detail(session, caller, record_id, store, response)


@router.post("/{record_id}/cancel", summary="撤回单位审核", responses=_MOVED)
async def cancel(
    caller: MayWrite, record_id: UUID, body: Transition, session: Writes, store: Store, response: Response
) -> RecordOut:
    """审核中 → 草稿。"""
    await service.cancel_review(session, caller=caller, record_id=record_id, version=body.version, reason=body.reason)
    return await _detail(session, caller, record_id, store, response)


@router.post("/{record_id}/approve", summary="单位审核通过", responses=_DECIDED)
async def approve(
    caller: MayReview, record_id: UUID, body: Approve, session: Writes, store: Store, response: Response
) -> RecordOut:
    """审核中 → 已审核；流程有多级时转入下一级。不能审核本人填报的内容。"""
    await service.decide_review(
        session,
        caller=caller,
        record_id=record_id,
        version=body.version,
        decision=Decision.APPROVE,
        reason=body.reason,
    )
    return await _detail(session, caller, record_id, store, response)


@router.post("/{record_id}/return", summary="单位审核退回", responses=_DECIDED)
async def return_(
    caller: MayReview, record_id: UUID, body: Return, session: Writes, store: Store, response: Response
) -> RecordOut:
    """审核中 → 已退回；写明原因，可逐项标注。"""
    await service.decide_review(
        session,
        caller=caller,
        record_id=record_id,
        version=body.version,
        decision=Decision.RETURN,
        reason=body.reason,
        marks=body.marks,
    )
    return await _detail(session, caller, record_id, store, response)


async def _detail(
    session: WriteSession, caller: Principal, record_id: UUID, store: ObjectStore, response: Response
) -> RecordOut:
    await session.flush()  # the answer carries the new version
    found = RecordOut.model_validate(await get_record(session, session, record_id, caller=caller, store=store))
    etag(response, found.version)
    return found
