"""Reads for reminders: turns that wait, and the people who could decide at them."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import aliased

from wenming_api.kit.db import AnySession
from wenming_api.system.users.models import User
from wenming_api.workflow.approval_flows.rules import ApprovalKind
from wenming_api.workflow.approval_reminders.rules import Waiting
from wenming_api.workflow.approvals.models import Approval, ApprovalTurn
from wenming_api.workflow.approvals.rules import ApprovalState, Decider, Turn
from wenming_api.workflow.stand_ins.models import StandIn
from wenming_api.workflow.stand_ins.queries import PERMISSIONS_HELD, in_effect
from wenming_api.workflow.stand_ins.rules import Represented, StandInKind

_COLUMNS: list[Any] = [
    ApprovalTurn.id,
    ApprovalTurn.approval_id,
    ApprovalTurn.name,
    ApprovalTurn.unit_id,
    ApprovalTurn.permission,
    ApprovalTurn.due_on,
    Approval.kind,
    Approval.title,
    Approval.author_id,
]


def _turns(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(Approval, Approval.id == ApprovalTurn.approval_id)
        .where(ApprovalTurn.state == ApprovalState.PENDING, *conditions)
    )


def _waiting(row: Any) -> Waiting:
    turn = Turn(
        state=ApprovalState.PENDING,
        step_name=row.name,
        unit_id=row.unit_id,
        permission=row.permission,
        author_id=row.author_id,
    )
    return Waiting(
        turn_id=row.id,
        approval_id=row.approval_id,
        kind=ApprovalKind(row.kind),
        title=row.title,
        due_on=row.due_on,
        turn=turn,
    )


async def untold(session: AnySession, *, at_most: int) -> list[Waiting]:
    """Turns whose deciders have not been told yet, the oldest first; nobody else tells of them meanwhile."""
    statement = _turns(ApprovalTurn.told_at.is_(None)).order_by(ApprovalTurn.since, ApprovalTurn.id).limit(at_most)
    found = await session.execute(statement.with_for_update(of=ApprovalTurn, skip_locked=True))
    return [_waiting(row) for row in found]


async def due_turns(session: AnySession, *, until: date, after: UUID | None, at_most: int) -> list[Waiting]:
    """Turns that are to be decided up to a day, or should have been, by their id."""
    conditions = [ApprovalTurn.due_on <= until]
    if after is not None:
        conditions.append(ApprovalTurn.id > after)
    found = await session.execute(_turns(*conditions).order_by(ApprovalTurn.id).limit(at_most))
    return [_waiting(row) for row in found]


async def people_at(session: AnySession, *, unit_ids: Collection[UUID], day: date) -> list[Decider]:
    """Everybody who could decide at some units on a day: their people, and deputies of their people."""
    if not unit_ids:
        return []
    user = aliased(User)
    stands_in = (
        select(StandIn.user_id, StandIn.deputy_id, StandIn.kind)
        .join(user, and_(user.id == StandIn.user_id, user.active))
        .where(user.unit_id.in_(unit_ids), in_effect(day))
        .order_by(StandIn.id)
    )
    spans = (await session.execute(stands_in)).all()
    deputies = {span.deputy_id for span in spans}
    found = await session.execute(
        select(User.id, User.unit_id, PERMISSIONS_HELD.label("permissions")).where(
            User.active, or_(User.unit_id.in_(unit_ids), User.id.in_(deputies))
        )
    )
    people = {row.id: row for row in found}
    represents: dict[UUID, list[Represented]] = {}
    for span in spans:
        of = people[span.user_id]
        represents.setdefault(span.deputy_id, []).append(
            Represented(of.id, of.unit_id, frozenset(of.permissions or ()))
        )
    absent = {span.user_id for span in spans if span.kind is StandInKind.ABSENCE}
    return [
        Decider(
            user_id=row.id,
            unit_id=row.unit_id,
            permissions=frozenset(row.permissions or ()),
            absent=row.id in absent,
            represents=tuple(represents.get(row.id, ())),
        )
        for row in people.values()
    ]
