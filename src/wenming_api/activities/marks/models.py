"""Tables of marks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.activities.marks.rules import MarkKind
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Versioned, enum_column


class ActivityMark(Keyed, Versioned, Base):
    """A mark given to an activity by `unit_id`, a unit above the organiser; revoked ones stay as history."""

    __tablename__ = "activity_marks"

    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), index=True)
    kind: Mapped[MarkKind] = enum_column(MarkKind)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    reason: Mapped[str]
    given_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    given_at: Mapped[datetime] = mapped_column(default=clock.now)
    revoked_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str | None]

    __table_args__ = (
        Index(
            "uq_activity_marks_standing",
            "activity_id",
            "kind",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
        CheckConstraint("(revoked_at IS NULL) = (revoke_reason IS NULL)", name="revoke_reason"),
    )
