"""Tables of sub-activities."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit import clock
from wenming_api.kit.db import Base


class ActivityLink(Base):
    """`child_id` is part of `parent_id`; attached by a user of the parent's unit, or of a unit above it."""

    __tablename__ = "activity_links"

    parent_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), primary_key=True)
    child_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), primary_key=True, index=True)
    attached_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    attached_at: Mapped[datetime] = mapped_column(default=clock.now)
    reason: Mapped[str | None]

    __table_args__ = (CheckConstraint("parent_id <> child_id", name="not_itself"),)
