"""Tables of approval levels and flows."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.workflow.approval_flows.rules import Place


class ApprovalLevel(Stamped, Versioned, Base):
    """An approval level (审核级别) and the permission its deciders hold; the lowest rank decides first."""

    __tablename__ = "approval_levels"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    rank: Mapped[int]
    permission: Mapped[str]


class ApprovalFlow(Keyed, UnitMember, Stamped, Versioned, Base):
    """The steps that an approval of one kind takes: for a unit and those below it, or for the whole system.

    A flow of the whole system belongs to no unit and lies in no region (`region_path` empty). One flow of a kind is in
    use for a unit at a time.
    """

    __tablename__ = "approval_flows"

    kind: Mapped[str]
    name: Mapped[str]
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"), index=True)
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (
        Index("uq_approval_flows_kind", "kind", unique=True, postgresql_where=text("active AND unit_id IS NULL")),
        Index(
            "uq_approval_flows_kind_unit_id",
            "kind",
            "unit_id",
            unique=True,
            postgresql_where=text("active AND unit_id IS NOT NULL"),
        ),
        CheckConstraint("(unit_id IS NULL) = (unit_path IS NULL)", name="unit"),
    )


class ApprovalStep(Base):
    """A step of a flow; `position` from 1."""

    __tablename__ = "approval_steps"

    flow_id: Mapped[UUID] = mapped_column(ForeignKey("approval_flows.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    level_code: Mapped[str] = mapped_column(ForeignKey("approval_levels.code"), index=True)
    place: Mapped[Place] = enum_column(Place)
    working_days: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("position >= 1", name="position"),
        CheckConstraint("working_days >= 1", name="working_days"),
    )
