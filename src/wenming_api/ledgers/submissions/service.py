"""Changes of submissions. Each writes, audits, tells the other side and publishes in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from wenming_api.access.principal import Principal
from wenming_api.catalog.events import SubmissionAccepted, SubmissionArchived, SubmissionReturned
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.events import publish
from wenming_api.kit.problems import FieldError, Forbidden, IllegalTransition, InvalidInput, check_judged
from wenming_api.ledgers.records.models import Record, RecordVersion
from wenming_api.ledgers.submission_notices.rules import News
from wenming_api.ledgers.submission_notices.service import reviewers, tell
from wenming_api.ledgers.submissions.models import Submission, SubmissionRound
from wenming_api.ledgers.submissions.queries import SubmissionNotFound, read_standing, situation, visible
from wenming_api.ledgers.submissions.rules import (
    JUDGING,
    RoundOutcome,
    SubmissionAction,
    SubmissionState,
    legal_actions,
    refusal_of_person,
    refusal_of_state,
    resolves,
)
from wenming_api.ledgers.topics.models import WorkTopic
from wenming_api.system.audit.service import record as audit
from wenming_api.workflow.approvals import service as approvals
from wenming_api.workflow.approvals.rules import ApprovalState, Decision, Mark, Standing

_S, _A = SubmissionState, SubmissionAction


class NotYours(Forbidden):
    """The action belongs to the other side, or to somebody else."""

    code = "not_yours"
    title = "不能由您操作"


async def withdraw(session: WriteSession, *, caller: Principal, submission_id: UUID, version: int, reason: str) -> None:
    """Take a submission back before it was received. Raises as `act`."""
    submission, _ = await ready(session, caller, submission_id, version, _A.WITHDRAW)
    before = shown(submission)
    if submission.approval_id is not None:
        await approvals.cancel(session, caller=caller, approval_id=submission.approval_id, reason=reason)
    submission.state = _S.WITHDRAWN
    submission.reason = reason
    await _end_round(session, caller, submission, RoundOutcome.WITHDRAWN, reason)
    await trace(session, caller, submission, _A.WITHDRAW, before, reason)
    await tell(
        session,
        caller=caller,
        news=News.WITHDRAWN,
        people=await reviewers(session, unit_id=submission.receiver_unit_id),
        unit_id=submission.unit_id,
        record_title=submission.record_title,
        submission_id=submission.id,
        reason=reason,
    )


async def act(
    session: WriteSession,
    *,
    caller: Principal,
    submission_id: UUID,
    version: int,
    action: SubmissionAction,
    reason: str | None = None,
    marks: Sequence[Mark] = (),
) -> Submission:
    """Receive, accept, return or archive, as the receiver. With several steps of approval, accepting the last of them
    accepts the submission.

    Raises:
        SubmissionNotFound: neither side lies in the caller's scope.
        VersionMoved: somebody else was first.
        NotYours: the caller is not of the receiver's, wrote or sent it himself, or lacks the permission.
        IllegalTransition: not in this state, or not his turn.
        InvalidInput: a mark names nothing in the content.
    """
    submission, standing = await ready(session, caller, submission_id, version, action)
    before = shown(submission)
    if action is _A.RECEIVE:
        await _receive(session, caller, submission)
    elif action is _A.ARCHIVE:
        submission.state, submission.archived_at = _S.ARCHIVED, clock.now()
        await publish(session, SubmissionArchived(submission_id=submission.id, record_id=submission.record_id))
    elif standing is not None:
        await _judge(session, caller, submission, standing, action, reason, marks)
    await trace(session, caller, submission, action, before, reason)
    if news := _NEWS.get(submission.state if submission.state != before["state"] else None):
        await tell(
            session,
            caller=caller,
            news=news,
            people={submission.owner_id, submission.submitted_by},
            unit_id=submission.receiver_unit_id,
            record_title=submission.record_title,
            submission_id=submission.id,
            reason=reason,
        )
    return submission


_NEWS: Mapping[SubmissionState | None, News] = {
    _S.RECEIVED: News.RECEIVED,
    _S.ACCEPTED: News.ACCEPTED,
    _S.RETURNED: News.RETURNED,
    _S.ARCHIVED: News.ARCHIVED,
}


async def _receive(session: WriteSession, caller: Principal, submission: Submission) -> None:
    submission.state = _S.RECEIVED
    submission.received_by, submission.received_at = caller.user_id, clock.now()
    await session.execute(
        update(SubmissionRound)
        .where(SubmissionRound.submission_id == submission.id, SubmissionRound.no == submission.round)
        .values(received_by=caller.user_id, received_at=submission.received_at)
    )


async def _judge(
    session: WriteSession,
    caller: Principal,
    submission: Submission,
    standing: Standing,
    action: SubmissionAction,
    reason: str | None,
    marks: Sequence[Mark],
) -> None:
    if marks:
        await _check_marks(session, submission, marks)
    after = await approvals.decide(
        session,
        caller=caller,
        approval_id=standing.id,
        judged=standing.version,
        decision=Decision.APPROVE if action is _A.ACCEPT else Decision.RETURN,
        reason=reason,
        marks=marks,
    )
    submission.updated_at = clock.now()  # raises the version, also when only one of several steps was taken
    submission.deadline_on = after.due_on
    about = {
        "submission_id": submission.id,
        "record_id": submission.record_id,
        "record_unit_id": submission.record_unit_id,
        "receiver_unit_id": submission.receiver_unit_id,
    }
    if after.state is ApprovalState.APPROVED:
        submission.state = _S.ACCEPTED
        submission.reason, submission.marks = reason, []
        await _end_round(session, caller, submission, RoundOutcome.ACCEPTED, reason)
        await publish(session, SubmissionAccepted(**about))
    elif after.state is ApprovalState.RETURNED:
        submission.state = _S.RETURNED
        submission.reason, submission.marks = reason, [mark.to_json() for mark in marks]
        await _end_round(session, caller, submission, RoundOutcome.RETURNED, reason)
        await publish(session, SubmissionReturned(**about))


async def lock_submission(
    session: WriteSession, *, caller: Principal, submission_id: UUID
) -> tuple[Submission, dict[str, Any]]:
    """A submission that the caller sees, until the transaction ends, with what `situation` reads of it; its topic is
    kept in its state. `SubmissionNotFound`."""
    found = await session.execute(
        select(Submission)
        .where(Submission.id == submission_id, visible(caller.scope))
        .with_for_update()
        .execution_options(populate_existing=True)  # it may have been read before its lock was free
    )
    submission = found.scalar_one_or_none()
    if submission is None:
        raise SubmissionNotFound
    of_record = select(Record.owner_id, Record.approved_version_no).where(Record.id == submission.record_id)
    topic_state = None
    if submission.topic_id is not None:
        held = select(WorkTopic.state).where(WorkTopic.id == submission.topic_id).with_for_update(read=True)
        topic_state = await session.scalar(held)
    author_id, approved_version_no = (await session.execute(of_record)).one()
    columns = ("state", "unit_id", "receiver_unit_id", "submitted_by", "version_no", "approval_id")
    return submission, {
        **{name: getattr(submission, name) for name in columns},
        "author_id": author_id,
        "approved_version_no": approved_version_no,
        "topic_state": topic_state,
    }


async def ready(
    session: WriteSession, caller: Principal, submission_id: UUID, version: int, action: SubmissionAction
) -> tuple[Submission, Standing | None]:
    """The submission, locked, when the caller may take the action on the version he judged."""
    submission, row = await lock_submission(session, caller=caller, submission_id=submission_id)
    check_judged(version, submission.version)
    wanted = action in JUDGING or action is _A.RECEIVE
    standing = await read_standing(session, caller=caller, row=row) if wanted else None
    check_allowed(action, row, caller=caller, standing=standing)
    return submission, standing


def check_allowed(
    action: SubmissionAction, row: Mapping[str, Any], *, caller: Principal, standing: Standing | None
) -> None:
    """Refuses what `allowed_actions` would call not allowed, for the same reason: `NotYours`, `IllegalTransition`."""
    now = situation(row, caller=caller, standing=standing)
    if refusal := refusal_of_person(action, now):
        raise NotYours(f"{refusal}。")
    if refusal := refusal_of_state(action, now):
        raise IllegalTransition(f"{refusal}。", allowed=legal_actions(now.state))


async def version_content(session: WriteSession, *, record_id: UUID, version_no: int) -> dict[str, Any]:
    """The content of a version."""
    held = select(RecordVersion.content).where(RecordVersion.record_id == record_id, RecordVersion.no == version_no)
    content: dict[str, Any] = (await session.execute(held)).scalar_one()
    return content


async def _check_marks(session: WriteSession, submission: Submission, marks: Sequence[Mark]) -> None:
    content = await version_content(session, record_id=submission.record_id, version_no=submission.version_no)
    errors = [
        FieldError(f"/marks/{index}/field", "所报内容中没有此处")
        for index, mark in enumerate(marks)
        if not resolves(mark.field, content)
    ]
    if errors:
        raise InvalidInput(errors=errors)


async def _end_round(
    session: WriteSession, caller: Principal, submission: Submission, outcome: RoundOutcome, reason: str | None
) -> None:
    submission.decided_by, submission.decided_at = caller.user_id, clock.now()
    await session.execute(
        update(SubmissionRound)
        .where(SubmissionRound.submission_id == submission.id, SubmissionRound.no == submission.round)
        .values(
            outcome=outcome,
            decided_by=caller.user_id,
            decided_at=submission.decided_at,
            reason=reason,
            marks=submission.marks if outcome is RoundOutcome.RETURNED else [],
        )
    )


def shown(submission: Submission) -> dict[str, Any]:
    """What the audit log keeps of a submission."""
    names = ("state", "round", "version_no", "purpose", "topic_id", "media_name")
    return {name: getattr(submission, name) for name in names}


async def trace(
    session: WriteSession,
    caller: Principal,
    submission: Submission,
    action: SubmissionAction,
    before: Mapping[str, Any],
    reason: str | None,
) -> None:
    """Write what was changed, audited."""
    await session.flush()  # the answer carries the new version
    await audit(
        session,
        caller=caller,
        action=f"submissions.{action}",
        target=("submission", submission.id),
        before=before,
        after=shown(submission),
        reason=reason,
        context=("record", submission.record_id),
    )
