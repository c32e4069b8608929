"""Tables of method totals."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import RegionScoped, UnitScoped
from wenming_api.city.surveys.rules import ScoreSource
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column


class MethodScore(Keyed, RegionScoped, UnitScoped, Stamped, Versioned, Base):
    """What one method (questionnaire, document review, …) gave one region or unit, out of `max_score`.

    `exact` is the same score as a fraction where it was computed from answers: ten places may not hold it.
    """

    __tablename__ = "method_scores"
    __table_args__ = (
        CheckConstraint("(region_id IS NULL) <> (unit_id IS NULL)", name="region_or_unit"),
        CheckConstraint("max_score > 0", name="max_score"),
        CheckConstraint("score >= 0 AND score <= max_score", name="score"),
        CheckConstraint("(source = 'questionnaire') = (exact IS NOT NULL)", name="exact"),
        Index(
            "uq_method_scores_region",
            "assessment_id",
            "method_code",
            "region_id",
            unique=True,
            postgresql_where=text("region_id IS NOT NULL"),
        ),
        Index(
            "uq_method_scores_unit",
            "assessment_id",
            "method_code",
            "unit_id",
            unique=True,
            postgresql_where=text("unit_id IS NOT NULL"),
        ),
        Index("ix_method_scores_region_path", "assessment_id", "region_path"),
    )

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"))
    method_code: Mapped[str]
    region_id: Mapped[UUID | None] = mapped_column(ForeignKey("regions.id"))
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    region_path: Mapped[str] = mapped_column()
    unit_path: Mapped[str | None] = mapped_column()
    score: Mapped[Decimal]
    max_score: Mapped[Decimal]
    exact: Mapped[str | None]
    source: Mapped[ScoreSource] = enum_column(ScoreSource)
    note: Mapped[str | None]
