"""Table of saved filters."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned


class SavedFilter(Keyed, OwnerScoped, Stamped, Versioned, Base):
    """A query of the record list that its owner keeps; `query` holds the list's parameters."""

    __tablename__ = "saved_filters"

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    query: Mapped[dict[str, Any]]

    __table_args__ = (UniqueConstraint("owner_id", "name"),)
