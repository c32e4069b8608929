"""Reads of plans: the unit that holds one, those above it, and, once published, the units its tasks name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.roles.models import Role
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User, UserRole
from wenming_api.workflow.plans.models import Plan, PlanTask, PlanTaskUnit
from wenming_api.workflow.plans.rules import (
    EDITABLE,
    PlanAction,
    PlanState,
    days_late,
    light,
    next_state,
)
from wenming_api.workflow.plans.schemas import (
    PlanBox,
    PlanOut,
    PlanRow,
    PlanSort,
    PlanTaskOut,
    PlanTaskUnitOut,
    PlanTree,
)


def today() -> date:
    """The day by which lights are shown."""
    return clock.at_the_edge(clock.now()).date()


def visible(caller: Principal) -> ColumnElement[bool]:
    """Which plans a caller sees: those in his scope, and published ones with a task that names his unit."""
    named = exists().where(
        PlanTask.plan_id == Plan.id, PlanTaskUnit.task_id == PlanTask.id, PlanTaskUnit.unit_id == caller.unit_id
    )
    return caller.scope.where(Plan, also=[and_(Plan.state != PlanState.DRAFT, named)])


def _counts() -> list[Any]:
    tasks = PlanTask.__table__.alias("counted")
    child = PlanTask.__table__.alias("child")
    leaf = ~exists().where(child.c.parent_id == tasks.c.id, ~child.c.withdrawn)
    its = [tasks.c.plan_id == Plan.id, ~tasks.c.withdrawn]

    def number(*conditions: Any) -> Any:
        return select(func.count()).select_from(tasks).where(*its, *conditions).correlate(Plan).scalar_subquery()

    mean = select(func.coalesce(func.round(func.avg(tasks.c.progress), 2), 0)).where(*its, tasks.c.parent_id.is_(None))
    late = and_(leaf, tasks.c.done_on.is_(None), tasks.c.due_on < today())
    return [
        number().label("tasks"),
        number(tasks.c.done_on.is_not(None)).label("done"),
        number(late).label("overdue"),
        mean.correlate(Plan).scalar_subquery().label("progress"),
    ]


def _columns() -> list[Any]:
    own = ("id", "title", "year", "state", "unit_id", "revision", "source_plan_id", "created_at")
    return [*(getattr(Plan, name) for name in own), Unit.name.label("unit_name"), *_counts()]


async def list_plans(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: PlanSort,
    year: int | None = None,
    states: Sequence[PlanState] = (),
    unit_id: UUID | None = None,
    source_plan_id: UUID | None = None,
    box: PlanBox | None = None,
    q: str | None = None,
) -> Page[PlanRow]:
    """Plans that match every filter; `box` tells made ones from received ones. Two statements."""
    statement = select(*_columns()).join(Unit, Unit.id == Plan.unit_id).where(visible(caller))
    for column, value in ((Plan.year, year), (Plan.unit_id, unit_id), (Plan.source_plan_id, source_plan_id)):
        if value is not None:
            statement = statement.where(column == value)
    if states:
        statement = statement.where(Plan.state.in_(states))
    if box is not None:
        received = Plan.source_plan_id.is_not(None)
        statement = statement.where(received if box is PlanBox.RECEIVED else ~received)
    if q is not None:
        statement = statement.where(contains(Plan.title, q))
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns={"created_at": Plan.created_at, "year": Plan.year, "title": Plan.title},
        key=Plan.id,
        into=PlanRow,
        extra=lambda row: {"state_label": row["state"].label},
    )


async def read_plan(session: AnySession, *, caller: Principal, plan_id: UUID) -> PlanOut:
    """One plan with what the caller may do with it, in one statement; `NotFound`."""
    source, giver = aliased(Plan), aliased(Unit)
    given_by = (
        select(giver.name)
        .join(source, source.unit_id == giver.id)
        .where(source.id == Plan.source_plan_id)
        .correlate(Plan)
        .scalar_subquery()
    )
    found = await session.execute(
        select(
            *_columns(),
            *(Plan.note, Plan.warn_days, Plan.published_at, Plan.closed_at, Plan.version, Plan.unit_path),
            Plan.region_path,
            given_by.label("source_unit_name"),
        )
        .join(Unit, Unit.id == Plan.unit_id)
        .where(Plan.id == plan_id, visible(caller))
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    return PlanOut(**row, state_label=row["state"].label, allowed_actions=_allowed(caller, dict(row)))


def holds(caller: Principal, unit_path: str | None, region_path: str) -> bool:
    """Whether the plan's unit lies in the caller's scope: seeing a plan that names one's unit is not holding it."""
    return unit_path is not None and caller.scope.holds_unit(unit_path, region_path)


def _allowed(caller: Principal, row: Mapping[str, Any]) -> list[AllowedAction]:
    state: PlanState = row["state"]
    mine = (holds(caller, row["unit_path"], row["region_path"]), "这是其他单位的计划")
    permitted = (caller.may(Permission.PLANS_MANAGE), "需要“编制计划”权限")
    editable = (state in EDITABLE, f"计划{state.label}，须先“修订”")
    received = (row["source_plan_id"] is None, "上级下发的计划不能删除")

    def step(which: PlanAction, *more: tuple[bool, str]) -> AllowedAction:
        fits = (next_state(state, which) is not None, f"计划{state.label}，不能{which.label}")
        return action(which.value, which.label, mine, permitted, fits, *more)

    never = (row["revision"] == 0, "计划已发布过，不能删除")
    reports = (caller.may(Permission.PLANS_REPORT), "需要“汇报计划进展”权限")
    open_ = (state in {PlanState.PUBLISHED, PlanState.REVISING}, f"计划{state.label}，不能汇报")
    return [
        action("update", "修改", mine, permitted, (state is not PlanState.CLOSED, "计划已办结")),
        action("tasks", "编制任务", mine, permitted, editable),
        action("delete", "删除", mine, permitted, received, never),
        step(PlanAction.PUBLISH, (row["tasks"] > 0, "计划还没有任务")),
        step(PlanAction.REVISE),
        step(PlanAction.CLOSE),
        action("report", "汇报进展", mine, reports, open_),
    ]


async def require(session: AnySession, caller: Principal, plan_id: UUID) -> Plan:
    """The plan itself, for reads that need no more of it; `NotFound`."""
    found = await session.execute(select(Plan).where(Plan.id == plan_id, visible(caller)))
    plan = found.scalar_one_or_none()
    if plan is None:
        raise NotFound
    return plan


async def task_units(session: AnySession, *, plan_id: UUID) -> dict[UUID, list[PlanTaskUnitOut]]:
    """The units that each task of a plan names, the leading one first."""
    rows = await session.execute(
        select(PlanTaskUnit.task_id, PlanTaskUnit.unit_id, Unit.name.label("unit_name"), PlanTaskUnit.part)
        .join(PlanTask, PlanTask.id == PlanTaskUnit.task_id)
        .join(Unit, Unit.id == PlanTaskUnit.unit_id)
        .where(PlanTask.plan_id == plan_id)
        .order_by(PlanTaskUnit.task_id, PlanTaskUnit.position)
    )
    found: dict[UUID, list[PlanTaskUnitOut]] = defaultdict(list)
    for row in rows:
        found[row.task_id].append(PlanTaskUnitOut(unit_id=row.unit_id, unit_name=row.unit_name, part=row.part))
    return found


def in_order(tasks: Iterable[PlanTask]) -> list[tuple[PlanTask, str]]:
    """Tasks of a plan as a tree reads, each with its number (1, 1.1, 1.2, 2)."""
    children: dict[UUID | None, list[PlanTask]] = defaultdict(list)
    for task in sorted(tasks, key=lambda one: (one.position, one.id)):
        children[task.parent_id].append(task)
    found: list[tuple[PlanTask, str]] = []

    def walk(parent: UUID | None, prefix: str) -> None:
        for place, task in enumerate(children[parent], 1):
            found.append((task, f"{prefix}{place}"))
            walk(task.id, f"{prefix}{place}.")

    walk(None, "")
    return found


async def read_tree(session: AnySession, *, caller: Principal, plan_id: UUID) -> PlanTree:
    """All tasks of a plan with their lights. Four statements, whatever its size; `NotFound`."""
    plan = await require(session, caller, plan_id)
    tasks = (await session.execute(select(PlanTask).where(PlanTask.plan_id == plan_id))).scalars().all()
    units = await task_units(session, plan_id=plan_id)
    copy, own = aliased(PlanTask), aliased(PlanTask)
    received = await session.execute(
        select(copy.source_task_id, func.count())
        .join(own, own.id == copy.source_task_id)
        .where(own.plan_id == plan_id, ~copy.withdrawn)
        .group_by(copy.source_task_id)
    )
    receivers: dict[UUID | None, int] = {row[0]: row[1] for row in received}
    day = today()
    return PlanTree(
        plan_id=plan_id,
        today=day,
        tasks=[
            PlanTaskOut(
                id=task.id,
                parent_id=task.parent_id,
                depth=number.count(".") + 1,
                number=number,
                title=task.title,
                requirement=task.requirement,
                starts_on=task.starts_on,
                due_on=task.due_on,
                units=units.get(task.id, []),
                received=task.source_task_id is not None,
                withdrawn=task.withdrawn,
                progress=task.progress,
                done_on=task.done_on,
                light=light(due_on=task.due_on, done_on=task.done_on, today=day, warn_days=plan.warn_days),
                days_late=days_late(due_on=task.due_on, done_on=task.done_on, today=day),
                receivers=receivers.get(task.id, 0),
                version=task.version,
            )
            for task, number in in_order(tasks)
        ],
    )


async def reporters(session: AnySession, unit_ids: Iterable[UUID], *, permission: Permission) -> dict[UUID, list[UUID]]:
    """Who of each unit may do a thing: the people to tell."""
    rows = await session.execute(
        select(User.unit_id, User.id)
        .join(UserRole, UserRole.user_id == User.id)
        .join(Role, Role.id == UserRole.role_id)
        .where(User.unit_id.in_(list(unit_ids)), User.active, Role.permissions.contains([permission.value]))
        .distinct()
    )
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for unit_id, user_id in rows:
        found[unit_id].append(user_id)
    return found
