"""Publishing plans downward: every receiving unit gets a copy, and what later revisions make of it (C1.1)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Conflict, check_judged
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify
from wenming_api.system.audit.service import entry, record, record_many
from wenming_api.workflow.plan_progress.service import settle_progress
from wenming_api.workflow.plan_releases.schemas import PlanPublish
from wenming_api.workflow.plan_tasks.service import check_units
from wenming_api.workflow.plans.models import Plan, PlanRevision, PlanTask
from wenming_api.workflow.plans.queries import in_order, reporters, task_units
from wenming_api.workflow.plans.rules import PlanAction, PlanState, TaskFacts, tasks_for
from wenming_api.workflow.plans.service import lock_plan, step

_COPIED = ("title", "requirement", "starts_on", "due_on", "position")


class PlanEmpty(Conflict):
    """There is nothing to publish."""

    code = "plan_empty"
    title = "计划还没有任务"


async def publish_plan(session: WriteSession, *, caller: Principal, plan_id: UUID, judged: PlanPublish) -> None:
    """Publish a draft or a revision: keep it as it is now, bring it to every receiving unit, tell them.

    Who received it before goes on receiving it. Raises NotFound, Forbidden, VersionMoved, IllegalTransition,
    PlanEmpty, InvalidInput (units).
    """
    plan = await lock_plan(session, caller=caller, plan_id=plan_id)
    check_judged(judged.version, plan.version)
    state = step(plan, PlanAction.PUBLISH)
    tasks = [
        task
        for task in (await session.execute(select(PlanTask).where(PlanTask.plan_id == plan_id))).scalars()
        if not task.withdrawn
    ]
    if not tasks:
        raise PlanEmpty("请先编制任务再发布。")
    named = await task_units(session, plan_id=plan_id)
    former = set(await session.scalars(select(Plan.unit_id).where(Plan.source_plan_id == plan_id)))
    wanted = {*judged.unit_ids, *former, *(unit.unit_id for units in named.values() for unit in units)}
    targets = await check_units(session, plan, sorted(wanted - {plan.unit_id}))
    plan.state, plan.published_at, plan.revision = state, clock.now(), plan.revision + 1
    session.add(
        PlanRevision(
            plan_id=plan_id,
            no=plan.revision,
            tasks=[
                _kept(task, number, [unit.model_dump(mode="json") for unit in named.get(task.id, [])])
                for task, number in in_order(tasks)
            ],
            unit_ids=sorted(targets),
            reason=judged.reason,
            made_by=caller.user_id,
        )
    )
    await session.flush()  # copies refer to what was published
    copies = await _deliver(session, caller, plan, tasks, named, targets)
    await settle_progress(session, plan_id)
    await record(
        session,
        caller=caller,
        action="plans.publish",
        target=("plan", plan_id),
        after={"revision": plan.revision, "units": len(targets), "tasks": len(tasks)},
        reason=judged.reason,
    )
    await _tell(session, plan, copies)


def _kept(task: PlanTask, number: str, units: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(task.id),
        "number": number,
        "parent_id": str(task.parent_id) if task.parent_id else None,
        "title": task.title,
        "requirement": task.requirement,
        "starts_on": task.starts_on.isoformat() if task.starts_on else None,
        "due_on": task.due_on.isoformat() if task.due_on else None,
        "units": units,
    }


async def _deliver(
    session: WriteSession,
    caller: Principal,
    plan: Plan,
    tasks: Sequence[PlanTask],
    named: Mapping[UUID, Sequence[Any]],
    targets: Mapping[UUID, Any],
) -> dict[UUID, UUID]:
    """Bring the tasks to the receiving units' copies; answers plan ids by unit."""
    rows = await session.execute(select(Plan.unit_id, Plan.id).where(Plan.source_plan_id == plan.id))
    copies: dict[UUID, UUID] = {row.unit_id: row.id for row in rows}
    now = clock.now()
    shared = {
        **{name: getattr(plan, name) for name in ("title", "year", "note", "warn_days", "root_id")},
        "state": PlanState.PUBLISHED,
        "revision": 0,
        "source_plan_id": plan.id,
        "published_at": now,
        "created_by": caller.user_id,
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }
    new = [
        {"id": uuid7(), "unit_id": unit.id, "unit_path": unit.unit_path, "region_path": unit.region_path, **shared}
        for unit in targets.values()
        if unit.id not in copies
    ]
    if new:
        await session.execute(insert(Plan), new)
        await record_many(
            session,
            [
                entry(
                    caller=caller,
                    action="plans.receive",
                    target=("plan", row["id"]),
                    after={"unit_id": str(row["unit_id"])},
                    context=("plan", plan.id),
                )
                for row in new
            ],
        )
    copies |= {row["unit_id"]: row["id"] for row in new}
    if copies:
        await _bring(session, tasks, named, copies)
    return copies


async def _bring(
    session: WriteSession,
    tasks: Sequence[PlanTask],
    named: Mapping[UUID, Sequence[Any]],
    copies: Mapping[UUID, UUID],
) -> None:
    """Make the received tasks of every copy what they are now: new ones, changed ones, withdrawn ones."""
    facts = [
        TaskFacts(task.id, task.parent_id, frozenset(unit.unit_id for unit in named.get(task.id, ()))) for task in tasks
    ]
    there: dict[tuple[UUID, UUID], PlanTask] = {}
    found = await session.execute(
        select(PlanTask).where(PlanTask.plan_id.in_(copies.values()), PlanTask.source_task_id.is_not(None))
    )
    for received in found.scalars():
        if received.source_task_id is not None:
            there[received.plan_id, received.source_task_id] = received
    now = clock.now()
    new: list[dict[str, Any]] = []
    ordered = [task for task, _ in in_order(tasks)]
    for unit_id, plan_id in copies.items():
        mine = tasks_for(unit_id, facts)
        ids = {task.id: there[plan_id, task.id].id if (plan_id, task.id) in there else uuid7() for task in tasks}
        for task in ordered:
            copy = there.pop((plan_id, task.id), None)
            if task.id not in mine:
                if copy is not None:
                    copy.withdrawn = True
                continue
            values = {name: getattr(task, name) for name in _COPIED}
            values["parent_id"] = ids[task.parent_id] if task.parent_id else None
            if copy is None and task.done_on is not None:
                continue  # done before it could be handed on: nobody below has to do it again
            if copy is None:
                new.append(
                    {"id": ids[task.id], "plan_id": plan_id, "source_task_id": task.id, "version": 1}
                    | {"progress": 0, "withdrawn": False, "created_at": now, "updated_at": now}
                    | values
                )
                continue
            for name, value in {**values, "withdrawn": False}.items():
                if getattr(copy, name) != value:
                    setattr(copy, name, value)
    for dropped in there.values():
        dropped.withdrawn = True
    await session.flush()  # changed rows before new ones that lie below them
    if new:
        await session.execute(insert(PlanTask), new)


async def _tell(session: WriteSession, plan: Plan, copies: Mapping[UUID, UUID]) -> None:
    people = await reporters(session, copies, permission=Permission.PLANS_REPORT)
    verb = "下发" if plan.revision == 1 else "修订"
    for unit_id, plan_id in copies.items():
        await notify(
            session,
            people.get(unit_id, []),
            topic=Topic.TASK,
            title=f"上级{verb}了计划",
            body=f"“{plan.title}”（{plan.year} 年）第 {plan.revision} 版，请查看任务、分解落实并汇报进展。",
            target=("plan", plan_id),
            dedupe_key=f"plan-published:{plan_id}:{plan.revision}",
        )
