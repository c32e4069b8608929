"""Reads of stand-ins: in whose place a user decides today."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, not_, or_, select, true
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.roles.models import Role
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User, UserRole
from wenming_api.workflow.stand_ins.models import StandIn
from wenming_api.workflow.stand_ins.rules import Represented, StandInKind, Today
from wenming_api.workflow.stand_ins.schemas import StandInDetail, StandInOut, StandInSort

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


_deputy = aliased(User)


def _rows(caller: Principal, day: date, *more: Any) -> Select[Any]:
    made_up = {
        "user_name": User.display_name,
        "deputy_name": _deputy.display_name,
        "unit_name": Unit.name,
        "in_effect": in_effect(day),
    }
    columns = [
        made_up[name].label(name) if name in made_up else getattr(StandIn, name) for name in StandInOut.model_fields
    ]
    seen: list[ColumnElement[bool]] = [StandIn.user_id == caller.user_id, StandIn.deputy_id == caller.user_id]
    if caller.may(Permission.STAND_INS_MANAGE):
        seen.append(caller.scope.where(StandIn))
    return (
        select(*columns, *more)
        .join(User, User.id == StandIn.user_id)
        .join(_deputy, _deputy.id == StandIn.deputy_id)
        .join(Unit, Unit.id == StandIn.unit_id)
        .where(or_(*seen))
    )


async def list_stand_ins(
    session: AnySession,
    *,
    caller: Principal,
    day: date,
    params: PageParams,
    sort: StandInSort = StandInSort.NEWEST,
    user_id: UUID | None = None,
    deputy_id: UUID | None = None,
    effective: bool | None = None,
) -> Page[StandInOut]:
    """The caller's own stand-ins, and those in his scope when he keeps them for others."""
    statement = _rows(caller, day)
    if user_id is not None:
        statement = statement.where(StandIn.user_id == user_id)
    if deputy_id is not None:
        statement = statement.where(StandIn.deputy_id == deputy_id)
    if effective is not None:
        statement = statement.where(in_effect(day) if effective else not_(in_effect(day)))
    columns = {"starts_on": StandIn.starts_on}
    return await page(session, statement, params, sort=sort, columns=columns, key=StandIn.id, into=StandInOut)


async def read_stand_in(session: AnySession, *, caller: Principal, day: date, stand_in_id: UUID) -> StandInDetail:
    """One stand-in; `NotFound`."""
    found = await session.execute(_rows(caller, day, StandIn.created_at).where(StandIn.id == stand_in_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    permitted = (
        row["user_id"] == caller.user_id or caller.may(Permission.STAND_INS_MANAGE),
        "由委托人本人，或有“登记他人代理”权限的人员结束",
    )
    running = (row["ended_at"] is None and row["ends_on"] >= day, "代理已经结束")
    return StandInDetail(**row, allowed_actions=[action("end", "提前结束", permitted, running)])
