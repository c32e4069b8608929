"""Tables of packages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.ledgers.packages.rules import GapKind, MemberKind, PackageState


class Package(Keyed, UnitMember, Stamped, Versioned, Base):
    """A package (申报材料包) of the unit `unit_id`, made of one book.

    Limits count characters and bytes; null is what the nodes say. `run` is raised by every worker that takes the
    building up: one that has been overtaken finds it changed and stops. Sizes in bytes; hashes are SHA-256.
    """

    __tablename__ = "packages"

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    book_id: Mapped[UUID] = mapped_column(ForeignKey("books.id"), index=True)
    catalogue_id: Mapped[UUID] = mapped_column(ForeignKey("catalogues.id"), index=True)
    year: Mapped[int]
    title: Mapped[str]
    state: Mapped[PackageState] = enum_column(PackageState, default=PackageState.DRAFT)
    statement_limit: Mapped[int | None]
    photo_limit_bytes: Mapped[int | None]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    validated_at: Mapped[datetime | None]
    blocking: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[int] = mapped_column(default=0)
    members_total: Mapped[int] = mapped_column(default=0)
    members_done: Mapped[int] = mapped_column(default=0)
    bytes_done: Mapped[int] = mapped_column(BigInteger, default=0)
    run: Mapped[int] = mapped_column(default=0)
    multipart_id: Mapped[str | None]
    started_at: Mapped[datetime | None]
    progressed_at: Mapped[datetime | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    manifest_hash: Mapped[str | None]
    built_at: Mapped[datetime | None]
    error: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("statement_limit > 0", name="statement_limit"),
        CheckConstraint("photo_limit_bytes > 0", name="photo_limit_bytes"),
        CheckConstraint("manifest_hash ~ '^[0-9a-f]{64}$'", name="manifest_hash"),
        CheckConstraint(
            "state <> 'built' OR (size IS NOT NULL AND manifest_hash IS NOT NULL AND built_at IS NOT NULL)",
            name="built",
        ),
        Index("ix_packages_created", "created_at", "id"),
    )


class PackageStatement(Base):
    """The statement of one node, written for the package; without it the records' own conclusions serve."""

    __tablename__ = "package_statements"

    package_id: Mapped[UUID] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("catalogue_nodes.id"), primary_key=True)
    text: Mapped[str]


class PackageGap(Base):
    """Something that the last validation found wanting, in the order of the catalogue."""

    __tablename__ = "package_gaps"

    package_id: Mapped[UUID] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[GapKind] = enum_column(GapKind)
    blocking: Mapped[bool]
    node_id: Mapped[UUID] = mapped_column(ForeignKey("catalogue_nodes.id"))
    submission_id: Mapped[UUID | None]
    file_id: Mapped[UUID | None]
    by: Mapped[int | None]
    message: Mapped[str]


class PackageMember(Base):
    """A member of the archive, planned by the validation. `size`, `crc`, `sha256` are known once it is written."""

    __tablename__ = "package_members"

    package_id: Mapped[UUID] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[MemberKind] = enum_column(MemberKind)
    node_id: Mapped[UUID | None]
    submission_id: Mapped[UUID | None]
    file_id: Mapped[UUID | None]
    limit_bytes: Mapped[int | None]
    caption: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    body: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    crc: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("position > 0", name="position"),
        CheckConstraint("(size IS NULL) = (sha256 IS NULL) AND (size IS NULL) = (crc IS NULL)", name="facts"),
    )


class PackagePart(Base):
    """A part of the archive that object storage holds."""

    __tablename__ = "package_parts"

    package_id: Mapped[UUID] = mapped_column(ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    etag: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
