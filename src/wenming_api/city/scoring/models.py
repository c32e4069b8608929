"""Tables of score sheets.

`sheet_versions`, `score_lines`, `deductions`, `line_photos` and `sheet_reviews` are append-only: a trigger
refuses to change or delete their rows. What moves on lives in `sheets`.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped, RegionScoped, UnitScoped
from wenming_api.city.scoring.rules import (
    Evidence,
    LateState,
    SheetState,
    Verdict,
    VersionKind,
)
from wenming_api.city.standards.rules import Outcome
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.kit.geo import Crs

Degrees = Numeric(10, 7)
"""Degrees with about a centimetre of resolution."""


class Sheet(Keyed, RegionScoped, UnitScoped, OwnerScoped, Stamped, Versioned, Base):
    """One assessor's sheet for one drawn site (测评表).

    The columns of the data scopes are declared again, without an index of their own: the hot write path pays for
    every index, and each list starts from an assessment or from an assessor.
    """

    __tablename__ = "sheets"
    __table_args__ = (
        UniqueConstraint("draw_id", "site_id", "owner_id"),
        CheckConstraint("(version_no = 0) = (current_version_id IS NULL)", name="current_version"),
        CheckConstraint("(version_no = 0) = (state IN ('assigned', 'draft'))", name="state_has_version"),
        CheckConstraint("state <> 'accepted' OR accepted_version_id = current_version_id", name="accepted_version"),
        Index("ix_sheets_assessment_region", "assessment_id", "region_path", "id"),
        Index(
            "ix_sheets_assessment_state",
            "assessment_id",
            "state",
            "region_path",
            "id",
            postgresql_include=["owner_id", "submitted_at"],
        ),
        Index("ix_sheets_assessment_submitted", "assessment_id", "submitted_at", "id"),
        Index("ix_sheets_owner", "owner_id", "assessment_id", "id"),
        Index("ix_sheets_site", "site_id"),
        Index("ix_sheets_awaiting", "id", postgresql_where=text("evidence = 'awaiting'")),
    )

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"))
    draw_id: Mapped[UUID] = mapped_column(ForeignKey("draws.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    site_type_code: Mapped[str] = mapped_column(ForeignKey("site_types.code"))
    region_path: Mapped[str] = mapped_column()
    unit_path: Mapped[str | None] = mapped_column()
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    state: Mapped[SheetState] = enum_column(SheetState)
    version_no: Mapped[int]
    current_version_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("sheet_versions.id", name="fk_sheets_current_version_id", use_alter=True)
    )
    accepted_version_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("sheet_versions.id", name="fk_sheets_accepted_version_id", use_alter=True)
    )
    evidence: Mapped[Evidence] = enum_column(Evidence)
    assigned_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    submitted_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]


class SheetDraft(Base):
    """What an assessor has saved and not submitted yet; not judged before it is submitted."""

    __tablename__ = "sheet_drafts"

    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("sheets.id", ondelete="CASCADE"), primary_key=True)
    body: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]


class SheetVersion(Base):
    """A submitted version, immutable. Its id is made by the client, so that sending it twice records it once.

    `fingerprint` is that of the submission (`city.forms.rules.fingerprint`). `captured_at` is the device's clock,
    `received_at` the server's. `achieved` and `max_score` are the sums over applicable lines.
    """

    __tablename__ = "sheet_versions"
    __table_args__ = (
        UniqueConstraint("sheet_id", "no"),
        UniqueConstraint("id", "sheet_id", "assessment_id"),
        CheckConstraint("(kind = 'corrected') <= (reason IS NOT NULL)", name="correction_reason"),
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="both_coordinates"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("sheets.id"))
    assessment_id: Mapped[UUID]
    no: Mapped[int]
    kind: Mapped[VersionKind] = enum_column(VersionKind)
    reason: Mapped[str | None]
    replaces_id: Mapped[UUID | None]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    fingerprint: Mapped[str]
    captured_at: Mapped[datetime]
    received_at: Mapped[datetime]
    longitude: Mapped[Decimal | None] = mapped_column(Degrees)
    latitude: Mapped[Decimal | None] = mapped_column(Degrees)
    crs: Mapped[Crs] = enum_column(Crs)
    note: Mapped[str | None]
    achieved: Mapped[Decimal]
    max_score: Mapped[Decimal]
    vetoed: Mapped[bool]


class ScoreLine(Keyed, Base):
    """What one standard came to in one version. `achieved` is empty when the standard did not apply."""

    __tablename__ = "score_lines"
    __table_args__ = (
        UniqueConstraint("sheet_version_id", "standard_id"),
        ForeignKeyConstraint(
            ["sheet_version_id", "sheet_id", "assessment_id"],
            ["sheet_versions.id", "sheet_versions.sheet_id", "sheet_versions.assessment_id"],
            name="fk_score_lines_version",
        ),
        CheckConstraint("(outcome = 'not_applicable') = (achieved IS NULL)", name="achieved"),
        Index("ix_score_lines_assessment_standard", "assessment_id", "standard_id"),
    )

    sheet_version_id: Mapped[UUID]
    sheet_id: Mapped[UUID]
    assessment_id: Mapped[UUID]
    standard_id: Mapped[UUID] = mapped_column(ForeignKey("standards.id"))
    outcome: Mapped[Outcome] = enum_column(Outcome)
    entry: Mapped[dict[str, Any]]
    achieved: Mapped[Decimal | None]
    max_score: Mapped[Decimal]
    note: Mapped[str | None]


class Deduction(Keyed, Base):
    """One deduction of a line (扣分项): points off, why, and where in the line's order it stands."""

    __tablename__ = "deductions"
    __table_args__ = (
        UniqueConstraint("line_id", "no"),
        CheckConstraint("points > 0", name="points"),
    )

    line_id: Mapped[UUID] = mapped_column(ForeignKey("score_lines.id"))
    no: Mapped[int]
    points: Mapped[Decimal]
    reason_code: Mapped[str | None]
    note: Mapped[str | None]


class LinePhoto(Keyed, Base):
    """A photo that shows a line or one of its deductions.

    `file_id` names a file by the id that the client made; the file may arrive later, hence no foreign key.
    """

    __tablename__ = "line_photos"
    __table_args__ = (
        UniqueConstraint("line_id", "no"),
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="both_coordinates"),
        Index("ix_line_photos_file", "file_id"),
    )

    line_id: Mapped[UUID] = mapped_column(ForeignKey("score_lines.id"))
    no: Mapped[int]
    deduction_no: Mapped[int | None]
    file_id: Mapped[UUID]
    taken_at: Mapped[datetime | None]
    longitude: Mapped[Decimal | None] = mapped_column(Degrees)
    latitude: Mapped[Decimal | None] = mapped_column(Degrees)


class SheetReview(Keyed, Base):
    """What a reviewer decided about one version; a version is decided once."""

    __tablename__ = "sheet_reviews"
    __table_args__ = (
        UniqueConstraint("version_id"),
        CheckConstraint("(verdict = 'returned') <= (reason IS NOT NULL)", name="return_reason"),
        Index("ix_sheet_reviews_sheet", "sheet_id"),
    )

    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("sheets.id"))
    version_id: Mapped[UUID] = mapped_column(ForeignKey("sheet_versions.id"))
    verdict: Mapped[Verdict] = enum_column(Verdict)
    reason: Mapped[str | None]
    reviewer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime]


class LateSubmission(RegionScoped, OwnerScoped, Stamped, Versioned, Base):
    """A submission that came while entry was frozen (迟到数据); the id is the submission's own."""

    __tablename__ = "late_submissions"
    __table_args__ = (
        CheckConstraint("(state = 'waiting') = (decided_by IS NULL)", name="decided_by"),
        CheckConstraint("(state = 'waiting') = (reason IS NULL)", name="decision_reason"),
        Index("ix_late_submissions_tray", "assessment_id", "state", "received_at"),
        Index("ix_late_submissions_sheet", "sheet_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"))
    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("sheets.id"))
    region_path: Mapped[str] = mapped_column()
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    state: Mapped[LateState] = enum_column(LateState)
    fingerprint: Mapped[str]
    body: Mapped[dict[str, Any]]
    captured_at: Mapped[datetime]
    received_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
