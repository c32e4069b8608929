"""Changes of the inbox: notifying, reading, putting away. What a recipient does with his own is not audited."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import text

from wenming_api.access.scope import Scope
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import NotFound
from wenming_api.messaging.inbox.models import Message
from wenming_api.messaging.inbox.queries import show_message
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.schemas import MarkedOut, MessageOut, ReadAll

TITLE_LENGTH = 100
BODY_LENGTH = 2000
_ONE_PER_KEY = [Message.owner_id, Message.dedupe_key]
_KEYED = text("dedupe_key IS NOT NULL")


async def notify(
    session: WriteSession,
    recipients: Iterable[UUID],
    *,
    topic: Topic,
    title: str,
    body: str = "",
    target: tuple[str, UUID] | None = None,
    dedupe_key: str | None = None,
) -> int:
    """Put a message into each recipient's inbox, in the caller's transaction; return how many are new.

    Title and body are Chinese text for the recipient, cut at 100 and 2,000 characters. `target` is the (type, id) of
    what the message leads to. With a `dedupe_key` (such as `sheet-assigned:<id>`) a recipient gets the message once,
    however often and from however many transactions it is sent (B2.1).
    """
    # One order of recipients for everybody, so that two senders with the same key cannot wait for each other.
    people = sorted(set(recipients))
    if not people:
        return 0
    plain: dict[str, Any] = {
        "topic": topic,
        "title": title[:TITLE_LENGTH],
        "body": body[:BODY_LENGTH],
        "target_type": target[0] if target else None,
        "target_id": target[1] if target else None,
        "dedupe_key": dedupe_key,
        "created_at": clock.now(),
    }
    made = await session.execute(
        insert(Message).on_conflict_do_nothing(index_elements=_ONE_PER_KEY, index_where=_KEYED).returning(Message.id),
        [plain | {"id": uuid7(), "owner_id": person} for person in people],
    )
    return len(made.all())


async def add_news(
    session: WriteSession,
    news: Mapping[UUID, str],
    *,
    topic: Topic,
    title: str,
    target: tuple[str, UUID],
    dedupe_key: str,
    once: bool = False,
) -> None:
    """Give each recipient his line, in one statement: a message, or one more line of the message with this key.

    A message that gets a line is unread and in the inbox again, at the time of the line, and leads to the newest
    target; lines beyond 2,000 characters are left out. `once`: who has the message already keeps it as it is.
    """
    if not news:
        return
    now = clock.now()
    statement = insert(Message)
    if once:
        statement = statement.on_conflict_do_nothing(index_elements=_ONE_PER_KEY, index_where=_KEYED)
    else:
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=_ONE_PER_KEY,
            index_where=_KEYED,
            set_={
                "body": func.left(Message.body + "\n" + new.body, BODY_LENGTH),
                "target_type": new.target_type,
                "target_id": new.target_id,
                "created_at": new.created_at,
                "read_at": None,
                "archived_at": None,
            },
        )
    columns = {"topic": topic, "title": title, "target_type": target[0], "target_id": target[1]}
    # One order of recipients for everybody, as in `notify`.
    await session.execute(
        statement,
        [
            columns
            | {"id": uuid7(), "owner_id": one, "body": news[one][:BODY_LENGTH]}
            | {"dedupe_key": dedupe_key, "created_at": now}
            for one in sorted(news)
        ],
    )


async def mark_read(session: WriteSession, message_id: UUID, *, scope: Scope) -> MessageOut:
    """Note when the message was first read. Repeatable."""
    await _change(session, message_id, scope, read_at=func.coalesce(Message.read_at, clock.now()))
    return await show_message(session, message_id, scope=scope)


async def mark_all_read(session: WriteSession, *, scope: Scope, wanted: ReadAll) -> MarkedOut:
    """Mark what the recipient has been shown; what arrived since stays unread."""
    until = min(wanted.until, clock.now())
    conditions = [Message.read_at.is_(None), Message.archived_at.is_(None), Message.created_at <= until]
    if wanted.topic is not None:
        conditions.append(Message.topic == wanted.topic)
    marked = await session.execute(
        update(Message)
        .where(scope.where(Message), *conditions)
        .values(read_at=clock.now())
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    return MarkedOut(marked=len(marked.all()))


async def archive_message(session: WriteSession, message_id: UUID, *, scope: Scope) -> MessageOut:
    """Put a message away; it counts as read. Repeatable."""
    now = clock.now()
    await _change(
        session,
        message_id,
        scope,
        archived_at=func.coalesce(Message.archived_at, now),
        read_at=func.coalesce(Message.read_at, now),
    )
    return await show_message(session, message_id, scope=scope)


async def restore_message(session: WriteSession, message_id: UUID, *, scope: Scope) -> MessageOut:
    """Take a message out of the archive. Repeatable."""
    await _change(session, message_id, scope, archived_at=None)
    return await show_message(session, message_id, scope=scope)


async def _change(session: WriteSession, message_id: UUID, scope: Scope, **values: Any) -> None:
    changed = await session.execute(
        update(Message)
        .where(Message.id == message_id, scope.where(Message))
        .values(**values)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    if changed.one_or_none() is None:
        raise NotFound


async def delete_message(session: WriteSession, message_id: UUID, *, scope: Scope) -> None:
    """Remove a message for good."""
    gone = await session.execute(
        delete(Message).where(Message.id == message_id, scope.where(Message)).returning(Message.id)
    )
    if gone.one_or_none() is None:
        raise NotFound
