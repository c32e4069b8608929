"""Reads of approvals."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.kit.db import AnySession
from wenming_api.workflow.approval_flows.rules import PlannedStep
from wenming_api.workflow.approvals.models import Approval
from wenming_api.workflow.approvals.rules import Decider, Standing, Turn, right_to_decide
from wenming_api.workflow.calendars.queries import today
from wenming_api.workflow.stand_ins.queries import stand_ins_of

_STANDING = (
    Approval.id,
    Approval.state,
    Approval.position,
    Approval.flow,
    Approval.author_id,
    Approval.due_on,
    Approval.version,
)


def planned(flow: dict[str, Any]) -> list[PlannedStep]:
    """The steps that an approval keeps."""
    return [PlannedStep.from_json(kept) for kept in flow["steps"]]


def standing_of(approval: Any, who: Decider) -> Standing:
    """The standing of an approval (an entity, or a row with the columns of `_STANDING`) for a decider."""
    step = planned(approval.flow)[approval.position - 1]
    turn = Turn(
        state=approval.state,
        step_name=step.name,
        unit_id=step.unit_id,
        permission=step.permission,
        author_id=approval.author_id,
    )
    right = right_to_decide(turn, who)
    return Standing(
        id=approval.id,
        state=approval.state,
        position=approval.position,
        step_name=step.name,
        unit_id=step.unit_id,
        due_on=approval.due_on,
        version=approval.version,
        may_decide=right.may,
        why_not=right.why_not,
        on_behalf_of=right.on_behalf_of,
    )


async def decider_of(session: AnySession, *, caller: Principal) -> Decider:
    """The caller as a decider of today, in one statement."""
    now = await stand_ins_of(session, user_id=caller.user_id, day=today())
    return Decider(
        user_id=caller.user_id,
        unit_id=caller.unit_id,
        permissions=caller.permissions,
        absent=now.absent,
        represents=now.represents,
    )


async def standings(session: AnySession, *, caller: Principal, approval_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """Where approvals stand and whether the caller may decide on them, in two statements.

    The caller of this function has found them through something that the user may see: there is no scope here.
    """
    if not approval_ids:
        return {}
    who = await decider_of(session, caller=caller)
    found = await session.execute(select(*_STANDING).where(Approval.id.in_(approval_ids)))
    return {row.id: standing_of(row, who) for row in found}
