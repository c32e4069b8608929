"""Tables of questionnaires: versions, questions, strata with their quotas, prints against repeats."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import RegionScoped
from wenming_api.city.questionnaires.rules import QuestionKind, QuestionnaireState
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column


class Questionnaire(Keyed, RegionScoped, Stamped, Versioned, Base):
    """One version (`no`) of the questionnaire `code` of an assessment; `region_path` is the assessment's.

    `method_code` is the method that the scores go into. `counted` is False for a closed version whose answers are left
    out of the scores. `print_key` keys the prints of devices and addresses; it is forgotten when the version closes.
    """

    __tablename__ = "questionnaires"
    __table_args__ = (
        UniqueConstraint("assessment_id", "code", "no"),
        CheckConstraint("no > 0", name="no"),
        CheckConstraint("opens_at < closes_at", name="window"),
        CheckConstraint("per_device > 0 AND per_address > 0", name="repeats"),
        CheckConstraint("(state = 'draft') = (published_at IS NULL)", name="published"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("state = 'closed' OR counted", name="counted"),
        Index(
            "uq_questionnaires_published",
            "assessment_id",
            "code",
            unique=True,
            postgresql_where=text("state = 'published'"),
        ),
    )

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"))
    region_path: Mapped[str] = mapped_column()
    code: Mapped[str]
    no: Mapped[int]
    name: Mapped[str]
    introduction: Mapped[str | None]
    state: Mapped[QuestionnaireState] = enum_column(QuestionnaireState, default=QuestionnaireState.DRAFT)
    method_code: Mapped[str | None]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    per_device: Mapped[int]
    per_address: Mapped[int]
    counted: Mapped[bool] = mapped_column(default=True)
    print_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    revises_id: Mapped[UUID | None] = mapped_column(ForeignKey("questionnaires.id", ondelete="SET NULL"), index=True)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    published_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class QuestionRow(Keyed, Base):
    """A question of one version; `rules.Question` says what the columns mean."""

    __tablename__ = "questionnaire_questions"
    __table_args__ = (
        UniqueConstraint("questionnaire_id", "code"),
        UniqueConstraint("questionnaire_id", "position"),
        CheckConstraint("(standard_id IS NULL) = (max_score IS NULL)", name="scored"),
        CheckConstraint("max_score > 0", name="max_score"),
        CheckConstraint("low < high", name="scale"),
    )

    questionnaire_id: Mapped[UUID] = mapped_column(ForeignKey("questionnaires.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str]
    kind: Mapped[QuestionKind] = enum_column(QuestionKind)
    text: Mapped[str]
    required: Mapped[bool]
    screening: Mapped[bool]
    standard_id: Mapped[UUID | None] = mapped_column(ForeignKey("standards.id"), index=True)
    max_score: Mapped[Decimal | None]
    options: Mapped[list[dict[str, Any]]]
    max_choices: Mapped[int | None]
    low: Mapped[int | None]
    high: Mapped[int | None]
    low_label: Mapped[str | None]
    high_label: Mapped[str | None]
    show_if: Mapped[dict[str, Any] | None]


class SurveyStratum(Keyed, RegionScoped, Stamped, Versioned, Base):
    """A stratum (样本层): so many respondents of a region. `taken` are the counted answers so far; only recording an
    answer changes it, which does not raise the version."""

    __tablename__ = "survey_strata"
    __table_args__ = (
        UniqueConstraint("questionnaire_id", "code"),
        CheckConstraint("quota > 0", name="quota"),
        CheckConstraint("taken >= 0 AND taken <= quota", name="taken"),
        Index("ix_survey_strata_region_path", "questionnaire_id", "region_path"),
    )

    questionnaire_id: Mapped[UUID] = mapped_column(ForeignKey("questionnaires.id", ondelete="CASCADE"))
    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"), index=True)
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), index=True)
    region_path: Mapped[str] = mapped_column()
    code: Mapped[str]
    name: Mapped[str]
    quota: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    position: Mapped[int]


class SurveyPrint(Base):
    """How many answers came from one device or address: a keyed hash of it, never the thing itself; gone when the
    version closes."""

    __tablename__ = "survey_prints"
    __table_args__ = (CheckConstraint("answers > 0", name="answers"),)

    questionnaire_id: Mapped[UUID] = mapped_column(
        ForeignKey("questionnaires.id", ondelete="CASCADE"), primary_key=True
    )
    print: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    answers: Mapped[int]
