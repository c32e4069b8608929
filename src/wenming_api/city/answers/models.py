"""Tables of answers; rows are never changed or deleted."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped
from wenming_api.city.answers.rules import AnswerOutcome, AnswerSource
from wenming_api.kit.db import Base, Keyed, enum_column


class Answer(Keyed, OwnerScoped, Base):
    """One respondent's answers (答卷); `owner_id` is the assessor's, none for public answers. Scoped by its stratum."""

    __tablename__ = "survey_answers"
    __table_args__ = (
        CheckConstraint("(source = 'link') = (owner_id IS NULL)", name="owner"),
        CheckConstraint("(source = 'import') = (number IS NOT NULL)", name="number"),
        Index("ix_survey_answers_received", "questionnaire_id", "received_at", "id"),
        Index("ix_survey_answers_stratum", "stratum_id", "id"),
        Index(
            "uq_survey_answers_number",
            "questionnaire_id",
            "number",
            unique=True,
            postgresql_where=text("number IS NOT NULL"),
        ),
    )

    questionnaire_id: Mapped[UUID] = mapped_column(ForeignKey("questionnaires.id"))
    stratum_id: Mapped[UUID] = mapped_column(ForeignKey("survey_strata.id"))
    source: Mapped[AnswerSource] = enum_column(AnswerSource)
    outcome: Mapped[AnswerOutcome] = enum_column(AnswerOutcome)
    number: Mapped[str | None]
    fingerprint: Mapped[str]
    captured_at: Mapped[datetime | None]
    received_at: Mapped[datetime]


class AnswerLine(Base):
    """The answer to one question: options in the order of the question, or a number, or a text."""

    __tablename__ = "survey_answer_lines"
    __table_args__ = (Index("ix_survey_answer_lines_question", "question_id"),)

    answer_id: Mapped[UUID] = mapped_column(ForeignKey("survey_answers.id"), primary_key=True)
    question_id: Mapped[UUID] = mapped_column(ForeignKey("questionnaire_questions.id"), primary_key=True)
    choices: Mapped[list[str]]
    number: Mapped[int | None]
    text: Mapped[str | None]
