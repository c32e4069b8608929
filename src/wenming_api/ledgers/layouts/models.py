"""Tables of layouts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.ledgers.layouts.rules import LayoutState


class Layout(Keyed, UnitMember, Stamped, Versioned, Base):
    """How records are printed (版式): of a node and all below it, of a catalogue, or of the whole system.

    Kept by the unit `unit_id`. `version` rises with every change of any of its versions.
    """

    __tablename__ = "layouts"

    name: Mapped[str]
    catalogue_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalogues.id", ondelete="CASCADE"))
    node_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalogue_nodes.id", ondelete="CASCADE"), index=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)

    __table_args__ = (
        UniqueConstraint("catalogue_id", "node_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("node_id IS NULL OR catalogue_id IS NOT NULL", name="target"),
    )


class LayoutVersion(Base):
    """A version of a layout; once active it never changes. `tested_hash` is the body that the test print showed."""

    __tablename__ = "layout_versions"

    layout_id: Mapped[UUID] = mapped_column(ForeignKey("layouts.id", ondelete="CASCADE"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[LayoutState] = enum_column(LayoutState, default=LayoutState.DRAFT)
    body: Mapped[dict[str, Any]]
    body_hash: Mapped[str]
    tested_hash: Mapped[str | None]
    tested_at: Mapped[datetime | None]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    activated_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("no > 0", name="no"),
        CheckConstraint("body_hash ~ '^[0-9a-f]{64}$'", name="body_hash"),
        CheckConstraint("(tested_hash IS NULL) = (tested_at IS NULL)", name="tested"),
        CheckConstraint("state = 'draft' OR tested_hash = body_hash", name="tested_before_use"),
        CheckConstraint("(state = 'draft') = (activated_at IS NULL)", name="activated_at"),
        CheckConstraint("(state = 'retired') = (retired_at IS NOT NULL)", name="retired_at"),
        Index("uq_layout_versions_draft", "layout_id", unique=True, postgresql_where=text("state = 'draft'")),
        Index("uq_layout_versions_active", "layout_id", unique=True, postgresql_where=text("state = 'active'")),
    )
