"""Tables of custom areas."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import RegionScoped
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.system.areas.rules import AreaKind


class Area(Keyed, RegionScoped, Stamped, Versioned, Base):
    """A named set of regions. `region_path` is that of the region the area lies in, by which it is scoped."""

    __tablename__ = "areas"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[AreaKind] = enum_column(AreaKind)
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str | None]


class AreaMember(Base):
    """A region that belongs to an area, with all that lies under it."""

    __tablename__ = "area_members"

    area_id: Mapped[UUID] = mapped_column(ForeignKey("areas.id", ondelete="CASCADE"), primary_key=True)
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), primary_key=True, index=True)
