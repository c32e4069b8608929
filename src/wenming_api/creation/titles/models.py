"""Tables of titles. An event, once written, never changes (trigger)."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.titles.rules import TitleCause
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, enum_column


class TitleEvent(Keyed, UnitMember, Base):
    """The `no`-th change of a holder's level in one kind of title: in force from `from_on` to the next one.

    The holder is `holder_id`: the unit, or the family `family_id` that `unit_id` looks after.
    """

    __tablename__ = "title_events"

    kind: Mapped[TitleKind] = enum_column(TitleKind)
    holder_id: Mapped[UUID]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    family_id: Mapped[UUID | None] = mapped_column(ForeignKey("title_families.id"), index=True)
    no: Mapped[int]
    level: Mapped[TitleLevel] = enum_column(TitleLevel)
    cause: Mapped[TitleCause] = enum_column(TitleCause)
    from_on: Mapped[date]
    term_id: Mapped[UUID] = mapped_column(ForeignKey("title_terms.id"), index=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("title_applications.id"), index=True)
    document_number: Mapped[str]
    document_on: Mapped[date]
    reason: Mapped[str | None]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        Index("uq_title_events_holder_kind_no", "holder_id", "kind", "no", unique=True),
        Index("ix_title_events_kind_level", "kind", "level", "from_on"),
        CheckConstraint("(kind = 'family') = (family_id IS NOT NULL)", name="family"),
        CheckConstraint("holder_id = coalesce(family_id, unit_id)", name="holder"),
    )
