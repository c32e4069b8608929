"""Attaching activities to others (A6). No activity becomes part of itself, however many attach at once."""

from uuid import UUID

from sqlalchemy import delete, exists, func, select

from wenming_api.access.principal import Principal
from wenming_api.activities.events.models import Activity, ActivityLink
from wenming_api.activities.events.queries import visible
from wenming_api.activities.events.service import lock_activity, note_step
from wenming_api.activities.sub_activities.rules import MAX_PARENTS, would_circle
from wenming_api.activities.sub_activities.schemas import SubActivityAttach
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import Conflict, FieldError, Forbidden, InvalidInput, check_judged
from wenming_api.ledgers.submissions.models import Submission
from wenming_api.ledgers.submissions.rules import IN_FORCE

_TREE_LOCK = 0xAC71


class WouldCircle(Conflict):
    """The activity would become part of itself."""

    code = "activity_would_circle"
    title = "活动不能成为自己的子活动"


class LinkUnchanged(Conflict):
    """It is attached already, or is not."""

    code = "activity_link_unchanged"
    title = "上下级关系没有变化"


async def change_link(
    session: WriteSession, *, caller: Principal, activity_id: UUID, change: SubActivityAttach, attach: bool
) -> None:
    """Attach an activity to one of the caller's unit, or detach it.

    The child is the unit's own, or one whose record the unit has accepted.

    Raises:
        Forbidden: the parent is not the caller's unit's.
        InvalidInput: the child is not there, or was not accepted by this unit.
        WouldCircle, LinkUnchanged.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_TREE_LOCK)))  # links are changed one after the other
    parent = await lock_activity(session, caller=caller, activity_id=activity_id)
    check_judged(change.version, parent.version)
    if parent.unit_id != caller.unit_id:
        raise Forbidden("只有上级活动的主办单位可以设置子活动。")
    child = await session.scalar(select(Activity).where(Activity.id == change.child_id, visible(caller)))
    if child is None:
        raise InvalidInput(errors=[FieldError("/child_id", "活动不存在，或不在您的数据范围内")])
    link = await session.get(ActivityLink, (parent.id, child.id))
    if (link is not None) is attach:
        raise LinkUnchanged("已是子活动。" if attach else "不是子活动。")
    if attach:
        await _check_child(session, caller=caller, parent=parent, child=child)
        session.add(
            ActivityLink(parent_id=parent.id, child_id=child.id, attached_by=caller.user_id, reason=change.reason)
        )
    else:
        await session.execute(
            delete(ActivityLink).where(ActivityLink.parent_id == parent.id, ActivityLink.child_id == child.id)
        )
    parent.updated_at = clock.now()
    await note_step(
        session,
        parent,
        caller=caller,
        action="attach" if attach else "detach",
        details={"child_id": str(child.id), "title": child.title},
        reason=change.reason,
    )


async def _check_child(session: WriteSession, *, caller: Principal, parent: Activity, child: Activity) -> None:
    if child.unit_id != caller.unit_id:
        accepted = exists().where(
            Submission.record_id == child.record_id,
            Submission.receiver_unit_id == caller.unit_id,
            Submission.state.in_(IN_FORCE),
        )
        if child.record_id is None or not await session.scalar(select(accepted)):
            raise InvalidInput(errors=[FieldError("/child_id", "本单位审核通过其台账后，才能列为子活动")])
    links = await session.execute(select(ActivityLink.child_id, ActivityLink.parent_id))
    parents: dict[UUID, set[UUID]] = {}
    for below, above in links:
        parents.setdefault(below, set()).add(above)
    if would_circle(parents, parent=parent.id, child=child.id):
        raise WouldCircle("该活动已在其上级之中，不能互为子活动。")
    if len(parents.get(child.id, ())) >= MAX_PARENTS:
        raise InvalidInput(errors=[FieldError("/child_id", f"一项活动最多属于 {MAX_PARENTS} 项上级活动")])
