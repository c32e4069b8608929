"""Mixin columns by which rows are scoped (数据范围)."""

from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table
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


class ReceivedByUnit:
    """Was sent to the unit `receiver_unit_id`: both paths are that unit's, and follow as those of a `UnitMember`."""

    receiver_unit_path: Mapped[str] = mapped_column(index=True)
    receiver_region_path: Mapped[str] = mapped_column(index=True)


class OwnerScoped:
    """`owner_id`: the user whom the row belongs to."""

    owner_id: Mapped[UUID | None] = mapped_column(index=True)


def unit_path_columns() -> list["Column[Any]"]:
    """Every column that holds the path of a unit, in a stable order: they follow when a path changes."""
    received = [table.c.receiver_unit_path for table in _tables(ReceivedByUnit)]
    return [table.c.unit_path for table in _tables(UnitScoped)] + received


def region_path_columns() -> list["Column[Any]"]:
    """Every column that holds the path of a region, in a stable order: they follow when a path changes."""
    received = [table.c.receiver_region_path for table in _tables(ReceivedByUnit)]
    return [table.c.region_path for table in _tables(RegionScoped)] + received


def region_paths_by_unit() -> list[tuple["Column[Any]", "Column[Any]"]]:
    """Every column that names a unit, with the column that repeats the path of that unit's region."""
    received = [(table.c.receiver_unit_id, table.c.receiver_region_path) for table in _tables(ReceivedByUnit)]
    return [(table.c.unit_id, table.c.region_path) for table in _tables(UnitMember)] + received


def _tables(mixin: type[Any]) -> list[Table]:
    found = [mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, mixin)]
    return sorted((table for table in found if isinstance(table, Table)), key=lambda table: table.name)
