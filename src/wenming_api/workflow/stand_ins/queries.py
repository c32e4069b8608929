"""Reads of stand-ins: in whose place a user decides today."""

from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, true

from wenming_api.kit.db import AnySession
from wenming_api.system.roles.models import Role
from wenming_api.system.users.models import User, UserRole
from wenming_api.workflow.stand_ins.models import StandIn
from wenming_api.workflow.stand_ins.rules import Represented, StandInKind, Today

_each = func.unnest(Role.permissions).table_valued("code").render_derived("held")
PERMISSIONS_HELD = (
    select(func.array_agg(_each.c.code.distinct()))
    .select_from(UserRole)
    .join(Role, Role.id == UserRole.role_id)
    .join(_each, true())
    .where(UserRole.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
)
"""What a user may, by all his roles."""


def in_effect(day: date) -> ColumnElement[bool]:
    """Whether a stand-in is in effect on a day."""
    return StandIn.ended_at.is_(None) & (StandIn.starts_on <= day) & (StandIn.ends_on >= day)


async def stand_ins_of(session: AnySession, *, user_id: UUID, day: date) -> Today:
    """What stand-ins mean for a user on a day, in one statement."""
    found = await session.execute(
        select(StandIn.user_id, StandIn.kind, User.unit_id, PERMISSIONS_HELD.label("permissions"))
        .join(User, User.id == StandIn.user_id)
        .where(or_(StandIn.user_id == user_id, StandIn.deputy_id == user_id), in_effect(day), User.active)
        .order_by(StandIn.id)
    )
    rows = found.all()
    return Today(
        absent=any(row.user_id == user_id and row.kind is StandInKind.ABSENCE for row in rows),
        represents=tuple(
            Represented(row.user_id, row.unit_id, frozenset(row.permissions or ()))
            for row in rows
            if row.user_id != user_id
        ),
    )
