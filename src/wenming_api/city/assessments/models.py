"""Tables of assessments: the head, and the parts of its scheme."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import RegionScoped
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.schemes.rules import MethodSource, Shortage
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.system.regions.rules import RegionLevel

Weight = Numeric(12, 6)
"""Relative weights of site types."""


class Assessment(Keyed, RegionScoped, Stamped, Versioned, Base):
    """A mock assessment (测评) of one city or district; `region_path`: of all that is assessed.

    `settings` holds `schemes.rules.Settings`. `current_draw_id` is the draw that is not void,
    `effective_draw_id` the one confirmed by two people, `result_id` the published result: set by the
    domains they belong to.
    """

    __tablename__ = "assessments"

    number: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str | None]
    state: Mapped[AssessmentState] = enum_column(AssessmentState, default=AssessmentState.DRAFT)
    state_since: Mapped[datetime]
    state_reason: Mapped[str | None]
    system_id: Mapped[UUID] = mapped_column(ForeignKey("indicator_systems.id"), index=True)
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), index=True)
    settings: Mapped[dict[str, Any]]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    cloned_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("assessments.id", ondelete="SET NULL"), index=True)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    current_draw_id: Mapped[UUID | None]
    effective_draw_id: Mapped[UUID | None]
    result_id: Mapped[UUID | None]

    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="window"),
        CheckConstraint("state NOT IN ('draft', 'published') OR effective_draw_id IS NULL", name="draw_after"),
        Index("ix_assessments_state", "state", "id"),
        Index("ix_assessments_starts_on", "starts_on", "id"),
    )


class AssessmentRegion(Base):
    """A region chosen for an assessment: everything below it belongs to the frame."""

    __tablename__ = "assessment_regions"

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id", ondelete="CASCADE"), primary_key=True)
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), primary_key=True, index=True)
    position: Mapped[int]


class AssessmentStandard(Base):
    """A standard of the edition chosen for an assessment."""

    __tablename__ = "assessment_standards"

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id", ondelete="CASCADE"), primary_key=True)
    standard_id: Mapped[UUID] = mapped_column(ForeignKey("standards.id"), primary_key=True, index=True)


class AssessmentQuota(Base):
    """Sites of a type to draw in each region of the level; the type's weight in the mean over types."""

    __tablename__ = "assessment_quotas"

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id", ondelete="CASCADE"), primary_key=True)
    site_type_code: Mapped[str] = mapped_column(ForeignKey("site_types.code"), primary_key=True)
    region_level: Mapped[RegionLevel] = enum_column(RegionLevel)
    count: Mapped[int]
    weight: Mapped[Decimal] = mapped_column(Weight)
    when_short: Mapped[Shortage] = enum_column(Shortage)
    position: Mapped[int]

    __table_args__ = (
        CheckConstraint("count > 0", name="count"),
        CheckConstraint("weight > 0", name="weight"),
    )


class AssessmentMethod(Base):
    """A method of an assessment (实地考察、问卷调查、材料审核 …) and where its scores come from."""

    __tablename__ = "assessment_methods"

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    source: Mapped[MethodSource] = enum_column(MethodSource)
    position: Mapped[int]


class AssessmentAssessor(Base):
    """A user who may be given sheets; empty lists mean every region and every site type of the assessment."""

    __tablename__ = "assessment_assessors"

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    qualification: Mapped[str | None]
    region_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    site_type_codes: Mapped[list[str]]


class RankingGroup(Keyed, Base):
    """Regions ranked among themselves; `methods` maps method codes to weights (decimals as strings)."""

    __tablename__ = "ranking_groups"

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id", ondelete="CASCADE"))
    code: Mapped[str]
    name: Mapped[str]
    region_level: Mapped[RegionLevel] = enum_column(RegionLevel)
    methods: Mapped[dict[str, Any]]
    field_only: Mapped[bool]
    position: Mapped[int]

    __table_args__ = (UniqueConstraint("assessment_id", "code"),)


class RankingGroupMember(Base):
    """A region of a ranking group; a region stands in one group of an assessment at most."""

    __tablename__ = "ranking_group_members"

    group_id: Mapped[UUID] = mapped_column(ForeignKey("ranking_groups.id", ondelete="CASCADE"), index=True)
    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id", ondelete="CASCADE"), primary_key=True)
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), primary_key=True)
    position: Mapped[int]
