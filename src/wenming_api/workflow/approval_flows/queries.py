"""Reads of levels and flows: which flow applies to a unit, and which units stand at the places of its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import FieldError, InvalidInput, NotFound
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit
from wenming_api.workflow.approval_flows.models import ApprovalFlow, ApprovalLevel, ApprovalStep
from wenming_api.workflow.approval_flows.rules import (
    ApprovalKind,
    Flow,
    Office,
    Place,
    Step,
    Unmanned,
    base_flow,
    plan,
    prefixes,
)
from wenming_api.workflow.approval_flows.schemas import (
    FlowDetail,
    FlowOut,
    FlowPreview,
    FlowSort,
    LevelDetail,
    LevelOut,
    LevelSort,
    PlannedStepOut,
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


_STEP = func.jsonb_build_object(
    *("position", ApprovalStep.position, "name", ApprovalStep.name, "level_code", ApprovalStep.level_code),
    *("level_name", ApprovalLevel.name, "permission", ApprovalLevel.permission, "place", ApprovalStep.place),
    *("working_days", ApprovalStep.working_days),
)
_STEPS = (
    select(func.jsonb_agg(aggregate_order_by(_STEP, ApprovalStep.position)))
    .join(ApprovalLevel, ApprovalLevel.code == ApprovalStep.level_code)
    .where(ApprovalStep.flow_id == ApprovalFlow.id)
    .correlate(ApprovalFlow)
    .scalar_subquery()
    .label("steps")
)


async def find_flow(session: AnySession, *, kind: str, unit_path: str) -> Flow:
    """The flow that applies to a unit: the nearest one upward, the system's, or the one delivered with the product."""
    found = await session.execute(
        select(ApprovalFlow.id, ApprovalFlow.name, _STEPS)
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
    steps = tuple(
        Step(
            name=step["name"],
            level_code=step["level_code"],
            permission=step["permission"],
            place=Place(step["place"]),
            working_days=step["working_days"],
        )
        for step in row.steps
    )
    return Flow(id=row.id, kind=kind, name=row.name, steps=steps)


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


def applies_to(scope: Scope) -> Any:
    """Flows that a caller sees: those of units in his scope, and those of the whole system."""
    return scope.where(ApprovalFlow, also=[ApprovalFlow.unit_id.is_(None)])


def _flows(*more: Any) -> Select[Any]:
    own = [getattr(ApprovalFlow, name) for name in FlowOut.model_fields if name not in {"unit_name", "steps"}]
    return select(*own, Unit.name.label("unit_name"), _STEPS, *more).outerjoin(Unit, Unit.id == ApprovalFlow.unit_id)


async def list_flows(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    sort: FlowSort = FlowSort.NAME,
    kind: ApprovalKind | None = None,
    unit_id: UUID | None = None,
    active: bool | None = None,
    q: str | None = None,
) -> Page[FlowOut]:
    """Flows with their steps, in two statements."""
    statement = _flows().where(applies_to(scope))
    for column, value in (
        (ApprovalFlow.kind, kind),
        (ApprovalFlow.unit_id, unit_id),
        (ApprovalFlow.active, active),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if q is not None:
        statement = statement.where(contains(ApprovalFlow.name, q))
    columns = {"name": ApprovalFlow.name, "created_at": ApprovalFlow.created_at}
    return await page(session, statement, params, sort=sort, columns=columns, key=ApprovalFlow.id, into=FlowOut)


async def read_flow(session: AnySession, *, caller: Principal, flow_id: UUID) -> FlowDetail:
    """One flow; `NotFound`."""
    found = await session.execute(
        _flows(ApprovalFlow.unit_path, ApprovalFlow.region_path).where(
            ApprovalFlow.id == flow_id, applies_to(caller.scope)
        )
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    permitted = (caller.may(Permission.FLOWS_MANAGE), "需要“维护审批流程”权限")
    mine = (
        caller.scope.all_rows
        if row["unit_path"] is None
        else caller.scope.holds_unit(row["unit_path"], row["region_path"]),
        "全系统的流程须由数据范围为全部数据的人员维护",
    )
    actions = [
        action("update", "修改", permitted, mine, (row["active"], "流程已停用")),
        action("disable", "停用", permitted, mine, (row["active"], "流程已停用")),
        action("enable", "启用", permitted, mine, (not row["active"], "流程在用")),
    ]
    return FlowDetail(**row, allowed_actions=actions)


async def preview_flow(
    session: AnySession, *, scope: Scope, kind: ApprovalKind, unit_id: UUID, receiver_unit_id: UUID | None
) -> FlowPreview:
    """How something of a unit would be approved now; `InvalidInput` for a unit outside the scope."""
    seen = await session.scalar(select(Unit.id).where(Unit.id == unit_id, scope.where(Unit)))
    home = await find_home(session, unit_id=unit_id, receiver_unit_id=receiver_unit_id) if seen else None
    if home is None:
        raise InvalidInput(errors=[FieldError("/query/unit_id", "单位不存在，或不在您的数据范围内")])
    flow = await find_flow(session, kind=kind, unit_path=home.unit_path)
    try:
        steps = plan(flow.steps, await offices_at(session, home=home, steps=flow.steps))
    except Unmanned as gap:
        return FlowPreview(flow_id=flow.id, name=flow.name, steps=[], problem=gap.explanation)
    planned = [PlannedStepOut.model_validate(step) for step in steps]
    return FlowPreview(flow_id=flow.id, name=flow.name, steps=planned, problem=None)


_LEVEL = [getattr(ApprovalLevel, name) for name in LevelOut.model_fields]


async def list_levels(session: AnySession, *, params: PageParams, sort: LevelSort = LevelSort.RANK) -> Page[LevelOut]:
    """Approval levels, the same for everybody."""
    columns = {"rank": ApprovalLevel.rank, "name": ApprovalLevel.name}
    return await page(
        session, select(*_LEVEL), params, sort=sort, columns=columns, key=ApprovalLevel.code, into=LevelOut
    )


async def read_level(session: AnySession, *, caller: Principal, code: str) -> LevelDetail:
    """One level; `NotFound`."""
    used = (
        select(func.count(ApprovalFlow.id.distinct()))
        .join(ApprovalStep, ApprovalStep.flow_id == ApprovalFlow.id)
        .where(ApprovalFlow.active, ApprovalStep.level_code == ApprovalLevel.code)
        .correlate(ApprovalLevel)
        .scalar_subquery()
    )
    found = await session.execute(select(*_LEVEL, used.label("flows")).where(ApprovalLevel.code == code))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    permitted = (caller.may(Permission.FLOWS_MANAGE), "需要“维护审批流程”权限")
    whole = (caller.scope.all_rows, "审核级别须由数据范围为全部数据的人员维护")
    return LevelDetail(**row, allowed_actions=[action("update", "修改", permitted, whole)])
