"""Changes of activities (A2.1, A3.3). Who may is said once, by `queries.allowed_actions`."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from wenming_api.access.principal import Principal
from wenming_api.activities.events.models import Activity, ActivityNode, ActivityPartner, ActivityStep
from wenming_api.activities.events.queries import allowed_actions, visible
from wenming_api.activities.events.rules import (
    ActivityAction,
    ActivityState,
    allowed_from,
    dates_problem,
    next_state,
    refusal_of,
)
from wenming_api.activities.events.schemas import ActivityPlan, PlanDecision, PlanSubmission, Postponement
from wenming_api.activities.templates.models import ActivityTemplateVersion
from wenming_api.activities.templates.queries import fields_of, find_active
from wenming_api.activities.templates.rules import Phase, field_problems
from wenming_api.activities.templates.service import CATEGORY, check_nodes
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
from wenming_api.kit.problems import (
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_edited,
    check_judged,
)
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify
from wenming_api.system.audit.service import record
from wenming_api.system.dictionaries.queries import unusable_codes
from wenming_api.system.units.models import Unit
from wenming_api.workflow.approvals import service as approvals
from wenming_api.workflow.approvals.queries import standings
from wenming_api.workflow.approvals.rules import ApprovalState, Decision, Standing, Subject

_PLAIN = {"title", "kind", "starts_at", "ends_at", "place", "longitude", "latitude", "expected", "purpose", "fields"}


async def _checked(session: WriteSession, plan: ActivityPlan, *, caller: Principal) -> dict[str, Any]:
    """The columns of a plan; `InvalidInput` names what is wrong with it."""
    errors = await check_nodes(session, plan.node_ids, caller=caller)
    today = clock.at_the_edge(clock.now()).date()
    if wrong := dates_problem(plan.kind, clock.at_the_edge(plan.starts_at), clock.at_the_edge(plan.ends_at), today):
        errors.append(FieldError("/ends_at", wrong))
    if (plan.longitude is None) != (plan.latitude is None):
        errors.append(FieldError("/longitude", "经度与纬度须同时填写"))
    version: ActivityTemplateVersion | None = None
    activity_type = plan.activity_type or "other"
    if plan.template_id is not None:
        found = await find_active(session, caller=caller, template_id=plan.template_id)
        if found is None:
            errors.append(FieldError("/template_id", "模板不存在、已停用，或不供本单位使用"))
        else:
            version, activity_type = found
    elif plan.activity_type and await unusable_codes(session, [(CATEGORY, plan.activity_type)]):
        errors.append(FieldError("/activity_type", "字典中没有这个活动类别，或已停用"))
    wrong_fields = field_problems(fields_of(version), plan.fields, phase=Phase.PLAN)
    errors += [FieldError(f"/fields/{each.key}", each.message) for each in wrong_fields]
    partners = set(plan.partner_ids)
    known = set(await session.scalars(select(Unit.id).where(Unit.id.in_(partners), Unit.active))) if partners else set()
    if partners - known or caller.unit_id in partners:
        errors.append(FieldError("/partner_ids", "协办单位须是其他在用单位"))
    if errors:
        raise InvalidInput(errors=errors)
    return {
        **plan.model_dump(include=_PLAIN),
        "activity_type": activity_type,
        "template_version_id": version.id if version else None,
    }


async def _keep_lists(session: WriteSession, activity_id: UUID, plan: ActivityPlan) -> None:
    await session.execute(delete(ActivityNode).where(ActivityNode.activity_id == activity_id))
    await session.execute(delete(ActivityPartner).where(ActivityPartner.activity_id == activity_id))
    session.add_all(
        ActivityNode(activity_id=activity_id, node_id=node, position=no) for no, node in enumerate(plan.node_ids)
    )
    session.add_all(ActivityPartner(activity_id=activity_id, unit_id=unit) for unit in set(plan.partner_ids))


async def note_step(
    session: WriteSession,
    one: Activity,
    *,
    caller: Principal,
    action: str,
    before: ActivityState | None = None,
    details: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Keep a step in the activity's history and in the audit log. The activity is locked, so its numbers are dense."""
    last = await session.scalar(select(func.max(ActivityStep.no)).where(ActivityStep.activity_id == one.id))
    session.add(
        ActivityStep(
            activity_id=one.id,
            no=(last or 0) + 1,
            action=action,
            state=one.state,
            details=details or {},
            reason=reason,
            by_id=caller.user_id,
            by_name=caller.display_name,
        )
    )
    await session.flush()  # the answer carries the new version and the step
    await record(
        session,
        caller=caller,
        action=f"activities.{action}",
        target=("activity", one.id),
        before={"state": before} if before else None,
        after={"state": one.state, **(details or {})},
        reason=reason,
        context=("activity", one.id),
    )


async def lock_activity(session: WriteSession, *, caller: Principal, activity_id: UUID) -> Activity:
    """The activity until this transaction ends; `NotFound` outside the scope."""
    found = await session.scalar(
        select(Activity)
        .where(Activity.id == activity_id, visible(caller))
        .with_for_update(of=Activity)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


async def _standing(session: WriteSession, one: Activity, caller: Principal) -> Standing | None:
    if one.approval_id is None or one.state is not ActivityState.IN_APPROVAL:
        return None
    return (await standings(session, caller=caller, approval_ids=[one.approval_id])).get(one.approval_id)


async def check_action(session: WriteSession, one: Activity, *, caller: Principal, action: str) -> Standing | None:
    """`IllegalTransition` by the state, `Forbidden` by anything else that the detail's allowed actions ask for."""
    if action in set(ActivityAction):
        refusal = refusal_of(ActivityAction(action), one.state, one.kind)
        if refusal is not None:
            raise IllegalTransition(f"{refusal}。", allowed=allowed_from(one.state, one.kind))
    standing = await _standing(session, one, caller)
    listed = allowed_actions(one, caller=caller, standing=standing)
    found = next(each for each in listed if each.action == action)
    if not found.allowed:
        raise Forbidden(f"{found.why_not}。")
    return standing


async def create_activity(session: WriteSession, *, caller: Principal, plan: ActivityPlan) -> Activity:
    """Plan an activity of the caller's unit."""
    values = await _checked(session, plan, caller=caller)
    one = Activity(
        **values,
        unit_id=caller.unit_id,
        unit_path=caller.unit_path,
        region_path=caller.region_path,
        owner_id=caller.user_id,
        state=ActivityState.PLANNED,
        state_since=clock.now(),
    )
    session.add(one)
    await session.flush()  # its categories refer to it
    await _keep_lists(session, one.id, plan)
    await note_step(session, one, caller=caller, action="create", details={"title": one.title, "kind": one.kind.value})
    return one


async def update_activity(
    session: WriteSession, *, caller: Principal, activity_id: UUID, version: int, plan: ActivityPlan
) -> Activity:
    """Replace the plan before it is approved or carried out."""
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    check_edited(version, one.version)
    await check_action(session, one, caller=caller, action="update")
    values = await _checked(session, plan, caller=caller)
    changed = sorted(name for name, value in values.items() if getattr(one, name) != value)
    for name, value in values.items():
        setattr(one, name, value)
    one.updated_at = clock.now()
    await _keep_lists(session, one.id, plan)
    await note_step(session, one, caller=caller, action="update", details={"fields": changed})
    return one


async def _move(
    session: WriteSession, one: Activity, *, caller: Principal, action: ActivityAction, reason: str | None, **more: Any
) -> None:
    before = one.state
    one.state = more.pop("to", None) or next_state(action, one.state, one.kind)
    one.state_since = clock.now()
    one.reason = reason or one.reason
    await note_step(session, one, caller=caller, action=action.value, before=before, reason=reason, **more)


async def submit_plan(session: WriteSession, *, caller: Principal, activity_id: UUID, judged: PlanSubmission) -> None:
    """Send a plan for approval; only the kind that needs one."""
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    check_judged(judged.version, one.version)
    await check_action(session, one, caller=caller, action="submit")
    standing = await approvals.start(
        session,
        caller=caller,
        subject=Subject(
            kind="activity",
            id=one.id,
            version=one.version,
            title=one.title,
            unit_id=one.unit_id,
            author_id=caller.user_id,
        ),
    )
    one.approval_id = standing.id
    await _move(session, one, caller=caller, action=ActivityAction.SUBMIT, reason=None)


async def decide_plan(
    session: WriteSession, *, caller: Principal, activity_id: UUID, approve: bool, judged: PlanDecision | Transition
) -> None:
    """Approve or return a plan at the caller's step; of two at once, one decides."""
    action = ActivityAction.APPROVE if approve else ActivityAction.RETURN
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    check_judged(judged.version, one.version)
    standing = await check_action(session, one, caller=caller, action=action.value)
    if standing is None:
        raise IllegalTransition("计划不在审批中。", allowed=allowed_from(one.state, one.kind))
    after = await approvals.decide(
        session,
        caller=caller,
        approval_id=standing.id,
        judged=standing.version,
        decision=Decision.APPROVE if approve else Decision.RETURN,
        reason=judged.reason,
    )
    to = ActivityState.IN_APPROVAL if after.state is ApprovalState.PENDING else None
    await _move(session, one, caller=caller, action=action, reason=judged.reason, to=to)
    if to is None:
        await notify(
            session,
            [one.owner_id],
            topic=Topic.ACTIVITY,
            title=f"活动计划“{one.title}”{'已批准' if approve else '被退回'}",
            body=judged.reason or "",
            target=("activity", one.id),
        )


async def end_plan(
    session: WriteSession, *, caller: Principal, activity_id: UUID, action: ActivityAction, judged: Transition
) -> None:
    """Recall a plan from approval, or cancel the activity; a pending approval ends with it."""
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    check_judged(judged.version, one.version)
    standing = await check_action(session, one, caller=caller, action=action.value)
    if standing is not None:
        await approvals.cancel(session, caller=caller, approval_id=standing.id, reason=judged.reason)
    await _move(session, one, caller=caller, action=action, reason=judged.reason)


async def postpone_activity(
    session: WriteSession, *, caller: Principal, activity_id: UUID, judged: Postponement
) -> None:
    """Give an activity other times, with a reason; its state stays."""
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    check_judged(judged.version, one.version)
    await check_action(session, one, caller=caller, action="postpone")
    today = clock.at_the_edge(clock.now()).date()
    starts, ends = clock.at_the_edge(judged.starts_at), clock.at_the_edge(judged.ends_at)
    if wrong := dates_problem(one.kind, starts, ends, today):
        raise InvalidInput(errors=[FieldError("/ends_at", wrong)])
    details = {
        "from": [clock.at_the_edge(one.starts_at).isoformat(), clock.at_the_edge(one.ends_at).isoformat()],
        "to": [starts.isoformat(), ends.isoformat()],
    }
    one.starts_at, one.ends_at = judged.starts_at, judged.ends_at
    one.updated_at = clock.now()
    await note_step(session, one, caller=caller, action="postpone", details=details, reason=judged.reason)
