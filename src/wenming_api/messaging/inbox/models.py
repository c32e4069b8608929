"""Tables of the inbox."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, enum_column
from wenming_api.messaging.inbox.rules import Topic


class Message(Keyed, OwnerScoped, Base):
    """A notification in one user's inbox; `owner_id` is the recipient, the target is what it leads to.

    `dedupe_key`: the same recipient gets one message per key, however often it is sent.
    """

    __tablename__ = "messages"

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    topic: Mapped[Topic] = enum_column(Topic)
    title: Mapped[str]
    body: Mapped[str]
    target_type: Mapped[str | None]
    target_id: Mapped[UUID | None]
    dedupe_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    read_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_messages_owner_id_dedupe_key",
            "owner_id",
            "dedupe_key",
            unique=True,
            postgresql_where=text("dedupe_key IS NOT NULL"),
        ),
        Index("ix_messages_owner_id_id", "owner_id", text("id DESC")),
        Index(
            "ix_messages_unread",
            "owner_id",
            postgresql_where=text("read_at IS NULL AND archived_at IS NULL"),
        ),
    )
