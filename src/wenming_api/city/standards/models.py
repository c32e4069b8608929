"""Tables of indicator systems and standards. Rows of a published system are kept from changing by triggers."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.city.standards.rules import DutyRole, ListKind, SystemState
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column


class IndicatorSystem(Keyed, Stamped, Versioned, Base):
    """An edition of an indicator system (测评体系版本).

    `level_names` are the levels of its tree from the top, `methods` the ways of judging it knows
    (`[{"code", "name"}]`). `version` rises with every change inside the system, so that publishing names what was
    seen. `content_hash` is the SHA-256 of the content as published.
    """

    __tablename__ = "indicator_systems"

    code: Mapped[str]
    name: Mapped[str]
    edition: Mapped[str]
    state: Mapped[SystemState] = enum_column(SystemState)
    level_names: Mapped[list[str]]
    methods: Mapped[list[dict[str, Any]]]
    description: Mapped[str]
    source: Mapped[str]
    cloned_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("indicator_systems.id"))
    published_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    content_hash: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("cardinality(level_names) BETWEEN 1 AND 6", name="levels"),
        CheckConstraint("(state = 'draft') = (published_at IS NULL)", name="published_at"),
        CheckConstraint("(state = 'draft') = (content_hash IS NULL)", name="content_hash"),
        Index("ix_indicator_systems_state", "state", "id"),
        Index("ix_indicator_systems_cloned_from_id", "cloned_from_id"),
    )


class Indicator(Keyed, Stamped, Versioned, Base):
    """A node of the tree (测评项目、测评指标、测评内容); `level` counts from 1 at the top."""

    __tablename__ = "indicators"

    system_id: Mapped[UUID] = mapped_column(ForeignKey("indicator_systems.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("indicators.id"))
    level: Mapped[int]
    code: Mapped[str]
    name: Mapped[str]
    position: Mapped[int]

    __table_args__ = (
        UniqueConstraint("system_id", "code"),
        CheckConstraint("level BETWEEN 1 AND 6", name="level"),
        CheckConstraint("(level = 1) = (parent_id IS NULL)", name="root"),
        CheckConstraint("parent_id <> id", name="parent"),
        Index("ix_indicators_parent_id", "parent_id"),
        Index("ix_indicators_order", "system_id", "level", "position", "id"),
    )


class Standard(Keyed, Stamped, Versioned, Base):
    """A standard (测评标准): what is judged, by which rule, for how many points.

    `methods` are codes of the system's methods. Without site types it applies to sites of every type. `evidence` are
    the materials asked for. `source` says where the text was published.
    """

    __tablename__ = "standards"

    system_id: Mapped[UUID] = mapped_column(ForeignKey("indicator_systems.id"))
    indicator_id: Mapped[UUID] = mapped_column(ForeignKey("indicators.id"))
    code: Mapped[str]
    text: Mapped[str]
    list_kind: Mapped[ListKind] = enum_column(ListKind)
    max_score: Mapped[Decimal]
    methods: Mapped[list[str]]
    rule: Mapped[dict[str, Any]] = mapped_column(JSONB)
    requires_photo: Mapped[bool]
    evidence: Mapped[list[str]]
    note: Mapped[str]
    source: Mapped[str]
    position: Mapped[int]

    __table_args__ = (
        UniqueConstraint("system_id", "code"),
        CheckConstraint("max_score >= 0", name="max_score"),
        CheckConstraint("cardinality(methods) >= 1", name="methods"),
        CheckConstraint("(rule ->> 'kind') IS NOT NULL", name="rule"),
        Index("ix_standards_order", "system_id", "indicator_id", "position", "id"),
        Index("ix_standards_indicator_id", "indicator_id"),
    )


class StandardSiteType(Base):
    """A type of site to which a standard applies."""

    __tablename__ = "standard_site_types"

    standard_id: Mapped[UUID] = mapped_column(ForeignKey("standards.id", ondelete="CASCADE"), primary_key=True)
    site_type_code: Mapped[str] = mapped_column(ForeignKey("site_types.code"), primary_key=True)

    __table_args__ = (Index("ix_standard_site_types_site_type_code", "site_type_code"),)


class StandardDuty(Base):
    """A unit responsible for a standard (责任单位); the first named leads (牵头)."""

    __tablename__ = "standard_duties"

    standard_id: Mapped[UUID] = mapped_column(ForeignKey("standards.id", ondelete="CASCADE"), primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), primary_key=True)
    role: Mapped[DutyRole] = enum_column(DutyRole)
    position: Mapped[int]

    __table_args__ = (
        CheckConstraint("(role = 'lead') = (position = 0)", name="lead_first"),
        Index("ix_standard_duties_unit_id", "unit_id"),
    )
