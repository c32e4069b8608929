"""Deciding about late submissions (C3.3)."""

from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.rules import REVIEW_OPEN
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.forms.schemas import SubmissionIn
from wenming_api.city.notices.service import tell_decided
from wenming_api.city.scoring.models import LateSubmission
from wenming_api.city.scoring.rules import LateState
from wenming_api.city.submissions.rules import Author, Frozen, Given
from wenming_api.city.submissions.service import record_submissions
from wenming_api.kit import clock
from wenming_api.kit.bare import InSession
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
from wenming_api.kit.problems import Forbidden, IllegalTransition, NotFound, Problem, check_judged
from wenming_api.system.audit.service import record
from wenming_api.system.users.models import User


async def admit_late(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, late_id: UUID, decision: Transition
) -> None:
    """Let a late submission in, as the assessor's own, with the time at which it came.

    Raises:
        NotFound, Forbidden (one's own), VersionMoved, IllegalTransition (decided already).
        EntryFrozen: the assessment is closed.
        InvalidInput, SheetMoved and what else `record_submissions` answers: it does not fit the sheet any more.
    """
    late = await _lock(session, caller, assessment_id, late_id, decision)
    unit_path = (await session.execute(select(User.unit_path).where(User.id == late.owner_id))).scalar_one()
    submission = SubmissionIn.model_validate(late.body).model_dump(exclude_none=True)
    (outcome,) = await record_submissions(
        InSession(session),
        caller=caller,
        author=Author(late.owner_id, unit_path),
        assessment_id=assessment_id,
        given=[Given(late.sheet_id, submission, late.received_at)],
        open_in=REVIEW_OPEN,
        reason=decision.reason,
    )
    if isinstance(outcome, Problem):
        raise outcome
    if isinstance(outcome, Frozen):
        raise EntryFrozen("当前测评状态不能再收入数据。")
    await _decide(session, caller, late, LateState.ADMITTED, decision.reason)


async def reject_late(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, late_id: UUID, decision: Transition
) -> None:
    """Keep a late submission out, for good.

    Raises:
        NotFound, Forbidden (one's own), VersionMoved, IllegalTransition (decided already).
    """
    late = await _lock(session, caller, assessment_id, late_id, decision)
    await _decide(session, caller, late, LateState.REJECTED, decision.reason)


async def _lock(
    session: WriteSession, caller: Principal, assessment_id: UUID, late_id: UUID, decision: Transition
) -> LateSubmission:
    found = await session.execute(
        select(LateSubmission)
        .where(
            LateSubmission.id == late_id,
            LateSubmission.assessment_id == assessment_id,
            caller.scope.where(LateSubmission),
        )
        .with_for_update()
    )
    late = found.scalar_one_or_none()
    if late is None:
        raise NotFound
    if late.owner_id == caller.user_id:
        raise Forbidden("不能处理自己的迟到数据，请由他人处理。")
    check_judged(decision.version, late.version)
    if late.state is not LateState.WAITING:
        raise IllegalTransition("该数据已经处理过。", allowed=[])
    return late


async def _decide(
    session: WriteSession, caller: Principal, late: LateSubmission, state: LateState, reason: str
) -> None:
    late.state = state
    late.decided_by = caller.user_id
    late.decided_at = clock.now()
    late.reason = reason
    await record(
        session,
        caller=caller,
        action="late_submissions.admit" if state is LateState.ADMITTED else "late_submissions.reject",
        target=("late_submission", late.id),
        before={"state": LateState.WAITING},
        after={"state": state, "sheet_id": late.sheet_id},
        reason=reason,
        context=("assessment", late.assessment_id),
    )
    if late.owner_id is not None:
        await tell_decided(
            session,
            assessment_id=late.assessment_id,
            late_id=late.id,
            author_id=late.owner_id,
            captured_at=late.captured_at,
            admitted=state is LateState.ADMITTED,
            reason=reason,
        )
