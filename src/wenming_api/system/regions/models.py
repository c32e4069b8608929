"""Tables of regions."""

from datetime import date
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.system.regions.rules import RegionLevel


class Region(Keyed, Stamped, Versioned, Base):
    """A region in the management tree; `path` is the chain of codes down to it, each followed by a slash."""

    __tablename__ = "regions"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    full_name: Mapped[str]
    level: Mapped[RegionLevel] = enum_column(RegionLevel)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("regions.id"), index=True)
    path: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (Index("ix_regions_level_path", "level", "path"), Index("ix_regions_name", "name"))


class RegionParent(Keyed, Base):
    """Which parent a region had, from when to when: the management tree is effective-dated."""

    __tablename__ = "region_parents"

    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("regions.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    reason: Mapped[str | None]
