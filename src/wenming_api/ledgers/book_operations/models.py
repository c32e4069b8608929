"""Tables of moves between books."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Versioned, enum_column
from wenming_api.ledgers.book_operations.rules import OperationKind
from wenming_api.ledgers.books.rules import BookKind


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
