"""Tables of the audit log (N11)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed


class AuditEntry(Keyed, Base):
    """One change, appended in the transaction that made it. The application may neither update nor delete it.

    `xid` is the writing transaction's id: only entries below the oldest running transaction are sealed, so that a
    sealed range can never gain a row afterwards.
    """

    __tablename__ = "audit_entries"

    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    session_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    action: Mapped[str]
    target_type: Mapped[str]
    target_id: Mapped[UUID | None]
    context_type: Mapped[str | None]
    context_id: Mapped[UUID | None]
    changes: Mapped[dict[str, Any]]
    reason: Mapped[str | None]

    __table_args__ = (
        Index("ix_audit_entries_xid", "xid", "id"),
        Index("ix_audit_entries_target", "target_type", "target_id", "id"),
        Index("ix_audit_entries_context", "context_id", "id"),
        Index("ix_audit_entries_actor", "actor_id", "id"),
        Index("ix_audit_entries_action", "action", "id"),
    )


class AuditLeaf(Base):
    """The dense number and leaf hash that sealing gave an entry."""

    __tablename__ = "audit_leaves"

    no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[UUID] = mapped_column(unique=True)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditSeal(Base):
    """A sealed batch: the Merkle root of its leaves, chained to the seal before."""

    __tablename__ = "audit_seals"

    no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first_leaf: Mapped[int] = mapped_column(BigInteger)
    last_leaf: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    head: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_from_xid: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(default=clock.now)
