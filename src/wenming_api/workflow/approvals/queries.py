"""Reads of approvals."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User
from wenming_api.workflow.approval_flows.rules import ApprovalKind, PlannedStep
from wenming_api.workflow.approvals.models import Approval, ApprovalTurn
from wenming_api.workflow.approvals.rules import (
    ApprovalState,
    Decider,
    Decision,
    Standing,
    Turn,
    overdue,
    places_to_decide,
    right_to_decide,
)
from wenming_api.workflow.approvals.schemas import (
    ApprovalDetail,
    ApprovalRow,
    ApprovalSort,
    KindCount,
    TurnOut,
    WaitingCounts,
)
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


def _waiting_for(who: Decider) -> ColumnElement[bool]:
    """Turns at which somebody may decide, as a condition: the SQL of `right_to_decide`."""
    return and_(
        Approval.state == ApprovalState.PENDING,
        ApprovalTurn.state == ApprovalState.PENDING,
        Approval.author_id != who.user_id,
        or_(
            false(),
            *(
                and_(
                    ApprovalTurn.unit_id == place.unit_id,
                    ApprovalTurn.permission.in_(sorted(place.permissions)),
                    Approval.author_id != place.user_id,
                )
                for place in places_to_decide(who)
            ),
        ),
    )


def _visible(caller: Principal, who: Decider) -> ColumnElement[bool]:
    """Approvals in the caller's scope, his own, and those that came to a unit where he decides, or to himself."""
    units = {caller.unit_id, *(each.unit_id for each in who.represents)}
    came = select(ApprovalTurn.id).where(
        ApprovalTurn.approval_id == Approval.id,
        or_(ApprovalTurn.unit_id.in_(units), ApprovalTurn.decided_by == caller.user_id),
    )
    # In this order: PostgreSQL looks at the turns only of what the scope does not hold.
    return or_(caller.scope.where(Approval), Approval.author_id == caller.user_id, came.correlate(Approval).exists())


_home, _deciding = aliased(Unit), aliased(Unit)
_MADE_UP: dict[str, Any] = {
    "step_count": func.jsonb_array_length(Approval.flow["steps"]),
    "step_name": ApprovalTurn.name,
    "deciding_unit_id": ApprovalTurn.unit_id,
    "deciding_unit_name": _deciding.name,
    "unit_name": _home.name,
    "author_name": User.display_name,
}
_JUDGED = {"overdue", "may_decide", "why_not", "on_behalf_of"}
_COLUMNS = [
    _MADE_UP[name].label(name) if name in _MADE_UP else getattr(Approval, name)
    for name in ApprovalRow.model_fields
    if name not in _JUDGED
]


def _rows(*more: Any) -> Select[Any]:
    # Outer joins, though each finds its row: PostgreSQL leaves out those that a count does not ask for.
    return (
        select(*_COLUMNS, ApprovalTurn.permission, *more)
        .select_from(Approval)
        .outerjoin(
            ApprovalTurn, and_(ApprovalTurn.approval_id == Approval.id, ApprovalTurn.position == Approval.position)
        )
        .outerjoin(_home, _home.id == Approval.unit_id)
        .outerjoin(_deciding, _deciding.id == ApprovalTurn.unit_id)
        .outerjoin(User, User.id == Approval.author_id)
    )


def _judged(row: Mapping[str, Any], who: Decider, day: date) -> dict[str, Any]:
    turn = Turn(
        state=row["state"],
        step_name=row["step_name"],
        unit_id=row["deciding_unit_id"],
        permission=row["permission"],
        author_id=row["author_id"],
    )
    right = right_to_decide(turn, who)
    return {
        "overdue": row["state"] is ApprovalState.PENDING and overdue(row["due_on"], day),
        "may_decide": right.may,
        "why_not": right.why_not,
        "on_behalf_of": right.on_behalf_of,
    }


async def list_approvals(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: ApprovalSort = ApprovalSort.NEWEST,
    waiting: bool = False,
    decided: bool = False,
    own: bool = False,
    kind: ApprovalKind | None = None,
    state: ApprovalState | None = None,
    late: bool | None = None,
    subject_id: UUID | None = None,
    below: str | None = None,
    q: str | None = None,
) -> Page[ApprovalRow]:
    """Approvals of all kinds, in three statements.

    `waiting` for the caller's decision, `decided` by him, his `own`; otherwise all that he sees. `late`: the current
    step is overdue.
    """
    day = today()
    who = await decider_of(session, caller=caller)
    statement = _rows()
    if waiting:
        statement = statement.where(_waiting_for(who))
    elif decided:
        his = select(ApprovalTurn.approval_id).where(ApprovalTurn.decided_by == caller.user_id)
        statement = statement.where(Approval.id.in_(his))
    elif own:
        statement = statement.where(Approval.author_id == caller.user_id)
    else:
        statement = statement.where(_visible(caller, who))
    for column, value in ((Approval.kind, kind), (Approval.state, state), (Approval.subject_id, subject_id)):
        if value is not None:
            statement = statement.where(column == value)
    if late is not None:
        passed = and_(Approval.state == ApprovalState.PENDING, func.coalesce(Approval.due_on < day, false()))
        statement = statement.where(passed if late else not_(passed))
    if below is not None:
        statement = statement.where(Approval.unit_path.startswith(below, autoescape=True))
    if q is not None:
        statement = statement.where(contains(Approval.title, q))
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns={"created_at": Approval.created_at, "due_on": Approval.due_on},
        key=Approval.id,
        into=ApprovalRow,
        extra=lambda row: _judged(row, who, day),
    )


async def count_waiting(session: AnySession, *, caller: Principal) -> WaitingCounts:
    """How much waits for the caller's decision, in two statements."""
    who = await decider_of(session, caller=caller)
    late = func.count().filter(Approval.due_on < today())
    counted = await session.execute(
        select(Approval.kind, func.count().label("waiting"), late.label("overdue"))
        .join(ApprovalTurn, and_(ApprovalTurn.approval_id == Approval.id, ApprovalTurn.position == Approval.position))
        .where(_waiting_for(who))
        .group_by(Approval.kind)
        .order_by(Approval.kind)
    )
    kinds = [KindCount.model_validate(row) for row in counted]
    return WaitingCounts(
        waiting=sum(kind.waiting for kind in kinds), overdue=sum(kind.overdue for kind in kinds), by_kind=kinds
    )


async def read_approval(session: AnySession, *, caller: Principal, approval_id: UUID) -> ApprovalDetail:
    """One approval with all its steps, in three statements; `NotFound`."""
    day = today()
    who = await decider_of(session, caller=caller)
    found = await session.execute(_rows(Approval.flow).where(Approval.id == approval_id, _visible(caller, who)))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    judged = _judged(row, who, day)
    reason = judged["why_not"] or ""
    return ApprovalDetail(
        **row,
        **judged,
        flow_name=row["flow"]["name"],
        turns=await _turns(session, approval_id, row["flow"], pending=row["state"] is ApprovalState.PENDING),
        allowed_actions=[action(decision, decision.label, (judged["may_decide"], reason)) for decision in Decision],
    )


async def _turns(session: AnySession, approval_id: UUID, flow: dict[str, Any], *, pending: bool) -> list[TurnOut]:
    """The steps that an approval came to, and, while it goes on, those to come."""
    decider, represented = aliased(User), aliased(User)
    found = await session.execute(
        select(
            *(getattr(ApprovalTurn, name) for name in TurnOut.model_fields if not name.endswith("_name")),
            Unit.name.label("unit_name"),
            decider.display_name.label("decided_by_name"),
            represented.display_name.label("on_behalf_of_name"),
        )
        .join(Unit, Unit.id == ApprovalTurn.unit_id)
        .outerjoin(decider, decider.id == ApprovalTurn.decided_by)
        .outerjoin(represented, represented.id == ApprovalTurn.on_behalf_of)
        .where(ApprovalTurn.approval_id == approval_id)
        .order_by(ApprovalTurn.position)
    )
    turns = [TurnOut.model_validate(row) for row in found]
    to_come = planned(flow)[len(turns) :] if pending else []
    nothing_yet = dict.fromkeys(
        ("state", "since", "due_on", "decided_at", "decided_by", "decided_by_name", "on_behalf_of"), None
    )
    return turns + [
        TurnOut.model_validate(
            {
                **nothing_yet,
                "position": position,
                "name": step.name,
                "unit_id": step.unit_id,
                "unit_name": step.unit_name,
                "on_behalf_of_name": None,
                "reason": None,
                "marks": [],
            }
        )
        for position, step in enumerate(to_come, len(turns) + 1)
    ]
