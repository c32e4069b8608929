"""报送与重新报送 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Router, Writes, etag
from wenming_api.kit.problems import Forbidden, IllegalTransition, Unauthenticated, VersionMoved, problems
from wenming_api.ledgers.dispatches import service
from wenming_api.ledgers.dispatches.schemas import SubmissionResubmit, SubmissionSend, SubmissionsSent
from wenming_api.ledgers.dispatches.service import AlreadySent, NotApproved, RecordUnknown
from wenming_api.ledgers.submissions.queries import SubmissionNotFound, read_rows, read_submission
from wenming_api.ledgers.submissions.schemas import SubmissionDetail
from wenming_api.ledgers.submissions.service import NotYours
from wenming_api.workflow.approvals.service import NobodyDecides

router = Router(prefix="/ledgers/submissions", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MaySend = Annotated[Principal, Depends(may(Permission.SUBMISSIONS_SEND))]


@router.post(
    "",
    status_code=201,
    summary="报送台账",
    responses=problems(RecordUnknown, NotYours, NotApproved, AlreadySent, NobodyDecides),
)
async def send(caller: MaySend, session: Writes, body: SubmissionSend) -> SubmissionsSent:
    """把本单位台账的已审核版本报送到一个或多个去向，要么全部成功，要么都不报；文件时间为服务器收到的时间。"""
    made = await service.send(session, caller=caller, request=body)
    return SubmissionsSent(items=await read_rows(session, made))


@router.post(
    "/{submission_id}/resubmit",
    summary="重新报送",
    responses=problems(SubmissionNotFound, NotYours, IllegalTransition, VersionMoved, NotApproved, NobodyDecides),
)
async def resubmit(
    caller: MaySend, session: Writes, response: Response, submission_id: UUID, body: SubmissionResubmit
) -> SubmissionDetail:
    """退回后，把修改并经单位审核通过的新版本只报给退回的去向，其他去向不受影响。"""
    await service.resubmit(
        session, caller=caller, submission_id=submission_id, version=body.version, version_no=body.version_no
    )
    detail = await read_submission(session, caller=caller, submission_id=submission_id)
    etag(response, detail.version)
    return detail
