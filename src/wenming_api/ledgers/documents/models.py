"""Tables of long prints."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped, UnitMember
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.ledgers.documents.rules import DocumentKind, DocumentState


class Document(Keyed, OwnerScoped, UnitMember, Stamped, Versioned, Base):
    """A print that takes a while: chosen records or a whole book as one PDF, for the user who asked for it.

    `request` is what was asked for, `body` the layout of cover and contents as it was then. `size` in bytes. The PDF
    is removed when `expires_at` has passed.
    """

    __tablename__ = "documents"

    kind: Mapped[DocumentKind] = enum_column(DocumentKind)
    state: Mapped[DocumentState] = enum_column(DocumentState, default=DocumentState.QUEUED)
    title: Mapped[str]
    request: Mapped[dict[str, Any]]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    parts: Mapped[int] = mapped_column(default=0)
    parts_done: Mapped[int] = mapped_column(default=0)
    entries: Mapped[int] = mapped_column(default=0)
    pages: Mapped[int | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    failure: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("parts_done BETWEEN 0 AND parts", name="parts_done"),
        CheckConstraint("(state = 'ready') = (sha256 IS NOT NULL)", name="ready"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failure"),
        Index("ix_documents_expires_at", "expires_at"),
        Index("ix_documents_owner_created", "owner_id", "created_at"),
    )


class DocumentPart(Base):
    """Some of a document's entries, in order, and their pages once they are set. The PDF lies in object storage."""

    __tablename__ = "document_parts"

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    entries: Mapped[list[dict[str, Any]]]
    pages: Mapped[int | None]
    marks: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        CheckConstraint("no > 0", name="no"),
        CheckConstraint("(pages IS NULL) = (marks IS NULL)", name="done"),
    )
