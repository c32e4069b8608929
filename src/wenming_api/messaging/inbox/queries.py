"""Reads of the inbox. A message is seen by its recipient and by nobody else, whatever his data scope."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from wenming_api.access.scope import Scope
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.messaging.inbox.models import Message
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.schemas import MessageOut, MessageSort, UnreadOut

_COLUMNS = [getattr(Message, name) for name in MessageOut.model_fields]


async def list_messages(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    sort: MessageSort,
    unread: bool | None = None,
    archived: bool = False,
    topic: Topic | None = None,
) -> Page[MessageOut]:
    """One page of the inbox, or of its archive."""
    statement: Any = select(*_COLUMNS).where(scope.where(Message))
    statement = statement.where(Message.archived_at.is_not(None) if archived else Message.archived_at.is_(None))
    if unread is not None:
        statement = statement.where(Message.read_at.is_(None) if unread else Message.read_at.is_not(None))
    if topic is not None:
        statement = statement.where(Message.topic == topic)
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns={"created_at": Message.created_at},
        key=Message.id,
        into=MessageOut,
    )


async def count_unread(session: AnySession, *, scope: Scope) -> UnreadOut:
    """How many messages await their recipient, from the index of unread ones alone."""
    counted = await session.execute(
        select(Message.topic, func.count())
        .where(scope.where(Message), Message.read_at.is_(None), Message.archived_at.is_(None))
        .group_by(Message.topic)
    )
    by_topic = {Topic(topic): int(number) for topic, number in counted}
    return UnreadOut(unread=sum(by_topic.values()), by_topic=dict(sorted(by_topic.items())))


async def show_message(session: AnySession, message_id: UUID, *, scope: Scope) -> MessageOut:
    """One message; `NotFound` when it is somebody else's."""
    statement: Any = select(*_COLUMNS).where(Message.id == message_id, scope.where(Message))
    found = (await session.execute(statement)).mappings().one_or_none()
    if found is None:
        raise NotFound
    return MessageOut.model_validate(dict(found))
