"""Reads of shares: a unit's own, and the one that the public sees by its token."""

from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.activities.events.models import Activity
from wenming_api.activities.events.queries import visible
from wenming_api.activities.shares.models import ActivityShare
from wenming_api.activities.shares.rules import closed_because, page_address, weibo_address
from wenming_api.activities.shares.schemas import ActivityShareOut, SharedActivity
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.problems import NotFound
from wenming_api.kit.storage import ObjectStore
from wenming_api.system.files.queries import links
from wenming_api.system.files.rules import Variant


class ShareClosed(NotFound):
    """There is no such share, or not any more; the answer is the same."""

    code = "share_closed"
    title = "分享不存在或已失效"


def shown(share: ActivityShare, one: Activity, *, caller: Principal, base: str) -> ActivityShareOut:
    """A share as its unit sees it."""
    closed = closed_because(
        expires_at=share.expires_at,
        revoked_at=share.revoked_at,
        released=one.released_at is not None,
        now=clock.now(),
    )
    page = page_address(base, share.token)
    return ActivityShareOut(
        id=share.id,
        activity_id=one.id,
        token=share.token,
        path=page_address("", share.token),
        weibo_url=weibo_address(page, share.card["title"]),
        expires_at=share.expires_at,
        revoked_at=share.revoked_at,
        closed_because=closed,
        version=share.version,
        allowed_actions=[
            action(
                "revoke",
                "撤销",
                (caller.may(Permission.ACTIVITIES_WRITE), f"需要“{Permission.ACTIVITIES_WRITE.label}”权限"),
                (caller.unit_id == one.unit_id, "只有主办单位可以操作"),
                (share.revoked_at is None, "已撤销"),
            )
        ],
    )


async def list_shares(
    session: AnySession, *, caller: Principal, activity_id: UUID, base: str
) -> list[ActivityShareOut]:
    """The newest 100 shares of an activity, in two statements; `NotFound`."""
    one = await session.scalar(select(Activity).where(Activity.id == activity_id, visible(caller)))
    if one is None:
        raise NotFound
    found = await session.scalars(
        select(ActivityShare)
        .where(ActivityShare.activity_id == activity_id)
        .order_by(ActivityShare.created_at.desc())
        .limit(100)
    )
    return [shown(share, one, caller=caller, base=base) for share in found]


async def read_shared(session: AnySession, *, token: str, store: ObjectStore) -> SharedActivity:
    """What the public sees, in at most two statements; `ShareClosed`."""
    found = await session.execute(
        select(ActivityShare, Activity.released_at)
        .join(Activity, Activity.id == ActivityShare.activity_id)
        .where(ActivityShare.token == token)
    )
    row = found.one_or_none()
    if row is None:
        raise ShareClosed("分享不存在或已失效。")
    share: ActivityShare = row[0]
    if closed_because(
        expires_at=share.expires_at, revoked_at=share.revoked_at, released=row[1] is not None, now=clock.now()
    ):
        raise ShareClosed("分享不存在或已失效。")
    picture = None
    if share.file_id is not None:
        link = (await links(session, [share.file_id], store=store, variant=Variant.PREVIEW)).get(share.file_id)
        picture = link.url if link else None
    return SharedActivity.model_validate(share.card | {"picture_url": picture, "expires_at": share.expires_at})
