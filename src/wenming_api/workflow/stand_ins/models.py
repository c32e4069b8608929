"""Tables of stand-ins."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.workflow.stand_ins.rules import StandInKind


class StandIn(Keyed, UnitMember, Stamped, Versioned, Base):
    """A deputy decides in a user's place, from one day to another, both included.

    The unit is that of the user. `ended_at`: ended early, and without effect since.
    """

    __tablename__ = "stand_ins"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    deputy_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    kind: Mapped[StandInKind] = enum_column(StandInKind)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    reason: Mapped[str]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("user_id <> deputy_id", name="two_people"),
        CheckConstraint("starts_on <= ends_on", name="span"),
        Index("ix_stand_ins_user_id_ends_on", "user_id", "ends_on"),
        Index("ix_stand_ins_deputy_id_ends_on", "deputy_id", "ends_on"),
    )
