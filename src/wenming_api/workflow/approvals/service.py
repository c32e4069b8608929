"""The approval engine: start, decide, cancel.

Called by the domain whose subject is approved, in its own transaction: it takes its state from the standing returned,
and tells the author what was decided. Who waits is told by `workflow.approval_reminders`.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    NotFound,
    VersionMoved,
)
from wenming_api.system.audit.service import record
from wenming_api.system.regions.service import hold_tree
from wenming_api.workflow.approval_flows.queries import find_flow, find_home, offices_at
from wenming_api.workflow.approval_flows.rules import PlannedStep, Unmanned, plan
from wenming_api.workflow.approvals.models import Approval, ApprovalTurn
from wenming_api.workflow.approvals.queries import decider_of, planned, standing_of
from wenming_api.workflow.approvals.rules import (
    ApprovalState,
    Decider,
    Decision,
    Mark,
    Standing,
    Subject,
    outcome,
    turn_state,
)
from wenming_api.workflow.calendars.queries import load_calendar

TITLE_LENGTH = 200


class NobodyDecides(Conflict):
    """The flow asks for a unit that does not exist."""

    code = "nobody_decides"
    title = "没有可以审批的单位"


class AlreadyPending(Conflict):
    """The subject is being approved already."""

    code = "already_pending"
    title = "已在审批中"


class AlreadyDecided(IllegalTransition):
    """The approval has ended: somebody else was first."""

    code = "already_decided"
    title = "审批已结束"


class MayNotDecide(Forbidden):
    """Not this caller, not now; `detail` says why."""

    code = "may_not_decide"
    title = "不能审批"


async def start(session: WriteSession, *, caller: Principal, subject: Subject) -> Standing:
    """Begin the approval of a subject by the flow nearest to its unit.

    Raises:
        NobodyDecides: a step's place has no unit.
        AlreadyPending: the subject is being approved.
        NotFound: there is no such unit.
        ValueError: the kind is not one of `ApprovalKind`.
    """
    await hold_tree(session)
    home = await find_home(session, unit_id=subject.unit_id, receiver_unit_id=subject.receiver_unit_id)
    if home is None:
        raise NotFound("单位不存在。")
    flow = await find_flow(session, kind=subject.kind, unit_path=home.unit_path)
    try:
        steps = plan(flow.steps, await offices_at(session, home=home, steps=flow.steps))
    except Unmanned as gap:
        raise NobodyDecides(gap.explanation) from gap
    now = clock.now()
    made = await session.execute(
        insert(Approval)
        .values(
            kind=subject.kind,
            subject_id=subject.id,
            subject_version=subject.version,
            title=subject.title[:TITLE_LENGTH],
            state=ApprovalState.PENDING,
            flow_id=flow.id,
            flow={"name": flow.name, "steps": [step.to_json() for step in steps]},
            position=1,
            unit_id=home.id,
            unit_path=home.unit_path,
            region_path=home.region_path,
            receiver_unit_id=subject.receiver_unit_id,
            author_id=subject.author_id,
            due_on=await _deadline(session, steps[0], now),
        )
        .on_conflict_do_nothing(index_elements=["kind", "subject_id"], index_where=text("state = 'pending'"))
        .returning(Approval)
    )
    approval = made.scalar_one_or_none()
    if approval is None:
        raise AlreadyPending("这项内容正在审批中，请等待审批结果，或先撤回。")
    session.add(_turn(approval, steps[0], now))
    await session.flush()  # whoever reads on in this transaction sees whose turn it is
    await record(
        session,
        caller=caller,
        action="approvals.start",
        target=("approval", approval.id),
        after={"state": approval.state, "flow": flow.name, "subject_version": subject.version},
        context=(subject.kind, subject.id),
    )
    if caller.user_id == subject.author_id:  # whoever wrote it does not decide, deputy or not
        return standing_of(approval, Decider(caller.user_id, caller.unit_id, caller.permissions))
    return standing_of(approval, await decider_of(session, caller=caller))


async def decide(
    session: WriteSession,
    *,
    caller: Principal,
    approval_id: UUID,
    judged: int,
    decision: Decision,
    reason: str | None,
    marks: Sequence[Mark] = (),
) -> Standing:
    """Approve or return at the current step; of two deciders at once, one decides.

    `judged` is the version of the approval (`Standing.version`) that the decider looked at.

    Raises:
        NotFound: there is no such approval.
        AlreadyDecided: it has ended.
        VersionMoved: it has moved on to another step.
        MayNotDecide: the author himself, another unit, without the permission, absent; `detail` says which.
        InvalidInput: returned without a reason.
    """
    approval = await _locked(session, approval_id)
    if approval.version != judged:
        raise VersionMoved(approval.version)
    who = await decider_of(session, caller=caller)
    before = standing_of(approval, who)
    if not before.may_decide:
        raise MayNotDecide(f"{before.why_not}。")
    if decision is Decision.RETURN and not reason:
        raise InvalidInput(errors=[FieldError("/reason", "退回须说明原因")])
    now = clock.now()
    steps = planned(approval.flow)
    await _close_turn(
        session,
        approval,
        state=turn_state(decision),
        decided_by=caller.user_id,
        on_behalf_of=before.on_behalf_of,
        decided_at=now,
        reason=reason,
        marks=[mark.to_json() for mark in marks],
    )
    approval.state, approval.position = outcome(decision, position=approval.position, steps=len(steps))
    if approval.state is ApprovalState.PENDING:
        step = steps[approval.position - 1]
        approval.due_on = await _deadline(session, step, now)
        session.add(_turn(approval, step, now))
    else:
        approval.ended_at = now
    await session.flush()  # the standing carries the new version
    await record(
        session,
        caller=caller,
        action=f"approvals.{decision}",
        target=("approval", approval.id),
        before={"state": before.state, "position": before.position},
        after={"state": approval.state, "position": approval.position, "on_behalf_of": before.on_behalf_of},
        reason=reason,
        context=(approval.kind, approval.subject_id),
    )
    return standing_of(approval, who)


async def cancel(session: WriteSession, *, caller: Principal, approval_id: UUID, reason: str) -> None:
    """End an approval without a decision: its subject was withdrawn. Who may is for the domain to say.

    Raises:
        NotFound: there is no such approval.
        AlreadyDecided: it has ended.
    """
    approval = await _locked(session, approval_id)
    now = clock.now()
    await _close_turn(session, approval, state=ApprovalState.CANCELLED, decided_at=now, reason=reason)
    approval.state, approval.ended_at = ApprovalState.CANCELLED, now
    await session.flush()  # whoever reads on in this transaction sees that it has ended
    await record(
        session,
        caller=caller,
        action="approvals.cancel",
        target=("approval", approval.id),
        before={"state": ApprovalState.PENDING},
        after={"state": ApprovalState.CANCELLED},
        reason=reason,
        context=(approval.kind, approval.subject_id),
    )


async def _locked(session: WriteSession, approval_id: UUID) -> Approval:
    """The approval, pending, until this transaction ends."""
    found = await session.execute(
        select(Approval)
        .where(Approval.id == approval_id)
        .with_for_update()
        .execution_options(populate_existing=True)  # it may have been read before its lock was free
    )
    approval = found.scalar_one_or_none()
    if approval is None:
        raise NotFound
    if approval.state is not ApprovalState.PENDING:
        raise AlreadyDecided(f"审批已结束（{approval.state.label}），请刷新后查看。", allowed=[])
    return approval


async def _close_turn(session: WriteSession, approval: Approval, **values: Any) -> None:
    await session.execute(
        update(ApprovalTurn)
        .where(ApprovalTurn.approval_id == approval.id, ApprovalTurn.position == approval.position)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def _deadline(session: WriteSession, step: PlannedStep, now: datetime) -> date | None:
    if step.working_days is None:
        return None
    return (await load_calendar(session)).add_working_days(clock.at_the_edge(now).date(), step.working_days)


def _turn(approval: Approval, step: PlannedStep, now: datetime) -> ApprovalTurn:
    return ApprovalTurn(
        approval_id=approval.id,
        position=approval.position,
        name=step.name,
        unit_id=step.unit_id,
        permission=step.permission,
        state=ApprovalState.PENDING,
        since=now,
        due_on=approval.due_on,
    )
