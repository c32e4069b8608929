"""Tables of shares."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit.db import Base, Keyed, Stamped, Versioned


class ActivityShare(Keyed, Stamped, Versioned, Base):
    """A public page about an activity behind a token, until it expires or is revoked.

    `card` holds what is shown, chosen when the share was made: title, summary, place, day, unit and picture; nothing
    about persons.
    """

    __tablename__ = "activity_shares"

    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), index=True)
    token: Mapped[str] = mapped_column(unique=True)
    card: Mapped[dict[str, Any]]
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("files.id"))
    expires_at: Mapped[datetime]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    revoke_reason: Mapped[str | None]

    __table_args__ = (CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),)
