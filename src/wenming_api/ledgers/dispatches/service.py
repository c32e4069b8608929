"""Sending: an approved version of a record leaves the unit, for each destination a submission of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, or_, select

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Conflict, FieldError, InvalidInput, NotFound
from wenming_api.ledgers.catalogues.models import CatalogueLink, CatalogueNode
from wenming_api.ledgers.destinations.queries import Receiver, resolve
from wenming_api.ledgers.destinations.schemas import Destination
from wenming_api.ledgers.dispatches.schemas import SubmissionSend
from wenming_api.ledgers.records.models import Record
from wenming_api.ledgers.submissions.models import Submission, SubmissionNode, SubmissionRound
from wenming_api.ledgers.submissions.rules import SubmissionAction, SubmissionState
from wenming_api.ledgers.submissions.service import NotYours, ready, shown, trace, version_content
from wenming_api.system.audit.service import record as audit
from wenming_api.system.regions.service import hold_tree
from wenming_api.workflow.approval_flows.rules import ApprovalKind
from wenming_api.workflow.approvals import service as approvals
from wenming_api.workflow.approvals.rules import Subject

_S, _A = SubmissionState, SubmissionAction


class RecordUnknown(NotFound):
    """There is no such record, or it lies outside the caller's scope."""

    code = "record_not_found"
    title = "未找到台账"


class NotApproved(Conflict):
    """The record has no approved version, or the one named is not the approved one."""

    code = "record_not_approved"
    title = "台账尚未审核通过"


class AlreadySent(Conflict):
    """The record is at this destination already."""

    code = "already_sent"
    title = "已经报送过"


@dataclass(frozen=True, slots=True)
class Matter:
    """The version that is sent."""

    record_id: UUID
    version_no: int
    title: str
    unit_id: UUID
    author_id: UUID
    node_ids: frozenset[UUID]


async def send(session: WriteSession, *, caller: Principal, request: SubmissionSend) -> list[UUID]:
    """Send the approved version of a record of the caller's unit to each destination: all of them or none.

    Raises:
        RecordUnknown: not in the caller's scope.
        NotYours: the record of another unit.
        NotApproved: there is no approved version, or another one than named.
        AlreadySent: it is there already, unless it was withdrawn.
        InvalidInput: names destinations that cannot be sent to.
    """
    await hold_tree(session)  # before any row: whoever moves a unit holds the tree and waits for rows
    record = await _record(session, and_(Record.id == request.record_id, caller.scope.where(Record)))
    if record.unit_id != caller.unit_id:
        raise NotYours("只有台账所属单位可以报送。")
    matter = await _matter(session, record, _approved(record, request.version_no))
    return await dispatch(session, caller=caller, matter=matter, destinations=request.destinations)


async def dispatch(
    session: WriteSession,
    *,
    caller: Principal,
    matter: Matter,
    destinations: Sequence[Destination],
    parent: Submission | None = None,
    opinion: str | None = None,
) -> list[UUID]:
    """Make the submissions from the caller's unit. The tree and the record are held by whoever calls this.

    Raises `AlreadySent`, `InvalidInput`.
    """
    receivers = await resolve(session, caller=caller, wanted=destinations)
    await _check_free(session, matter, receivers)
    await _check_topics(session, matter, receivers)
    made = []
    for receiver in receivers:
        id_, now = uuid7(), clock.now()
        submission = Submission(
            id=id_,
            record_id=matter.record_id,
            version_no=matter.version_no,
            record_title=matter.title,
            record_unit_id=matter.unit_id,
            owner_id=caller.user_id if parent else matter.author_id,
            unit_id=caller.unit_id,
            unit_path=caller.unit_path,
            region_path=caller.region_path,
            receiver_unit_id=receiver.unit_id,
            receiver_unit_path=receiver.unit_path,
            receiver_region_path=receiver.region_path,
            state=_S.SUBMITTED,
            purpose=receiver.purpose,
            topic_id=receiver.topic_id,
            media_name=receiver.media_name,
            parent_id=parent.id if parent else None,
            origin_id=parent.origin_id if parent else id_,
            level=parent.level + 1 if parent else 1,
            round=1,
            submitted_by=caller.user_id,
            submitted_at=now,
            opinion=opinion,
        )
        session.add(submission)
        await session.flush()  # rounds and nodes refer to the new row
        await _begin_round(session, caller, submission, matter.node_ids)
        await audit(
            session,
            caller=caller,
            action="submissions.recommend" if parent else "submissions.send",
            target=("submission", id_),
            after=shown(submission) | {"receiver": receiver.unit_name},
            reason=opinion,
            context=("record", matter.record_id),
        )
        made.append(id_)
    return made


async def resubmit(
    session: WriteSession, *, caller: Principal, submission_id: UUID, version: int, version_no: int | None
) -> None:
    """Send a newer approved version to the destination that returned the last one; the others keep theirs.

    Raises `SubmissionNotFound`, `VersionMoved`, `NotYours`, `NotApproved`; `IllegalTransition` when it was not
    returned, the record has nothing newer, or the topic is closed.
    """
    await hold_tree(session)  # before any row, as in `send`
    submission, _ = await ready(session, caller, submission_id, version, _A.RESUBMIT)
    record = await _record(session, Record.id == submission.record_id)
    matter = await _matter(session, record, _approved(record, version_no))
    before = shown(submission)
    submission.round += 1
    submission.version_no = matter.version_no
    submission.record_title = matter.title
    submission.state = _S.SUBMITTED
    submission.submitted_by = caller.user_id
    submission.submitted_at = clock.now()
    submission.received_by = submission.received_at = submission.decided_by = submission.decided_at = None
    await session.execute(delete(SubmissionNode).where(SubmissionNode.submission_id == submission.id))
    await _begin_round(session, caller, submission, matter.node_ids)
    await trace(session, caller, submission, _A.RESUBMIT, before, None)


async def _record(session: WriteSession, condition: Any) -> Record:
    """The record until the transaction ends: two who send it wait for each other."""
    found = await session.execute(
        select(Record)
        .where(condition)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)  # it may have been read before its lock was free
    )
    record = found.scalar_one_or_none()
    if record is None:
        raise RecordUnknown
    return record


def _approved(record: Record, version_no: int | None) -> int:
    approved = record.approved_version_no
    if approved is None:
        raise NotApproved("台账还没有经单位审核通过的版本，请先提交单位内部审核。")
    if version_no is not None and version_no != approved:
        raise NotApproved(f"最新的已审核版本是第 {approved} 版，请刷新后再报送。", approved_version_no=approved)
    return approved


async def matter_of(session: WriteSession, *, record_id: UUID, version_no: int) -> Matter:
    """A version that is sent, with its record held until the transaction ends: two who send it wait for each other."""
    return await _matter(session, await _record(session, Record.id == record_id), version_no)


async def _matter(session: WriteSession, record: Record, version_no: int) -> Matter:
    content = await version_content(session, record_id=record.id, version_no=version_no)
    return Matter(
        record_id=record.id,
        version_no=version_no,
        title=content.get("title") or record.title,
        unit_id=record.unit_id,
        author_id=record.owner_id,
        node_ids=await _filed_under(session, content),
    )


async def _filed_under(session: WriteSession, content: Mapping[str, Any]) -> frozenset[UUID]:
    """The nodes that a content names, and those that these also count for."""
    named = [UUID(str(each)) for each in content.get("node_ids") or []]
    linked = select(CatalogueLink.to_node_id).where(CatalogueLink.from_node_id.in_(named))
    found = await session.scalars(
        select(CatalogueNode.id).where(or_(CatalogueNode.id.in_(named), CatalogueNode.id.in_(linked)))
    )
    return frozenset(found)


async def _check_free(session: WriteSession, matter: Matter, receivers: Sequence[Receiver]) -> None:
    found = await session.execute(
        select(Submission.receiver_unit_id, Submission.purpose, Submission.topic_id, Submission.media_name).where(
            Submission.record_id == matter.record_id, Submission.state != _S.WITHDRAWN
        )
    )
    there = {tuple(row) for row in found}
    for index, receiver in enumerate(receivers):
        if (receiver.unit_id, receiver.purpose, receiver.topic_id, receiver.media_name) in there:
            raise AlreadySent(
                f"这篇台账已报送“{receiver.unit_name}”（{receiver.purpose.label}），退回后请在原报送上重新报送。",
                errors=[{"pointer": f"/destinations/{index}", "message": "已经报送过"}],
            )


async def _check_topics(session: WriteSession, matter: Matter, receivers: Sequence[Receiver]) -> None:
    """Topics that name catalogue nodes take records filed under one of them."""
    if not any(receiver.topic_nodes for receiver in receivers):
        return
    found = await session.execute(
        select(CatalogueNode.catalogue_id, CatalogueNode.path).where(CatalogueNode.id.in_(matter.node_ids))
    )
    paths = [(row.catalogue_id, row.path) for row in found]
    asked = frozenset().union(*(receiver.topic_nodes for receiver in receivers))
    named = await session.execute(
        select(CatalogueNode.id, CatalogueNode.catalogue_id, CatalogueNode.path).where(CatalogueNode.id.in_(asked))
    )
    covering = {
        row.id for row in named if any(own == row.catalogue_id and path.startswith(row.path) for own, path in paths)
    }
    errors = [
        FieldError(f"/destinations/{index}/topic_id", "台账的分类不在该专项工作的范围内")
        for index, receiver in enumerate(receivers)
        if receiver.topic_nodes and not receiver.topic_nodes & covering
    ]
    if errors:
        raise InvalidInput(errors=errors)


async def _begin_round(
    session: WriteSession, caller: Principal, submission: Submission, node_ids: frozenset[UUID]
) -> None:
    session.add(
        SubmissionRound(
            submission_id=submission.id,
            no=submission.round,
            version_no=submission.version_no,
            submitted_by=caller.user_id,
            submitted_at=submission.submitted_at,
        )
    )
    session.add_all([SubmissionNode(submission_id=submission.id, node_id=each) for each in sorted(node_ids)])
    standing = await approvals.start(
        session,
        caller=caller,
        subject=Subject(
            kind=ApprovalKind.SUBMISSION,
            id=submission.id,
            version=submission.round,
            title=submission.record_title,
            unit_id=submission.unit_id,
            author_id=submission.owner_id,
            receiver_unit_id=submission.receiver_unit_id,
        ),
    )
    submission.approval_id = standing.id
    submission.deadline_on = standing.due_on
