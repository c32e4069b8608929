"""Tables of records."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Numeric,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped, UnitMember
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.ledgers.contents.rules import FileUse
from wenming_api.ledgers.records.rules import RecordState, SourceKind


class Record(Keyed, OwnerScoped, UnitMember, Stamped, Versioned, Base):
    """A record (台账记录) of the unit `unit_id`, written by `owner_id`; its id may be made by the client.

    The columns repeat what lists need of the current version. `search` holds every two neighbouring characters of the
    text in `searched`, which is what a word of three characters or more is looked for in afterwards.
    """

    __tablename__ = "records"

    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    state: Mapped[RecordState] = enum_column(RecordState, default=RecordState.DRAFT)
    title: Mapped[str]
    work_area_code: Mapped[str | None]
    happened_on: Mapped[date | None]
    period_start: Mapped[date | None]
    period_end: Mapped[date | None]
    current_version_no: Mapped[int]
    approved_version_no: Mapped[int | None]
    approval_id: Mapped[UUID | None]
    submitted_once: Mapped[bool] = mapped_column(default=False)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    source_kind: Mapped[SourceKind | None] = enum_column(SourceKind)
    source_id: Mapped[UUID | None]
    copied_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("records.id", ondelete="SET NULL"), index=True)
    findings_worst: Mapped[str | None]
    searched: Mapped[str]
    search: Mapped[Any] = mapped_column(TSVECTOR)

    __table_args__ = (
        CheckConstraint("period_start <= period_end", name="period"),
        CheckConstraint("approved_version_no <= current_version_no", name="approved_version_no"),
        CheckConstraint("findings_worst IN ('notice', 'minor', 'serious')", name="findings_worst"),
        CheckConstraint("(source_kind IS NULL) = (source_id IS NULL)", name="source"),
        Index("ix_records_search", "search", postgresql_using="gin"),
        Index("ix_records_updated", "updated_at", "id"),
        Index("ix_records_happened", "happened_on", "id"),
        Index("ix_records_unit_updated", "unit_path", "updated_at", "id"),
        Index("ix_records_region_state", "region_path", "state", "id"),
        Index("ix_records_area", "work_area_code", "updated_at"),
        Index("ix_records_source", "source_id", postgresql_where=text("source_id IS NOT NULL")),
    )


class RecordVersion(Base):
    """One explicit save: never changed. `content` is `contents.schemas.Content`, `findings` the quality verdict.

    `row_version` is the version of the record's row that the save led to, so that an edit that names an older one
    tells which content it started from.
    """

    __tablename__ = "record_versions"

    record_id: Mapped[UUID] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    row_version: Mapped[int]
    content: Mapped[dict[str, Any]]
    content_hash: Mapped[str]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    ruleset_hash: Mapped[str | None]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("no > 0", name="no"),
        CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name="content_hash"),
    )


class RecordCategory(Base):
    """A small category (leaf) that the current version is filed under."""

    __tablename__ = "record_categories"

    record_id: Mapped[UUID] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("catalogue_nodes.id"), primary_key=True)

    __table_args__ = (Index("ix_record_categories_node_id", "node_id", "record_id"),)


class RecordFeatures(UnitMember, OwnerScoped, Base):
    """What the quality rules look at in one version: `features.rules.Features` as columns. `owner_id` is the author.

    `category_codes` and `category_ids` name the version's categories and all above them.
    """

    __tablename__ = "record_features"

    version_id: Mapped[UUID] = mapped_column(ForeignKey("record_versions.id", ondelete="CASCADE"), primary_key=True)
    record_id: Mapped[UUID] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), index=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    unit_path: Mapped[str] = mapped_column(index=True)
    current: Mapped[bool]
    category_codes: Mapped[list[str]]
    category_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    photos: Mapped[int]
    photos_with_time: Mapped[int]
    photos_with_place: Mapped[int]
    photos_with_people: Mapped[int]
    photos_with_theme: Mapped[int]
    photos_with_background: Mapped[int]
    photos_with_reason: Mapped[int]
    photos_fully_captioned: Mapped[int]
    photos_naming_unit: Mapped[int]
    videos: Mapped[int]
    attachments: Mapped[int]
    normative_documents: Mapped[int]
    statements: Mapped[int]
    tables: Mapped[int]
    other_attachments: Mapped[int]
    title_length: Mapped[int]
    text_length: Mapped[int]
    conclusion_length: Mapped[int]
    underlines: Mapped[int]
    participants: Mapped[int | None]
    volunteer_hours: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    happened_on: Mapped[date | None]
    period_start: Mapped[date | None]
    period_end: Mapped[date | None]
    saved_on: Mapped[date]
    has_document_number: Mapped[bool]
    document_number_well_formed: Mapped[bool]
    place_given: Mapped[bool]
    located: Mapped[bool]
    people_named: Mapped[bool]
    unit_named_in_text: Mapped[bool]
    duplicate_photo: Mapped[bool | None]
    work_area: Mapped[str | None]

    __table_args__ = (Index("ix_record_features_current", "unit_path", "record_id", postgresql_where=text("current")),)


class RecordFile(Base):
    """A file that a version shows, so that whoever sees the record may see the file."""

    __tablename__ = "record_files"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    version_no: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("files.id"), primary_key=True, index=True)
    use: Mapped[FileUse] = enum_column(FileUse, primary_key=True)
    position: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(
            ["record_id", "version_no"], ["record_versions.record_id", "record_versions.no"], ondelete="CASCADE"
        ),
    )
