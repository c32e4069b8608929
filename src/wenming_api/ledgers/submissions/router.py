"""报送 over HTTP: lists of what was sent and received, and the life of each."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.answers import answer_page
from wenming_api.kit.db import AnySession
from wenming_api.kit.fields import Judged, Transition
from wenming_api.kit.http import HotReads, Paging, Reads, Router, Writes, etag, inline
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, IllegalTransition, Unauthenticated, VersionMoved, problems
from wenming_api.ledgers.submissions import queries, service
from wenming_api.ledgers.submissions.queries import SubmissionNotFound
from wenming_api.ledgers.submissions.rules import SubmissionAction
from wenming_api.ledgers.submissions.schemas import (
    SubmissionAccept,
    SubmissionChanges,
    SubmissionDetail,
    SubmissionFilter,
    SubmissionReturn,
    SubmissionRow,
    SubmissionSort,
)
from wenming_api.ledgers.submissions.service import NotYours
from wenming_api.workflow.approvals.rules import Mark

router = Router(prefix="/ledgers/submissions", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.SUBMISSIONS_READ))]
MaySend = Annotated[Principal, Depends(may(Permission.SUBMISSIONS_SEND))]
MayReview = Annotated[Principal, Depends(may(Permission.SUBMISSIONS_REVIEW))]
Wanted = Annotated[SubmissionFilter, inline(SubmissionFilter)]
_MOVES = problems(SubmissionNotFound, NotYours, IllegalTransition, VersionMoved)


@router.get("", summary="查询报送", response_model=Page[SubmissionRow])
async def list_(
    caller: MayRead,
    reader: HotReads,
    paging: Paging,
    wanted: Wanted,
    sort: SubmissionSort = SubmissionSort.NEWEST,
) -> Response:
    """报送方与接收方（及各自上级）都能看到；box 只看本单位报送的或接收的。"""
    found = await queries.list_submissions(reader, caller=caller, wanted=wanted, params=paging, sort=sort)
    return answer_page(found, extra=queries.overdue)


@router.get("/{submission_id}", summary="报送详情", responses=problems(SubmissionNotFound))
async def read(caller: MayRead, session: Reads, response: Response, submission_id: UUID) -> SubmissionDetail:
    """所报内容与质控提示、历次报送、当前审批环节，及当前用户可做的操作。"""
    return await _answer(session, caller, submission_id, response)


@router.get("/{submission_id}/changes", summary="与上次报送相比的改动", responses=problems(SubmissionNotFound))
async def changes(caller: MayRead, session: Reads, submission_id: UUID) -> SubmissionChanges:
    """退回后重新报送的，逐个字段列出改了什么。"""
    return await queries.read_changes(session, scope=caller.scope, submission_id=submission_id)


@router.post("/{submission_id}/receive", summary="签收报送", responses=_MOVES)
async def receive(
    caller: MayReview, session: Writes, response: Response, submission_id: UUID, body: Judged
) -> SubmissionDetail:
    """签收后报送单位不能再撤回。"""
    await service.act(
        session, caller=caller, submission_id=submission_id, version=body.version, action=SubmissionAction.RECEIVE
    )
    return await _answer(session, caller, submission_id, response)


@router.post("/{submission_id}/accept", summary="报送审核通过", responses=_MOVES)
async def accept(
    caller: MayReview, session: Writes, response: Response, submission_id: UUID, body: SubmissionAccept
) -> SubmissionDetail:
    """由撰写人、报送人以外的人审核；流程有多个环节时，最后一个环节通过后才算通过。"""
    await service.act(
        session,
        caller=caller,
        submission_id=submission_id,
        version=body.version,
        action=SubmissionAction.ACCEPT,
        reason=body.opinion,
    )
    return await _answer(session, caller, submission_id, response)


@router.post("/{submission_id}/return", summary="退回报送", responses=_MOVES)
async def return_(
    caller: MayReview, session: Writes, response: Response, submission_id: UUID, body: SubmissionReturn
) -> SubmissionDetail:
    """须说明原因，可标出需要修改之处；同一台账报送其他去向的不受影响。"""
    await service.act(
        session,
        caller=caller,
        submission_id=submission_id,
        version=body.version,
        action=SubmissionAction.RETURN,
        reason=body.reason,
        marks=[Mark(field=mark.field, note=mark.note) for mark in body.marks],
    )
    return await _answer(session, caller, submission_id, response)


@router.post("/{submission_id}/archive", summary="归档报送", responses=_MOVES)
async def archive(
    caller: MayReview, session: Writes, response: Response, submission_id: UUID, body: Judged
) -> SubmissionDetail:
    """审核通过的可以归档；归档后只读，仍可推荐上级。"""
    await service.act(
        session, caller=caller, submission_id=submission_id, version=body.version, action=SubmissionAction.ARCHIVE
    )
    return await _answer(session, caller, submission_id, response)


@router.post("/{submission_id}/withdraw", summary="撤回报送", responses=_MOVES)
async def withdraw(
    caller: MaySend, session: Writes, response: Response, submission_id: UUID, body: Transition
) -> SubmissionDetail:
    """接收单位签收之前，报送单位可以撤回；撤回后可以再次报送。"""
    await service.withdraw(
        session, caller=caller, submission_id=submission_id, version=body.version, reason=body.reason
    )
    return await _answer(session, caller, submission_id, response)


async def _answer(session: AnySession, caller: Principal, submission_id: UUID, response: Response) -> SubmissionDetail:
    detail = await queries.read_submission(session, caller=caller, submission_id=submission_id)
    etag(response, detail.version)
    return detail
