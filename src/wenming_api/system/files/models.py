"""Tables of files."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped, RegionScoped, UnitScoped
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.kit.decoding import Defect
from wenming_api.system.files.rules import FileKind, FileState


class File(Keyed, OwnerScoped, RegionScoped, UnitScoped, Stamped, Versioned, Base):
    """A file in object storage; the id may have been made by the client.

    `region_path` and `unit_path` are those of the uploader at the time. `size` in bytes. `phash` is the
    perceptual hash (`kit.likeness`) as a signed number. Coordinates are WGS-84 degrees as the camera wrote
    them; `taken_zone_known` says whether it also stated its zone (otherwise Asia/Shanghai is assumed). `held`
    files are evidence of something and cannot be deleted.
    """

    __tablename__ = "files"

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    upload_session_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("upload_sessions.id", ondelete="SET NULL"), index=True
    )
    kind: Mapped[FileKind] = enum_column(FileKind)
    state: Mapped[FileState] = enum_column(FileState, default=FileState.PENDING)
    name: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    multipart_id: Mapped[str | None]
    expires_at: Mapped[datetime]
    uploaded_at: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]
    defect: Mapped[Defect | None] = enum_column(Defect)
    defect_note: Mapped[str | None]
    sha256: Mapped[str | None]
    phash: Mapped[int | None] = mapped_column(BigInteger)
    duplicate_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("files.id", ondelete="SET NULL"), index=True)
    width: Mapped[int | None]
    height: Mapped[int | None]
    seconds: Mapped[float | None] = mapped_column(Double)
    taken_at: Mapped[datetime | None]
    taken_zone_known: Mapped[bool | None]
    longitude: Mapped[Decimal | None] = mapped_column(Numeric(10, 7))
    latitude: Mapped[Decimal | None] = mapped_column(Numeric(10, 7))
    camera: Mapped[str | None]
    held: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("sha256 IS NULL OR sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="place"),
        CheckConstraint("(state = 'quarantined') = (defect IS NOT NULL)", name="quarantine"),
        CheckConstraint("state <> 'ready' OR sha256 IS NOT NULL", name="ready"),
        Index("ix_files_sha256", "sha256", postgresql_where=text("sha256 IS NOT NULL")),
        Index("ix_files_pending", "expires_at", postgresql_where=text("state = 'pending'")),
        Index("ix_files_uploaded", "uploaded_at", postgresql_where=text("state = 'uploaded'")),
    )
