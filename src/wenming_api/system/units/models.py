"""Tables of units and departments."""

from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import RegionScoped, UnitScoped
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned


class Unit(Keyed, RegionScoped, UnitScoped, Stamped, Versioned, Base):
    """An organisation at any level (单位): civility offices, functional departments, grass-roots units."""

    __tablename__ = "units"

    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    name: Mapped[str]
    short_name: Mapped[str | None]
    credit_code: Mapped[str | None] = mapped_column(unique=True)
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), index=True)
    managing_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"), index=True)
    unit_path: Mapped[str] = mapped_column(unique=True)
    category_code: Mapped[str | None]
    nature_code: Mapped[str | None]
    industry_code: Mapped[str | None]
    civility_level_code: Mapped[str | None]
    is_civility_office: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (
        UniqueConstraint("region_id", "name"),
        Index("ix_units_name", "name"),
        Index("ix_units_region_path_name", "region_path", "name"),
    )


class Department(Keyed, Stamped, Versioned, Base):
    """An office inside a unit (处室)."""

    __tablename__ = "departments"

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (UniqueConstraint("unit_id", "name"),)
