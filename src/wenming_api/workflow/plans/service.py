"""Changes of plans: making, changing, removing; revising and closing (C1.1)."""

from uuid import UUID

from sqlalchemy import func, select

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Forbidden, IllegalTransition, NotFound, check_edited, check_judged
from wenming_api.system.audit.service import record
from wenming_api.workflow.plans.models import Plan
from wenming_api.workflow.plans.queries import holds, visible
from wenming_api.workflow.plans.rules import PlanAction, PlanState, allowed, next_state
from wenming_api.workflow.plans.schemas import PlanCreate, PlanPatch


async def create_plan(session: WriteSession, *, caller: Principal, new: PlanCreate) -> Plan:
    """A draft of the caller's own unit."""
    made = uuid7()
    plan = Plan(
        id=made,
        root_id=made,
        **new.model_dump(),
        unit_id=caller.unit_id,
        unit_path=caller.unit_path,
        region_path=caller.region_path,
        created_by=caller.user_id,
    )
    session.add(plan)
    await record(session, caller=caller, action="plans.create", target=("plan", made), after=new.model_dump())
    return plan


async def lock_plan(session: WriteSession, *, caller: Principal, plan_id: UUID) -> Plan:
    """The plan, locked, of a unit in the caller's scope. All plans of one line are changed one after the other.

    Raises:
        NotFound: the caller does not see it.
        Forbidden: he sees it because it names his unit; it is another unit's.
    """
    root = await session.scalar(select(Plan.root_id).where(Plan.id == plan_id, visible(caller)))
    if root is None:
        raise NotFound
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"plans:{root}", 0))))
    plan = (
        await session.execute(
            select(Plan).where(Plan.id == plan_id).with_for_update().execution_options(populate_existing=True)
        )
    ).scalar_one_or_none()
    if plan is None:
        raise NotFound
    if not holds(caller, plan.unit_path, plan.region_path):
        raise Forbidden("这是其他单位的计划，您可以查看，不能变更。")
    return plan


async def update_plan(
    session: WriteSession, *, caller: Principal, plan_id: UUID, version: int, changes: PlanPatch
) -> None:
    """Change title, note or warning days. Raises NotFound, Forbidden, StaleVersion, IllegalTransition (closed)."""
    plan = await lock_plan(session, caller=caller, plan_id=plan_id)
    check_edited(version, plan.version)
    if plan.state is PlanState.CLOSED:
        raise IllegalTransition("计划已办结，不能修改。", allowed=[])
    given = {name: value for name, value in changes.model_dump(exclude_unset=True).items() if value is not None}
    before = {name: getattr(plan, name) for name in given}
    for name, value in given.items():
        setattr(plan, name, value)
    await session.flush()  # the answer names the new version
    await record(session, caller=caller, action="plans.update", target=("plan", plan_id), before=before, after=given)


async def delete_plan(session: WriteSession, *, caller: Principal, plan_id: UUID, version: int) -> None:
    """Remove a plan that was never published. Raises NotFound, Forbidden, StaleVersion, IllegalTransition."""
    plan = await lock_plan(session, caller=caller, plan_id=plan_id)
    check_edited(version, plan.version)
    if plan.revision or plan.source_plan_id is not None:
        raise IllegalTransition("发布过或上级下发的计划不能删除。", allowed=[one.value for one in allowed(plan.state)])
    await session.delete(plan)
    await record(session, caller=caller, action="plans.delete", target=("plan", plan_id), before={"title": plan.title})


def step(plan: Plan, action: PlanAction) -> PlanState:
    """Where the action leads. Raises IllegalTransition, which says what may be done instead."""
    state = next_state(plan.state, action)
    if state is None:
        steps = allowed(plan.state)
        may = "、".join(one.label for one in steps) or "无"
        raise IllegalTransition(
            f"计划{plan.state.label}，不能{action.label}；当前可以：{may}。", allowed=[one.value for one in steps]
        )
    return state


async def change_state(
    session: WriteSession, *, caller: Principal, plan_id: UUID, action: PlanAction, judged: Transition
) -> None:
    """Begin a revision, or close the plan. Raises NotFound, Forbidden, VersionMoved, IllegalTransition."""
    plan = await lock_plan(session, caller=caller, plan_id=plan_id)
    check_judged(judged.version, plan.version)
    before = plan.state
    plan.state = step(plan, action)
    if plan.state is PlanState.CLOSED:
        plan.closed_at = clock.now()
    await session.flush()  # the answer names the new version
    await record(
        session,
        caller=caller,
        action=f"plans.{action.value}",
        target=("plan", plan_id),
        before={"state": before.value},
        after={"state": plan.state.value},
        reason=judged.reason,
    )
