"""Progress: reporting it, and bringing it up to where the plan came from (C1.1)."""

from collections.abc import Iterable
from itertools import groupby
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Conflict, FieldError, IllegalTransition, InvalidInput, NotFound
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify
from wenming_api.system.audit.service import record
from wenming_api.system.files.queries import facts
from wenming_api.system.files.rules import FileState
from wenming_api.system.files.service import hold
from wenming_api.workflow.plan_progress.schemas import PlanReportCreate
from wenming_api.workflow.plans.models import Plan, PlanReport, PlanTask
from wenming_api.workflow.plans.queries import reporters, today
from wenming_api.workflow.plans.rules import REPORTABLE, Standing, allowed, roll_up, together
from wenming_api.workflow.plans.service import lock_plan

_REMINDED_AT_ONCE = 5_000


class ReportedElsewhere(Conflict):
    """The task has parts, or units that received it: its progress follows from theirs."""

    code = "reported_elsewhere"
    title = "此任务的进展由下级汇总"


async def report(
    session: WriteSession, *, caller: Principal, plan_id: UUID, task_id: UUID, new: PlanReportCreate
) -> UUID:
    """Report on a task of one's unit's plan; answers the report's id.

    Raises:
        NotFound, Forbidden (another unit's plan), IllegalTransition (not published, or closed).
        ReportedElsewhere: progress comes from its parts or its receivers.
        InvalidInput: a file is not the caller's own, or was put into quarantine.
    """
    plan = await lock_plan(session, caller=caller, plan_id=plan_id)
    if plan.state not in REPORTABLE:
        steps = [one.value for one in allowed(plan.state)]
        raise IllegalTransition(f"计划{plan.state.label}，不能汇报进展。", allowed=steps)
    below = select(PlanTask.id).where(
        (PlanTask.parent_id == task_id) | (PlanTask.source_task_id == task_id), ~PlanTask.withdrawn
    )
    found = await session.execute(
        select(PlanTask.withdrawn, below.exists().label("inner")).where(
            PlanTask.id == task_id, PlanTask.plan_id == plan_id
        )
    )
    task = found.one_or_none()
    if task is None or task.withdrawn:
        raise NotFound("任务不存在，或已由上级取消。")
    if task.inner:
        raise ReportedElsewhere("请在下级任务中汇报，或由接收单位汇报。")
    known = await facts(session, new.file_ids)
    wrong = [
        FieldError(f"/file_ids/{place}", "文件不存在、不是本人上传的，或未通过检查")
        for place, file_id in enumerate(new.file_ids)
        if file_id not in known
        or known[file_id].owner_id != caller.user_id
        or known[file_id].state is FileState.QUARANTINED
    ]
    if wrong:
        raise InvalidInput(errors=wrong)
    made = PlanReport(id=uuid7(), task_id=task_id, reported_by=caller.user_id, **new.model_dump())
    session.add(made)
    await session.flush()  # progress is counted from what is there
    await hold(session, new.file_ids)
    await settle_progress(session, plan_id)
    await record(
        session,
        caller=caller,
        action="plans.report",
        target=("plan_task", task_id),
        after=new.model_dump(mode="json"),
        context=("plan", plan_id),
    )
    return made.id


async def settle_progress(session: WriteSession, plan_id: UUID) -> None:
    """Bring the progress of a plan's tasks up to date, then that of the plan it came from, and so on upward.

    The caller holds the lock of the line (`lock_plan`).
    """
    at: UUID | None = plan_id
    while at is not None:
        tasks = {
            task.id: task
            for task in (
                await session.execute(select(PlanTask).where(PlanTask.plan_id == at, ~PlanTask.withdrawn))
            ).scalars()
        }
        standings = roll_up(
            {task.id: task.parent_id if task.parent_id in tasks else None for task in tasks.values()},
            await _reported(session, tasks),
            await _received(session, tasks),
        )
        for task_id, standing in standings.items():
            task = tasks[task_id]
            if (task.progress, task.done_on) != (standing.progress, standing.done_on):
                task.progress, task.done_on = standing.progress, standing.done_on
        await session.flush()  # the plan above reads what was settled here
        at = await session.scalar(select(Plan.source_plan_id).where(Plan.id == at))


async def _reported(session: WriteSession, task_ids: Iterable[UUID]) -> dict[UUID, Standing]:
    rows = await session.execute(
        select(PlanReport.task_id, PlanReport.progress, PlanReport.reported_at)
        .ext(distinct_on(PlanReport.task_id))
        .where(PlanReport.task_id.in_(list(task_ids)))
        .order_by(PlanReport.task_id, PlanReport.id.desc())
    )
    return {
        row.task_id: Standing(row.progress, clock.at_the_edge(row.reported_at).date() if row.progress == 100 else None)
        for row in rows
    }


async def _received(session: WriteSession, task_ids: Iterable[UUID]) -> dict[UUID, Standing]:
    undone = func.count().filter(PlanTask.done_on.is_(None))
    rows = await session.execute(
        select(
            PlanTask.source_task_id,
            func.count().label("parts"),
            func.sum(PlanTask.progress).label("total"),
            undone.label("undone"),
            func.max(PlanTask.done_on).label("latest"),
        )
        .where(PlanTask.source_task_id.in_(list(task_ids)), ~PlanTask.withdrawn)
        .group_by(PlanTask.source_task_id)
    )
    return {
        row.source_task_id: together(count=row.parts, total=row.total, undone=row.undone, latest=row.latest)
        for row in rows
    }


async def remind_of_due_tasks(session: WriteSession) -> int:
    """Remind the units that hold unfinished tasks which are nearly or past due, once a day each; answers how many
    tasks were named."""
    day = today()
    below = aliased(PlanTask)
    inner = select(below.id).where(
        (below.parent_id == PlanTask.id) | (below.source_task_id == PlanTask.id), ~below.withdrawn
    )
    rows = await session.execute(
        select(PlanTask.id, PlanTask.title, PlanTask.due_on, Plan.id.label("plan_id"), Plan.unit_id)
        .join(Plan, Plan.id == PlanTask.plan_id)
        .where(
            PlanTask.done_on.is_(None),
            PlanTask.due_on - Plan.warn_days <= day,
            ~PlanTask.withdrawn,
            ~inner.exists(),
            Plan.state.in_(REPORTABLE),
            PlanTask.reminded_on.is_distinct_from(day),
        )
        .order_by(Plan.unit_id, PlanTask.due_on, PlanTask.id)
        .limit(_REMINDED_AT_ONCE)
        .with_for_update(of=PlanTask, skip_locked=True)
    )
    due = rows.all()
    if not due:
        return 0
    people = await reporters(session, {row.unit_id for row in due}, permission=Permission.PLANS_REPORT)
    for unit_id, theirs in groupby(due, key=lambda row: row.unit_id):
        tasks = list(theirs)
        lines = [f"{'已逾期' if row.due_on < day else '将到期'}：{row.title}（时限 {row.due_on}）" for row in tasks]
        await notify(
            session,
            people.get(unit_id, []),
            topic=Topic.TASK,
            title=f"有 {len(tasks)} 项计划任务临近到期或已逾期",
            body="\n".join(lines),
            target=("plan", tasks[0].plan_id),
            dedupe_key=f"plan-due:{unit_id}:{day}",
        )
    await session.execute(
        update(PlanTask)
        .where(PlanTask.id.in_([row.id for row in due]))
        .values(reminded_on=day)
        .execution_options(synchronize_session=False)
    )
    return len(due)
