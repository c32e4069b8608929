"""Tables of sites."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Sequence, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import RegionScoped, UnitScoped
from wenming_api.city.sites.rules import SiteAction
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.kit.geo import Crs

Degrees = Numeric(11, 8)
"""Degrees with about a millimetre of resolution."""


site_numbers = Sequence("site_numbers", metadata=Base.metadata)
"""Numbers for the codes of sites that come without one."""


class Site(Keyed, RegionScoped, UnitScoped, Stamped, Versioned, Base):
    """A site (点位). Coordinates are kept as given; the map columns hold them in WGS 84."""

    __tablename__ = "sites"
    __table_args__ = (
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="both_coordinates"),
        CheckConstraint("(longitude IS NULL) = (map_longitude IS NULL)", name="map_longitude"),
        CheckConstraint("(latitude IS NULL) = (map_latitude IS NULL)", name="map_latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        Index("ix_sites_type", "site_type_code", "region_path"),
        Index("ix_sites_name_order", "name", "id"),
        Index("ix_sites_updated", "updated_at", "id"),
        Index("ix_sites_name", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
        Index(
            "ix_sites_map",
            text("point(map_longitude::double precision, map_latitude::double precision)"),
            postgresql_using="gist",
            postgresql_where=text("map_longitude IS NOT NULL"),
        ),
    )

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    site_type_code: Mapped[str] = mapped_column(ForeignKey("site_types.code"))
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), index=True)
    address: Mapped[str | None]
    longitude: Mapped[Decimal | None] = mapped_column(Degrees)
    latitude: Mapped[Decimal | None] = mapped_column(Degrees)
    crs: Mapped[Crs] = enum_column(Crs)
    map_longitude: Mapped[Decimal | None] = mapped_column(Degrees)
    map_latitude: Mapped[Decimal | None] = mapped_column(Degrees)
    responsible_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"), index=True)
    industry_code: Mapped[str | None]
    active: Mapped[bool]
    note: Mapped[str | None]


class SiteVersion(Keyed, Base):
    """One entry of a site's history: who changed which fields when, from what to what. Never changed."""

    __tablename__ = "site_versions"
    __table_args__ = (UniqueConstraint("site_id", "no"),)

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    no: Mapped[int]
    action: Mapped[SiteAction] = enum_column(SiteAction)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    by_id: Mapped[UUID | None]
    by_name: Mapped[str]
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None]
