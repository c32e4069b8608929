"""Changes of a plan's tasks, while it is a draft or being revised (C1.1)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Conflict, FieldError, IllegalTransition, InvalidInput, NotFound, check_edited
from wenming_api.system.audit.service import record
from wenming_api.system.units.models import Unit
from wenming_api.workflow.plan_tasks.schemas import PlanTaskCreate, PlanTaskMove, PlanTaskPatch
from wenming_api.workflow.plans.models import Plan, PlanReport, PlanTask, PlanTaskUnit
from wenming_api.workflow.plans.rules import (
    EDITABLE,
    MAX_DEPTH,
    MAX_TASKS,
    allowed,
    depth_of,
    height_of,
    would_circle,
)
from wenming_api.workflow.plans.service import lock_plan


class ReceivedTask(Conflict):
    """The task came from above: its receiver may divide it, not change it."""

    code = "received_task"
    title = "上级下发的任务不能修改"


class PlanTooLarge(Conflict):
    """A plan has at most 2,000 tasks, six levels deep."""

    code = "plan_too_large"
    title = "计划任务过多或层级过深"


def _check_editable(plan: Plan) -> None:
    if plan.state not in EDITABLE:
        steps = [one.value for one in allowed(plan.state)]
        raise IllegalTransition(f"计划{plan.state.label}，须先“修订”才能编制任务。", allowed=steps)


async def _parents(session: WriteSession, plan_id: UUID) -> dict[UUID, UUID | None]:
    rows = await session.execute(select(PlanTask.id, PlanTask.parent_id).where(PlanTask.plan_id == plan_id))
    return {row.id: row.parent_id for row in rows}


def _touch(plan: Plan) -> None:
    plan.updated_at = clock.now()


async def add_task(session: WriteSession, *, caller: Principal, plan_id: UUID, new: PlanTaskCreate) -> PlanTask:
    """Add a task as the last of its siblings.

    Raises:
        NotFound, Forbidden, IllegalTransition (the plan is not being edited), PlanTooLarge.
        InvalidInput: the parent is not of this plan, or a unit does not lie below the plan's.
    """
    plan = await lock_plan(session, caller=caller, plan_id=plan_id)
    _check_editable(plan)
    parents = await _parents(session, plan_id)
    if new.parent_id is not None and new.parent_id not in parents:
        raise InvalidInput(errors=[FieldError("/parent_id", "上级任务不存在")])
    if len(parents) >= MAX_TASKS or depth_of(new.parent_id, parents) + 1 > MAX_DEPTH:
        raise PlanTooLarge(f"一份计划最多 {MAX_TASKS} 项任务、{MAX_DEPTH} 级，请拆分计划或减少层级。")
    await check_units(session, plan, [one.unit_id for one in new.units])
    last = await session.scalar(
        select(func.coalesce(func.max(PlanTask.position), 0)).where(
            PlanTask.plan_id == plan_id, PlanTask.parent_id.is_not_distinct_from(new.parent_id)
        )
    )
    task = PlanTask(**new.model_dump(exclude={"units"}), id=uuid7(), plan_id=plan_id, position=(last or 0) + 1)
    session.add(task)
    _touch(plan)
    await session.flush()  # the units refer to the new row
    await _set_units(session, task.id, [one.model_dump() for one in new.units])
    await record(
        session,
        caller=caller,
        action="plans.tasks.add",
        target=("plan_task", task.id),
        after=new.model_dump(mode="json"),
        context=("plan", plan_id),
    )
    return task


async def check_units(session: WriteSession, plan: Plan, unit_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """The units, when each is in use and lies below the plan's unit (or is it)."""
    if not unit_ids:
        return {}
    rows = await session.execute(
        select(Unit.id, Unit.unit_path, Unit.region_path).where(
            Unit.id.in_(unit_ids), Unit.active, Unit.unit_path.startswith(plan.unit_path, autoescape=True)
        )
    )
    found = {row.id: row for row in rows}
    missing = [place for place, unit_id in enumerate(unit_ids) if unit_id not in found]
    if missing:
        raise InvalidInput(
            errors=[FieldError(f"/units/{place}", "单位不存在、已停用，或不在本单位之下") for place in missing]
        )
    return found


async def _set_units(session: WriteSession, task_id: UUID, units: Sequence[Mapping[str, Any]]) -> None:
    await session.execute(delete(PlanTaskUnit).where(PlanTaskUnit.task_id == task_id))
    if units:
        rows = [{"task_id": task_id, "position": place, **unit} for place, unit in enumerate(units, 1)]
        await session.execute(insert(PlanTaskUnit), rows)


async def _own_task(session: WriteSession, plan: Plan, task_id: UUID) -> PlanTask:
    task = (
        await session.execute(select(PlanTask).where(PlanTask.id == task_id, PlanTask.plan_id == plan.id))
    ).scalar_one_or_none()
    if task is None:
        raise NotFound("任务不存在，或不属于此计划。")
    return task


def _check_not_received(task: PlanTask) -> None:
    if task.source_task_id is not None and not task.withdrawn:
        raise ReceivedTask("此任务由上级下发，可以在其下分解任务，不能修改或删除。")


async def update_task(
    session: WriteSession, *, caller: Principal, plan_id: UUID, task_id: UUID, version: int, changes: PlanTaskPatch
) -> None:
    """Change a task of one's own. Raises as `add_task`, and StaleVersion, ReceivedTask."""
    plan = await lock_plan(session, caller=caller, plan_id=plan_id)
    task = await _own_task(session, plan, task_id)
    check_edited(version, task.version)
    _check_editable(plan)
    _check_not_received(task)
    given = changes.model_dump(exclude_unset=True, exclude={"units"})
    if empty := [
        FieldError(f"/{name}", "不能为空") for name in ("title", "requirement") if given.get(name, "") is None
    ]:
        raise InvalidInput(errors=empty)
    before = {name: getattr(task, name) for name in given}
    for name, value in given.items():
        setattr(task, name, value)
    if task.starts_on and task.due_on and task.starts_on > task.due_on:
        raise InvalidInput(errors=[FieldError("/due_on", "完成时限不能早于开始日期")])
    task.updated_at = clock.now()
    _touch(plan)
    await session.flush()  # the answer names the new version
    if changes.units is not None:
        await check_units(session, plan, [one.unit_id for one in changes.units])
        await _set_units(session, task_id, [one.model_dump() for one in changes.units])
    await record(
        session,
        caller=caller,
        action="plans.tasks.update",
        target=("plan_task", task_id),
        before=before,
        after=changes.model_dump(mode="json", exclude_unset=True),
        context=("plan", plan_id),
    )


async def move_task(
    session: WriteSession, *, caller: Principal, plan_id: UUID, task_id: UUID, version: int, to: PlanTaskMove
) -> None:
    """Put a task of one's own below another, or in another place. Raises as `update_task`."""
    plan = await lock_plan(session, caller=caller, plan_id=plan_id)
    task = await _own_task(session, plan, task_id)
    check_edited(version, task.version)
    _check_editable(plan)
    _check_not_received(task)
    parents = await _parents(session, plan_id)
    if to.parent_id is not None and to.parent_id not in parents:
        raise InvalidInput(errors=[FieldError("/parent_id", "上级任务不存在")])
    if would_circle(task_id, to.parent_id, parents):
        raise InvalidInput(errors=[FieldError("/parent_id", "不能移到自己或自己的下级任务之下")])
    if depth_of(to.parent_id, parents) + height_of(task_id, parents) > MAX_DEPTH:
        raise PlanTooLarge(f"移动后层级超过 {MAX_DEPTH} 级。")
    siblings = (
        await session.execute(
            select(PlanTask)
            .where(
                PlanTask.plan_id == plan_id,
                PlanTask.parent_id.is_not_distinct_from(to.parent_id),
                PlanTask.id != task_id,
            )
            .order_by(PlanTask.position, PlanTask.id)
        )
    ).scalars()
    ordered = list(siblings)
    ordered.insert(min(to.position - 1, len(ordered)), task)
    task.parent_id, task.updated_at = to.parent_id, clock.now()
    for place, one in enumerate(ordered, 1):
        one.position = place
    _touch(plan)
    await session.flush()  # the answer names the new versions
    await record(
        session,
        caller=caller,
        action="plans.tasks.move",
        target=("plan_task", task_id),
        after=to.model_dump(mode="json"),
        context=("plan", plan_id),
    )


async def remove_task(session: WriteSession, *, caller: Principal, plan_id: UUID, task_id: UUID, version: int) -> None:
    """Remove a task of one's own and what lies below it, unless progress was reported there or units received it: a
    revision that drops such a task withdraws it instead. Raises as `update_task`."""
    plan = await lock_plan(session, caller=caller, plan_id=plan_id)
    task = await _own_task(session, plan, task_id)
    check_edited(version, task.version)
    _check_editable(plan)
    _check_not_received(task)
    parents = await _parents(session, plan_id)
    below = [one for one in parents if one == task_id or would_circle(task_id, one, parents)]
    copies = aliased(PlanTask)
    kept = await session.scalar(
        select(func.count())
        .select_from(PlanTask)
        .where(
            PlanTask.id.in_(below),
            select(copies.id).where(copies.source_task_id == PlanTask.id).exists()
            | select(PlanReport.id).where(PlanReport.task_id == PlanTask.id).exists()
            | PlanTask.source_task_id.is_not(None),
        )
    )
    if kept:
        await session.execute(update(PlanTask).where(PlanTask.id.in_(below)).values(withdrawn=True))
    else:
        await session.execute(delete(PlanTask).where(PlanTask.id.in_(below)))
    session.expunge(task)
    _touch(plan)
    await record(
        session,
        caller=caller,
        action="plans.tasks.withdraw" if kept else "plans.tasks.remove",
        target=("plan_task", task_id),
        before={"title": task.title},
        context=("plan", plan_id),
    )
