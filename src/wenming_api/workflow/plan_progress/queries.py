"""Reads of progress: what was reported, and plan against reality."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User
from wenming_api.workflow.plan_progress.schemas import (
    PlanComparedTask,
    PlanComparison,
    PlanReceiverOut,
    PlanReportOut,
    PlanReportSort,
)
from wenming_api.workflow.plans.models import Plan, PlanReport, PlanTask
from wenming_api.workflow.plans.queries import in_order, require, today
from wenming_api.workflow.plans.rules import PlanLight, days_late, light


def _reports() -> Any:
    return (
        select(
            *(PlanReport.id, PlanReport.task_id, PlanReport.progress, PlanReport.text, PlanReport.file_ids),
            *(Unit.name.label("unit_name"), User.display_name.label("reported_by_name"), PlanReport.reported_at),
        )
        .join(PlanTask, PlanTask.id == PlanReport.task_id)
        .join(Plan, Plan.id == PlanTask.plan_id)
        .join(Unit, Unit.id == Plan.unit_id)
        .join(User, User.id == PlanReport.reported_by)
    )


async def read_report(session: AnySession, *, report_id: UUID) -> PlanReportOut:
    """A report that was just made."""
    found = await session.execute(_reports().where(PlanReport.id == report_id))
    return PlanReportOut.model_validate(dict(found.mappings().one()))


async def list_reports(
    session: AnySession, *, caller: Principal, plan_id: UUID, task_id: UUID, params: PageParams, sort: PlanReportSort
) -> Page[PlanReportOut]:
    """What was reported on a task, by its plan's unit and by the units that received it."""
    await require(session, caller, plan_id)
    own = aliased(PlanTask)
    mine = exists().where(own.id == task_id, own.plan_id == plan_id)
    statement = _reports().where(or_(PlanTask.id == task_id, PlanTask.source_task_id == task_id), mine)
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns={"reported_at": PlanReport.reported_at},
        key=PlanReport.id,
        into=PlanReportOut,
    )


async def compare(session: AnySession, *, caller: Principal, plan_id: UUID) -> PlanComparison:
    """Plan and reality: every task, and what each unit that received it made of it. Three statements; `NotFound`."""
    plan = await require(session, caller, plan_id)
    tasks = (await session.execute(select(PlanTask).where(PlanTask.plan_id == plan_id, ~PlanTask.withdrawn))).scalars()
    copy, own = aliased(PlanTask), aliased(PlanTask)
    rows = await session.execute(
        select(
            *(copy.source_task_id, copy.id, copy.plan_id, copy.progress, copy.done_on, copy.due_on),
            *(Plan.unit_id, Unit.name.label("unit_name")),
        )
        .join(own, own.id == copy.source_task_id)
        .join(Plan, Plan.id == copy.plan_id)
        .join(Unit, Unit.id == Plan.unit_id)
        .where(own.plan_id == plan_id, ~copy.withdrawn)
        .order_by(Plan.region_path, Unit.number)
    )
    day = today()

    def standing(row: Any) -> dict[str, Any]:
        return {
            "progress": row.progress,
            "done_on": row.done_on,
            "light": light(due_on=row.due_on, done_on=row.done_on, today=day, warn_days=plan.warn_days),
            "days_late": days_late(due_on=row.due_on, done_on=row.done_on, today=day),
        }

    received: dict[UUID | None, list[PlanReceiverOut]] = defaultdict(list)
    for row in rows:
        received[row.source_task_id].append(
            PlanReceiverOut(
                task_id=row.id, plan_id=row.plan_id, unit_id=row.unit_id, unit_name=row.unit_name, **standing(row)
            )
        )
    ordered = in_order(tasks)
    inner = {task.parent_id for task, _ in ordered}
    compared = [
        PlanComparedTask(
            task_id=task.id,
            number=number,
            title=task.title,
            due_on=task.due_on,
            receivers=received.get(task.id, []),
            **standing(task),
        )
        for task, number in ordered
    ]
    leaves = [one for one in compared if one.task_id not in inner]
    return PlanComparison(
        plan_id=plan_id,
        today=day,
        lights={which: sum(one.light is which for one in leaves) for which in PlanLight},
        done=sum(one.done_on is not None for one in leaves),
        done_late=sum(one.done_on is not None and one.days_late > 0 for one in leaves),
        tasks=compared,
    )
