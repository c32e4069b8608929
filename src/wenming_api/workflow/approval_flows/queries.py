"""Reads of flows: which one applies to a unit, and which units stand at the places of its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from wenming_api.kit.db import AnySession
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit
from wenming_api.workflow.approval_flows.models import ApprovalFlow, ApprovalLevel, ApprovalStep
from wenming_api.workflow.approval_flows.rules import (
    Flow,
    Office,
    Place,
    Step,
    base_flow,
    prefixes,
)


@dataclass(frozen=True, slots=True)
class Home:
    """The unit whose matter is approved, with the units next to it."""

    id: UUID
    unit_path: str
    region_path: str
    own: Office
    managing: Office
    receiver: Office | None


async def find_home(session: AnySession, *, unit_id: UUID, receiver_unit_id: UUID | None) -> Home | None:
    """The unit, its managing unit and the receiver, in one statement. Who has no managing unit manages himself."""
    managing, receiver = aliased(Unit), aliased(Unit)
    found = await session.execute(
        select(
            Unit.name,
            Unit.unit_path,
            Unit.region_path,
            managing.id.label("managing_id"),
            managing.name.label("managing_name"),
            receiver.id.label("receiver_id"),
            receiver.name.label("receiver_name"),
        )
        .outerjoin(managing, managing.id == Unit.managing_unit_id)
        .outerjoin(receiver, receiver.id == receiver_unit_id)
        .where(Unit.id == unit_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    own = Office(unit_id, row.name)
    return Home(
        id=unit_id,
        unit_path=row.unit_path,
        region_path=row.region_path,
        own=own,
        managing=Office(row.managing_id, row.managing_name) if row.managing_id else own,
        receiver=Office(row.receiver_id, row.receiver_name) if row.receiver_id else None,
    )


async def find_flow(session: AnySession, *, kind: str, unit_path: str) -> Flow:
    """The flow that applies to a unit: the nearest one upward, the system's, or the one delivered with the product."""
    step = func.jsonb_build_object(
        *("name", ApprovalStep.name, "level_code", ApprovalStep.level_code, "place", ApprovalStep.place),
        *("working_days", ApprovalStep.working_days, "permission", ApprovalLevel.permission),
    )
    steps = (
        select(func.jsonb_agg(aggregate_order_by(step, ApprovalStep.position)))
        .join(ApprovalLevel, ApprovalLevel.code == ApprovalStep.level_code)
        .where(ApprovalStep.flow_id == ApprovalFlow.id)
        .correlate(ApprovalFlow)
        .scalar_subquery()
    )
    found = await session.execute(
        select(ApprovalFlow.id, ApprovalFlow.name, steps.label("steps"))
        .where(
            ApprovalFlow.active,
            ApprovalFlow.kind == kind,
            or_(ApprovalFlow.unit_id.is_(None), ApprovalFlow.unit_path.in_(prefixes(unit_path))),
        )
        .order_by(func.length(ApprovalFlow.unit_path).desc().nulls_last())
        .limit(1)
    )
    row = found.one_or_none()
    if row is None:
        return base_flow(kind)
    made = [Step(**{**kept, "place": Place(kept["place"])}) for kept in row.steps]
    return Flow(id=row.id, kind=kind, name=row.name, steps=tuple(made))


async def offices_at(session: AnySession, *, home: Home, steps: Sequence[Step]) -> dict[Place, Office | None]:
    """What stands at each place that exists for a unit; civility offices are looked up when a step asks for one."""
    at: dict[Place, Office | None] = {Place.OWN: home.own, Place.MANAGING: home.managing}
    if home.receiver is not None:
        at[Place.RECEIVER] = home.receiver
    if all(step.place.level is None for step in steps):
        return at
    above = prefixes(home.unit_path)
    office = (
        select(Unit.id, Unit.name)
        .where(Unit.region_id == Region.id, Unit.is_civility_office, Unit.active)
        .order_by(Unit.unit_path.in_(above).desc(), Unit.number)
        .limit(1)
        .correlate(Region)
        .lateral()
    )
    found = await session.execute(
        select(Region.level, office.c.id, office.c.name)
        .select_from(Region)
        .outerjoin(office, true())
        .where(Region.path.in_(prefixes(home.region_path)))
    )
    for row in found:
        at[Place(row.level.value)] = Office(row.id, row.name) if row.id else None
    return at
