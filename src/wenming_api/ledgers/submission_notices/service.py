"""Telling people, in the transaction in which it happened. Whose turn it is to review is told by `workflow`."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import any_, exists, literal, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.ledgers.submission_notices.rules import News, key, line
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import add_news
from wenming_api.system.roles.models import Role
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User, UserRole


async def tell(
    session: WriteSession,
    *,
    caller: Principal,
    news: News,
    people: Iterable[UUID],
    unit_id: UUID,
    record_title: str,
    submission_id: UUID,
    reason: str | None = None,
) -> None:
    """Tell the people of one side what the unit `unit_id` of the other side did; the caller knows it himself.

    Two statements; within an hour the news of one kind from one unit are one message with a line each.
    """
    told = set(people) - {caller.user_id}
    if not told:
        return
    name = await session.scalar(select(Unit.name).where(Unit.id == unit_id))
    text = line(news, record_title=record_title, unit_name=name or "", reason=reason)
    await add_news(
        session,
        dict.fromkeys(told, text),
        topic=Topic.SUBMISSION,
        title=news.heading,
        target=("submission", submission_id),
        dedupe_key=key(news, unit_id, clock.now()),
    )


async def reviewers(session: WriteSession, *, unit_id: UUID) -> list[UUID]:
    """The active people of a unit who review what it receives; one statement."""
    holds = exists().where(
        UserRole.user_id == User.id,
        Role.id == UserRole.role_id,
        literal(Permission.SUBMISSIONS_REVIEW.value) == any_(Role.permissions),
    )
    return list(await session.scalars(select(User.id).where(User.unit_id == unit_id, User.active, holds)))
