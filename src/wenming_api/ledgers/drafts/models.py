"""Table of autosaved drafts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit import clock
from wenming_api.kit.db import Base


class RecordAutosave(Base):
    """What a user was typing last in a record that he saw at `base_version`; the content may be incomplete."""

    __tablename__ = "record_autosaves"

    record_id: Mapped[UUID] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    content: Mapped[dict[str, Any]]
    base_version: Mapped[int]
    saved_at: Mapped[datetime] = mapped_column(default=clock.now)
