"""测评表审核 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.reviews import queries, service
from wenming_api.city.reviews.queries import DisagreementSort
from wenming_api.city.reviews.schemas import Disagreement
from wenming_api.city.scoring.queries import read_sheet
from wenming_api.city.scoring.rules import Verdict
from wenming_api.city.scoring.schemas import SheetDetail
from wenming_api.kit.answers import answer
from wenming_api.kit.fields import Judged, Transition
from wenming_api.kit.http import Paging, Reads, Router, Writes
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    Unauthenticated,
    VersionMoved,
    problems,
)

router = Router(prefix="/assessments/{assessment_id}", tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayReview = Annotated[Principal, Depends(may(Permission.SHEETS_REVIEW))]
_REFUSALS = problems(NotFound, EntryFrozen, IllegalTransition, VersionMoved)


@router.post("/sheets/{sheet_id}/accept", summary="测评表审核通过", response_model=SheetDetail, responses=_REFUSALS)
async def accept(caller: MayReview, assessment_id: UUID, sheet_id: UUID, body: Judged, session: Writes) -> Response:
    """由测评人员以外的人审核；照片须全部到达。"""
    await service.review_sheet(
        session,
        caller=caller,
        assessment_id=assessment_id,
        sheet_id=sheet_id,
        version=body.version,
        verdict=Verdict.ACCEPTED,
        reason=None,
    )
    await session.flush()  # the answer carries the new version
    detail = await read_sheet(session, caller=caller, assessment_id=assessment_id, sheet_id=sheet_id)
    return answer(detail, version=detail["version"])


@router.post("/sheets/{sheet_id}/return", summary="退回测评表", response_model=SheetDetail, responses=_REFUSALS)
async def return_(
    caller: MayReview, assessment_id: UUID, sheet_id: UUID, body: Transition, session: Writes
) -> Response:
    """退回给测评人员重新填报，须说明原因。"""
    await service.review_sheet(
        session,
        caller=caller,
        assessment_id=assessment_id,
        sheet_id=sheet_id,
        version=body.version,
        verdict=Verdict.RETURNED,
        reason=body.reason,
    )
    await session.flush()  # the answer carries the new version
    detail = await read_sheet(session, caller=caller, assessment_id=assessment_id, sheet_id=sheet_id)
    return answer(detail, version=detail["version"])


@router.get("/disagreements", summary="查询测评分歧")
async def list_disagreements(
    caller: MayReview,
    assessment_id: UUID,
    session: Reads,
    paging: Paging,
    sort: DisagreementSort = DisagreementSort.LARGEST,
) -> Page[Disagreement]:
    """同一点位由多人测评时，得分相差超过阈值的标准。"""
    return await queries.list_disagreements(
        session, scope=caller.scope, params=paging, assessment_id=assessment_id, sort=sort
    )
