"""推荐上级 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Reads, Router, Writes
from wenming_api.kit.problems import Forbidden, IllegalTransition, Unauthenticated, VersionMoved, problems
from wenming_api.ledgers.dispatches.schemas import SubmissionsSent
from wenming_api.ledgers.dispatches.service import AlreadySent
from wenming_api.ledgers.recommendations import queries, service
from wenming_api.ledgers.recommendations.schemas import Lineage, Recommend
from wenming_api.ledgers.submissions.queries import SubmissionNotFound, read_rows
from wenming_api.ledgers.submissions.service import NotYours
from wenming_api.workflow.approvals.service import NobodyDecides

router = Router(prefix="/ledgers/submissions/{submission_id}", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.SUBMISSIONS_READ))]
MaySend = Annotated[Principal, Depends(may(Permission.SUBMISSIONS_SEND))]


@router.post(
    "/recommend",
    status_code=201,
    summary="推荐上级或推荐给媒体",
    responses=problems(SubmissionNotFound, NotYours, IllegalTransition, VersionMoved, AlreadySent, NobodyDecides),
)
async def recommend(caller: MaySend, session: Writes, submission_id: UUID, body: Recommend) -> SubmissionsSent:
    """接收单位把审核通过的台账推荐到上级的台账、专项工作或作为稿件；生成新的报送，原报送不变。"""
    made = await service.recommend(session, caller=caller, submission_id=submission_id, request=body)
    return SubmissionsSent(items=await read_rows(session, made))


@router.get("/lineage", summary="推荐链", responses=problems(SubmissionNotFound))
async def lineage(caller: MayRead, session: Reads, submission_id: UUID) -> Lineage:
    """从最初的报送到各级推荐的整棵树；能看到其中一份的人都能看到概况。"""
    return await queries.read_lineage(session, scope=caller.scope, submission_id=submission_id)
