"""Tables of applications for titles."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped, UnitMember
from wenming_api.creation.title_applications.rules import ApplicationState
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column


class TitleApplication(Keyed, UnitMember, OwnerScoped, Stamped, Versioned, Base):
    """An application (申报) of a holder in a term; one per holder and term that was not withdrawn.

    `self_assessment` and `evaluation`: {answers: [{code, score, note, file_ids}], vetoes: [{code, hit, note}]}, their
    totals beside them. `kind` and `level` are the term's. `unit_id` applies for itself, or for its family.
    """

    __tablename__ = "title_applications"

    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    term_id: Mapped[UUID] = mapped_column(ForeignKey("title_terms.id"), index=True)
    kind: Mapped[TitleKind] = enum_column(TitleKind)
    level: Mapped[TitleLevel] = enum_column(TitleLevel)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    family_id: Mapped[UUID | None] = mapped_column(ForeignKey("title_families.id"), index=True)
    holder_id: Mapped[UUID]
    statement: Mapped[str]
    state: Mapped[ApplicationState] = enum_column(ApplicationState, default=ApplicationState.DRAFT)
    state_since: Mapped[datetime]
    self_assessment: Mapped[dict[str, Any]]
    self_score: Mapped[Decimal | None]
    evaluation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    score: Mapped[Decimal | None]
    passed: Mapped[bool | None]
    evaluated_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    evaluated_at: Mapped[datetime | None]
    approval_id: Mapped[UUID | None]
    submitted_at: Mapped[datetime | None]
    document_number: Mapped[str | None]
    document_on: Mapped[date | None]
    reason: Mapped[str | None]

    __table_args__ = (
        Index(
            "uq_title_applications_term_holder",
            "term_id",
            "holder_id",
            unique=True,
            postgresql_where=text("state <> 'withdrawn'"),
        ),
        Index("ix_title_applications_state", "state", "region_path", "id"),
        CheckConstraint("(kind = 'family') = (family_id IS NOT NULL)", name="family"),
        CheckConstraint("holder_id = coalesce(family_id, unit_id)", name="holder"),
        CheckConstraint("(document_number IS NOT NULL) = (state IN ('named', 'revoked'))", name="decision"),
    )
