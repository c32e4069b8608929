"""Giving and revoking marks (A7): by a unit above the organiser alone, with a reason."""

from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.activities.events.models import ActivityMark
from wenming_api.activities.events.service import check_action, lock_activity, note_step
from wenming_api.activities.marks.schemas import MarkGive
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import IllegalTransition, check_judged
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify


async def change_mark(
    session: WriteSession, *, caller: Principal, activity_id: UUID, mark: MarkGive, give: bool
) -> None:
    """Give a mark, or take it back; what was revoked stays as history.

    Raises:
        Forbidden: the caller's unit does not stand above the organiser; `detail` says so.
        IllegalTransition: it has the mark already, or does not have it.
    """
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    check_judged(mark.version, one.version)
    await check_action(session, one, caller=caller, action="marks")
    standing = await session.scalar(
        select(ActivityMark).where(
            ActivityMark.activity_id == one.id, ActivityMark.kind == mark.kind, ActivityMark.revoked_at.is_(None)
        )
    )
    if (standing is not None) is give:
        has = "已是" if give else "不是"
        raise IllegalTransition(f"该活动{has}“{mark.kind.label}”。", allowed=["unmark" if give else "mark"])
    if standing is None:
        session.add(
            ActivityMark(
                activity_id=one.id,
                kind=mark.kind,
                unit_id=caller.unit_id,
                reason=mark.reason,
                given_by=caller.user_id,
            )
        )
        await notify(
            session,
            [one.owner_id],
            topic=Topic.ACTIVITY,
            title=f"活动“{one.title}”被评为{mark.kind.label}",
            body=mark.reason,
            target=("activity", one.id),
        )
    else:
        standing.revoked_at, standing.revoked_by = clock.now(), caller.user_id
        standing.revoke_reason = mark.reason
    one.updated_at = clock.now()
    await note_step(
        session,
        one,
        caller=caller,
        action="mark" if give else "unmark",
        details={"kind": mark.kind.value},
        reason=mark.reason,
    )
