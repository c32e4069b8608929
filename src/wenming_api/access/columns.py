"""Mixin columns by which rows are scoped (数据范围)."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column


class RegionScoped:
    """`region_path`: codes from the city down, each followed by a slash (`370300000000/370302000000/`)."""

    region_path: Mapped[str] = mapped_column(index=True)


class UnitScoped:
    """`unit_path`: unit numbers from the top managing unit down (`1/15/208/`); empty when no unit is concerned."""

    unit_path: Mapped[str | None] = mapped_column(index=True)


class OwnerScoped:
    """`owner_id`: the user whom the row belongs to."""

    owner_id: Mapped[UUID | None] = mapped_column(index=True)
