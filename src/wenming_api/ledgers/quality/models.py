"""Tables of quality rules."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Uuid

from wenming_api.access.columns import UnitMember
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.ledgers.quality.rules import Reach, RuleState, Severity


class QualityRule(Keyed, UnitMember, Stamped, Versioned, Base):
    """One edition (`no`) of the rule of a code; its keeper is the unit that it belongs to."""

    __tablename__ = "quality_rules"

    code: Mapped[str]
    no: Mapped[int] = mapped_column(default=1)
    name: Mapped[str]
    message: Mapped[str]
    severity: Mapped[Severity] = enum_column(Severity)
    expression: Mapped[dict[str, Any]]
    node_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    reach: Mapped[Reach] = enum_column(Reach)
    effective_from: Mapped[date | None]
    effective_until: Mapped[date | None]
    state: Mapped[RuleState] = enum_column(RuleState, default=RuleState.DRAFT)
    source: Mapped[str | None]
    tested_at: Mapped[datetime | None]
    test_report: Mapped[dict[str, Any] | None]
    activated_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)

    __table_args__ = (
        UniqueConstraint("code", "no"),
        Index("uq_quality_rules_active_code", "code", unique=True, postgresql_where=text("state = 'active'")),
    )
