"""Tables of dictionaries."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit.db import Base, Keyed, Stamped, Versioned


class Dictionary(Keyed, Stamped, Versioned, Base):
    """A named list of codes. Its version moves when its name, note or the order of its items changes."""

    __tablename__ = "dictionaries"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    note: Mapped[str | None]
    position: Mapped[int]


class DictionaryItem(Keyed, Stamped, Versioned, Base):
    """One code. It is disabled, never deleted, and its code never changes, because other rows carry it."""

    __tablename__ = "dictionary_items"
    __table_args__ = (
        UniqueConstraint("dictionary_id", "code"),
        CheckConstraint("position >= 0", name="position"),
        Index("ix_dictionary_items_order", "dictionary_id", "position", "id"),
    )

    dictionary_id: Mapped[UUID] = mapped_column(ForeignKey("dictionaries.id"))
    code: Mapped[str]
    name: Mapped[str]
    position: Mapped[int]
    active: Mapped[bool]
    note: Mapped[str | None]
