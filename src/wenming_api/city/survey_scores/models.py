"""The table of computed questionnaire scores."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import RegionScoped
from wenming_api.kit.db import Base, Keyed, Stamped


class SurveyScore(Keyed, RegionScoped, Stamped, Base):
    """What the answers of a region give one standard: 100 × Σ points / Σ maxima. `exact` is that rate as a fraction,
    `score` the same with ten places; `respondents` are those who answered a question of the standard."""

    __tablename__ = "survey_scores"
    __table_args__ = (
        UniqueConstraint("assessment_id", "method_code", "region_id", "standard_id"),
        CheckConstraint("score >= 0 AND score <= 100", name="score"),
        CheckConstraint("respondents > 0", name="respondents"),
    )

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"))
    method_code: Mapped[str]
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), index=True)
    standard_id: Mapped[UUID] = mapped_column(ForeignKey("standards.id"), index=True)
    score: Mapped[Decimal]
    exact: Mapped[str]
    respondents: Mapped[int]
