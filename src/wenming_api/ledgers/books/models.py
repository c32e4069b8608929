"""Tables of books."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.ledgers.books.rules import BookKind, BookState, OperationKind

_NATURAL = ("unit_id", "catalogue_id", "year", "kind")


class Book(Keyed, UnitMember, Stamped, Versioned, Base):
    """A book (台账册) of the unit `unit_id`.

    Natural books come by themselves with the first accepted submission (a trigger on `submissions` makes them); what
    is accepted after one was archived goes into its next `part`. The others were made to move entries into. The
    entries of a live book are a query; `entry_count`, `hash` (SHA-256) and the rest are those of an archived one.
    """

    __tablename__ = "books"

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    catalogue_id: Mapped[UUID] = mapped_column(ForeignKey("catalogues.id"), index=True)
    year: Mapped[int]
    kind: Mapped[BookKind] = enum_column(BookKind)
    part: Mapped[int] = mapped_column(default=1)
    natural: Mapped[bool]
    title: Mapped[str]
    state: Mapped[BookState] = enum_column(BookState, default=BookState.LIVE)
    entry_count: Mapped[int | None]
    hash: Mapped[str | None]
    archived_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    archived_at: Mapped[datetime | None]
    archive_reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("year BETWEEN 1949 AND 2200", name="year"),
        CheckConstraint("part > 0", name="part"),
        CheckConstraint("hash ~ '^[0-9a-f]{64}$'", name="hash"),
        CheckConstraint(
            "(state = 'archived') = (hash IS NOT NULL AND entry_count IS NOT NULL AND archived_at IS NOT NULL"
            " AND archived_by IS NOT NULL AND archive_reason IS NOT NULL)",
            name="archived",
        ),
        CheckConstraint("state <> 'dissolved' OR NOT natural", name="dissolved"),
        Index("uq_books_natural", *_NATURAL, "part", unique=True, postgresql_where=text("natural")),
        Index("uq_books_live", *_NATURAL, unique=True, postgresql_where=text("natural AND state = 'live'")),
        Index("ix_books_year", "year", "title", "id"),
    )


class BookEntry(Base):
    """An entry of an archived book, never changed: which version of which record stood where."""

    __tablename__ = "book_entries"

    book_id: Mapped[UUID] = mapped_column(ForeignKey("books.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[BookKind] = enum_column(BookKind)
    submission_id: Mapped[UUID] = mapped_column(ForeignKey("submissions.id"))
    node_id: Mapped[UUID] = mapped_column(ForeignKey("catalogue_nodes.id"))
    record_id: Mapped[UUID]
    version_no: Mapped[int]
    content_hash: Mapped[str]
    decided_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("kind", "submission_id", "node_id"),
        CheckConstraint("position > 0", name="position"),
        Index("ix_book_entries_node_id", "book_id", "node_id"),
    )


class BookOperation(Keyed, UnitMember, Versioned, Base):
    """A merge or distribution, done by somebody of the unit `unit_id`; `moved` entries changed their book."""

    __tablename__ = "book_operations"

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    kind: Mapped[OperationKind] = enum_column(OperationKind)
    moved: Mapped[int]
    reason: Mapped[str]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    undone_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    undone_at: Mapped[datetime | None]
    undo_reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undone"),
        CheckConstraint("moved > 0", name="moved"),
        Index("ix_book_operations_made", "made_at", "id"),
    )


class BookMove(Keyed, Base):
    """One entry that went from one book to another.

    `current` says that the entry is there because of this move. A later move of the same entry takes that over and
    names itself in `superseded_by`; undoing it gives it back.
    """

    __tablename__ = "book_moves"

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("book_operations.id"), index=True)
    kind: Mapped[BookKind] = enum_column(BookKind)
    submission_id: Mapped[UUID] = mapped_column(ForeignKey("submissions.id"))
    node_id: Mapped[UUID] = mapped_column(ForeignKey("catalogue_nodes.id"))
    from_book_id: Mapped[UUID] = mapped_column(ForeignKey("books.id"), index=True)
    to_book_id: Mapped[UUID] = mapped_column(ForeignKey("books.id"), index=True)
    current: Mapped[bool]
    superseded_by: Mapped[UUID | None] = mapped_column(ForeignKey("book_operations.id"), index=True)

    __table_args__ = (
        CheckConstraint("from_book_id <> to_book_id", name="apart"),
        CheckConstraint("NOT current OR superseded_by IS NULL", name="superseded"),
        Index(
            "uq_book_moves_current",
            *("kind", "submission_id", "node_id"),
            unique=True,
            postgresql_where=text("current"),
        ),
        Index("ix_book_moves_there", "to_book_id", "node_id", postgresql_where=text("current")),
    )
