"""Tables of screenings."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint, SmallInteger, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped, UnitMember
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.ledgers.screenings.rules import ScreeningState


class Screening(Keyed, UnitMember, OwnerScoped, Stamped, Versioned, Base):
    """One run of a rule set over the current versions of records; `owner_id` asked for it.

    `rules` are the rules as they were then (`Rule.document`, in order), `area` the rows that were looked at.
    `milliseconds` is what the screening statement took.
    """

    __tablename__ = "screenings"

    state: Mapped[ScreeningState] = enum_column(ScreeningState, default=ScreeningState.QUEUED)
    rules: Mapped[list[dict[str, Any]]]
    ruleset_hash: Mapped[str]
    area: Mapped[dict[str, Any]]
    filters: Mapped[dict[str, Any]]
    records: Mapped[int] = mapped_column(default=0)
    flagged: Mapped[int] = mapped_column(default=0)
    findings: Mapped[int] = mapped_column(default=0)
    milliseconds: Mapped[int | None]
    problem: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    alerted_at: Mapped[datetime | None]
    alerted: Mapped[int] = mapped_column(default=0)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)


class ScreeningHit(UnitMember, OwnerScoped, Base):
    """A record with findings. `rules` are positions in the screening's rules, `rank` that of the worst severity.

    It is no part of the record and refers to it by id alone. Rows are written by hundreds of thousands, so there is
    one index, by which they are read.
    """

    __tablename__ = "screening_hits"

    screening_id: Mapped[UUID] = mapped_column(ForeignKey("screenings.id", ondelete="CASCADE"))
    record_id: Mapped[UUID]
    version_id: Mapped[UUID]
    unit_id: Mapped[UUID]
    unit_path: Mapped[str | None] = mapped_column(index=False)
    region_path: Mapped[str] = mapped_column(index=False)
    owner_id: Mapped[UUID | None] = mapped_column(index=False)
    rank: Mapped[int] = mapped_column(SmallInteger)
    rules: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger()))
    category_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))

    __table_args__ = (
        PrimaryKeyConstraint("screening_id", "record_id"),
        Index("ix_screening_hits_screening_id_rank", "screening_id", "rank"),
    )
