"""Tables of terms."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import RegionScoped
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.title_terms.rules import TermState
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column


class TitleTerm(Keyed, RegionScoped, Stamped, Versioned, Base):
    """A term (届) in which titles of one kind and level are applied for, in one region and what lies in it.

    `opens_on` to `closes_on`, both included, is the window for applications (days of Asia/Shanghai).
    """

    __tablename__ = "title_terms"

    name: Mapped[str]
    kind: Mapped[TitleKind] = enum_column(TitleKind)
    level: Mapped[TitleLevel] = enum_column(TitleLevel)
    no: Mapped[int]
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), index=True)
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("title_rules.id"), index=True)
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    note: Mapped[str]
    state: Mapped[TermState] = enum_column(TermState, default=TermState.DRAFT)

    __table_args__ = (
        UniqueConstraint("region_id", "kind", "level", "no"),
        CheckConstraint("opens_on <= closes_on", name="window"),
        CheckConstraint("no >= 1", name="no"),
        CheckConstraint("level <> 'none'", name="some_level"),
    )
