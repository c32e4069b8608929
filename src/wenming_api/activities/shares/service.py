"""Changes of shares (A3.5): released first, shared then, revoked at any time."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.activities.contents.models import ActivityContent
from wenming_api.activities.events.service import check_action, lock_activity, note_step
from wenming_api.activities.shares.models import ActivityShare
from wenming_api.activities.shares.rules import new_token, summary
from wenming_api.activities.shares.schemas import ShareCreate
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
from wenming_api.kit.problems import (
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_judged,
)
from wenming_api.ledgers.contents.schemas import Content
from wenming_api.system.units.models import Unit


async def set_released(
    session: WriteSession, *, caller: Principal, activity_id: UUID, judged: Transition, released: bool
) -> None:
    """Let an activity be shown to the public, or end that: every share of it is closed with it."""
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    check_judged(judged.version, one.version)
    if released:
        await check_action(session, one, caller=caller, action="release")
    elif one.released_at is None:
        raise IllegalTransition("活动没有对外分享。", allowed=["release"])
    one.released_at = clock.now() if released else None
    one.released_by = caller.user_id if released else None
    await note_step(session, one, caller=caller, action="release" if released else "withhold", reason=judged.reason)


async def create_share(
    session: WriteSession, *, caller: Principal, activity_id: UUID, new: ShareCreate
) -> ActivityShare:
    """Make a public page of a released activity. What it shows is chosen here: no participant, no caption."""
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    await check_action(session, one, caller=caller, action="shares")
    kept = await session.get_one(ActivityContent, (one.id, one.content_no))
    content = Content.model_validate(kept.content)
    if new.file_id is not None and new.file_id not in {photo.file_id for photo in content.photos}:
        raise InvalidInput(errors=[FieldError("/file_id", "须是该活动的照片")])
    unit = await session.get_one(Unit, one.unit_id)
    share = ActivityShare(
        activity_id=one.id,
        token=new_token(),
        card={
            "title": content.title,
            "summary": summary(new.summary),
            "unit_name": unit.name,
            "held_on": clock.at_the_edge(one.starts_at).date().isoformat(),
            "place": one.place,
        },
        file_id=new.file_id,
        expires_at=clock.now() + timedelta(days=new.days),
        made_by=caller.user_id,
    )
    session.add(share)
    await note_step(session, one, caller=caller, action="share", details={"days": new.days})
    return share


async def revoke_share(
    session: WriteSession, *, caller: Principal, activity_id: UUID, share_id: UUID, judged: Transition
) -> None:
    """Close a share for good."""
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    share = await session.scalar(
        select(ActivityShare).where(ActivityShare.id == share_id, ActivityShare.activity_id == one.id)
    )
    if share is None:
        raise NotFound
    if caller.unit_id != one.unit_id:
        raise Forbidden("只有主办单位可以撤销分享。")
    check_judged(judged.version, share.version)
    if share.revoked_at is not None:
        raise IllegalTransition("分享已撤销。", allowed=[])
    share.revoked_at, share.revoked_by, share.revoke_reason = clock.now(), caller.user_id, judged.reason
    await note_step(session, one, caller=caller, action="unshare", reason=judged.reason)
