"""Mixin columns by which rows are scoped (数据范围)."""

from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit.db import Base


class RegionScoped:
    """`region_path`: codes from the city down, each followed by a slash (`370300000000/370302000000/`)."""

    region_path: Mapped[str] = mapped_column(index=True)


class UnitScoped:
    """`unit_path`: unit numbers from the top managing unit down (`1/15/208/`); empty when no unit is concerned."""

    unit_path: Mapped[str | None] = mapped_column(index=True)


class UnitMember(RegionScoped, UnitScoped):
    """Belongs to the unit `unit_id`: both paths are the unit's, and follow when it moves or changes its region."""


class OwnerScoped:
    """`owner_id`: the user whom the row belongs to."""

    owner_id: Mapped[UUID | None] = mapped_column(index=True)


def scoped_tables(mixin: type[RegionScoped] | type[UnitScoped]) -> list[Table]:
    """Every mapped table that carries the mixin's path, in a stable order: they follow when a path changes."""
    found = [mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, mixin)]
    return sorted((table for table in found if isinstance(table, Table)), key=lambda table: table.name)
