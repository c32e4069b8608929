"""迟到箱 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.late_tray import queries, service
from wenming_api.city.late_tray.schemas import LateDetail, LateRow, LateSort
from wenming_api.city.scoring.rules import LateState
from wenming_api.city.submissions.rules import PredecessorMissing, SheetMoved, SubmissionIdReused
from wenming_api.kit.fields import Transition
from wenming_api.kit.http import Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    Unauthenticated,
    VersionMoved,
    problems,
)

router = Router(
    prefix="/assessments/{assessment_id}/late-submissions",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayDecide = Annotated[Principal, Depends(may(Permission.LATE_DECIDE))]


@router.get("", summary="查询迟到箱")
async def list_(
    caller: MayDecide,
    assessment_id: UUID,
    session: Reads,
    paging: Paging,
    sort: LateSort = LateSort.OLDEST,
    state: Annotated[LateState | None, Query(description="处理情况")] = None,
) -> Page[LateRow]:
    """数据录入冻结后到达的提交。"""
    return await queries.list_late(
        session, scope=caller.scope, params=paging, assessment_id=assessment_id, sort=sort, state=state
    )


@router.get("/{late_id}", summary="查看迟到数据", responses=problems(NotFound))
async def read(caller: MayDecide, assessment_id: UUID, late_id: UUID, session: Reads, response: Response) -> LateDetail:
    """提交内容与可用操作。"""
    detail = await queries.read_late(session, caller=caller, assessment_id=assessment_id, late_id=late_id)
    etag(response, detail.version)
    return detail


@router.post(
    "/{late_id}/admit",
    summary="收入迟到数据",
    responses=problems(
        NotFound,
        EntryFrozen,
        IllegalTransition,
        VersionMoved,
        SheetMoved,
        PredecessorMissing,
        SubmissionIdReused,
    ),
)
async def admit(
    caller: MayDecide, assessment_id: UUID, late_id: UUID, body: Transition, session: Writes, response: Response
) -> LateDetail:
    """作为测评人员的提交记入测评表，保留其到达时间；由他人决定，须说明理由。"""
    await service.admit_late(session, caller=caller, assessment_id=assessment_id, late_id=late_id, decision=body)
    await session.flush()  # the answer carries the new version
    detail = await queries.read_late(session, caller=caller, assessment_id=assessment_id, late_id=late_id)
    etag(response, detail.version)
    return detail


@router.post(
    "/{late_id}/reject", summary="不予收入迟到数据", responses=problems(NotFound, IllegalTransition, VersionMoved)
)
async def reject(
    caller: MayDecide, assessment_id: UUID, late_id: UUID, body: Transition, session: Writes, response: Response
) -> LateDetail:
    """不计入成绩，须说明理由。"""
    await service.reject_late(session, caller=caller, assessment_id=assessment_id, late_id=late_id, decision=body)
    await session.flush()  # the answer carries the new version
    detail = await queries.read_late(session, caller=caller, assessment_id=assessment_id, late_id=late_id)
    etag(response, detail.version)
    return detail
