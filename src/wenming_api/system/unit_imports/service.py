"""Importing units (M2.2)."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.imports import ImportReport, failed_rows, faults_of
from wenming_api.kit.workbooks import (
    Cell,
    CellError,
    Column,
    ReadTable,
    Table,
    boolean,
    plain_text,
    read_table,
    write_errors,
)
from wenming_api.system.audit.service import record
from wenming_api.system.dictionaries.queries import item_names
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.service import hold_tree
from wenming_api.system.unit_imports.rules import Arranged, Key, UnitFact, UnitRow, arrange
from wenming_api.system.units.models import Unit
from wenming_api.system.units.rules import CATEGORIES, MAX_DEPTH, child_path, depth, is_credit_code
from wenming_api.system.units.service import next_numbers


def _credit_code(cell: Cell) -> str:
    code = plain_text(cell).strip().upper()
    if not is_credit_code(code):
        raise CellError("不是有效的统一社会信用代码（18 位，校验位不符）")
    return code


TABLE = Table(
    name="单位",
    columns=(
        Column(key="name", header="名称", required=True, max_length=100),
        Column(key="short_name", header="简称", max_length=100),
        Column(key="credit_code", header="统一社会信用代码", parse=_credit_code, max_length=18, width=24),
        Column(key="region_code", header="区域代码", required=True, max_length=12),
        Column(key="managing", header="管理单位", max_length=100, hint="单位名称；有同名单位时填统一社会信用代码"),
        Column(key="category_code", header="单位类别"),
        Column(key="nature_code", header="单位性质"),
        Column(key="industry_code", header="行业"),
        Column(key="civility_level_code", header="文明级别"),
        Column(key="is_civility_office", header="是否文明办", parse=boolean, choices=("是", "否")),
    ),
)
_PLAIN = ("short_name", "credit_code", *CATEGORIES, "is_civility_office")
_OUTSIDE = "不在您的数据范围内"


async def import_units(
    session: WriteSession, *, caller: Principal, data: bytes, dry_run: bool, partial: bool
) -> tuple[ImportReport, bytes | None]:
    """Import units from CSV or XLSX, in set-based statements; a unit of the same name and region is updated.

    Nothing is saved on a dry run, nor when a row is wrong unless `partial`. Returns the report and, when rows were
    wrong, the workbook that marks them.
    """
    read = await asyncio.to_thread(read_table, data, TABLE)
    await hold_tree(session)
    existing = await _existing(session)
    plan = _Plan(caller, read, existing, await _regions(session, read), await _codes(session, read))
    rows = [
        UnitRow(found.number, found["region_code"], found["name"], found["credit_code"], found["managing"])
        for found in read.good_rows()
    ]
    arranged, faults = arrange(rows, [_fact(found) for found in existing.values()])
    for row, column, message in faults:
        read.reject(row.row, message, column)
    numbers = iter(await next_numbers(session, sum(not item.exists for item in arranged)))
    for item in arranged:
        plan.take(item, numbers)
    failed = failed_rows(read)
    apply = not dry_run and (partial or not failed)
    if apply:
        await plan.save(session)
        await record(
            session,
            caller=caller,
            action="units.import",
            target=("unit", None),
            after={"created": len(plan.new), "updated": len(plan.changed)},
        )
    report = ImportReport(
        dry_run=dry_run,
        applied=apply,
        total=len(plan.new) + len(plan.changed) + plan.unchanged + failed,
        created=len(plan.new),
        updated=len(plan.changed),
        unchanged=plan.unchanged,
        failed=failed,
        faults=faults_of(read),
    )
    return report, await asyncio.to_thread(write_errors, [read]) if failed else None


async def _existing(session: WriteSession) -> dict[Key, Any]:
    managing, managing_region = aliased(Unit), aliased(Region)
    found = await session.execute(
        select(
            *(getattr(Unit, name) for name in ("id", "name", "unit_path", "region_path", "active", *_PLAIN)),
            Region.code.label("region_code"),
            managing.name.label("managing_name"),
            managing_region.code.label("managing_region"),
        )
        .join(Region, Region.id == Unit.region_id)
        .outerjoin(managing, managing.id == Unit.managing_unit_id)
        .outerjoin(managing_region, managing_region.id == managing.region_id)
    )
    return {(row.region_code, row.name): row for row in found}


def _fact(row: Any) -> UnitFact:
    managing = (row.managing_region, row.managing_name) if row.managing_name else None
    return UnitFact(row.region_code, row.name, row.credit_code, managing)


async def _regions(session: WriteSession, read: ReadTable) -> dict[str, Any]:
    wanted = {row["region_code"] for row in read.rows}
    found = await session.execute(
        select(Region.id, Region.code, Region.path).where(Region.code.in_(wanted), Region.active)
    )
    regions = {region.code: region for region in found}
    for row in read.rows:
        if row["region_code"] not in regions:
            read.reject(row.number, f"没有代码为 {row['region_code']} 的区域，或已停用", "region_code")
    return regions


async def _codes(session: WriteSession, read: ReadTable) -> dict[int, dict[str, str | None]]:
    """Codes of dictionary items by row, from the names or codes in the cells."""
    codes: dict[int, dict[str, str | None]] = {row.number: {} for row in read.rows}
    for column, dictionary in CATEGORIES.items():
        names = await item_names(session, dictionary, active=True)
        by_name = {name: code for code, name in names.items()}
        for row in read.rows:
            given = row[column]
            code = by_name.get(given) or (given if given in names else None)
            if given and code is None:
                read.reject(row.number, f"字典中没有“{given}”", column)
            codes[row.number][column] = code
    return codes


@dataclass
class _Plan:
    """What an import will write. Rows outside the caller's scope are rejected, and so is what they manage."""

    caller: Principal
    read: ReadTable
    existing: dict[Key, Any]
    regions: dict[str, Any]
    codes: dict[int, dict[str, str | None]]
    new: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    unchanged: int = 0
    _made: dict[Key, tuple[UUID, str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._values = {row.number: row.values for row in self.read.rows}

    def take(self, item: Arranged, numbers: Iterator[int]) -> None:
        """Plan one row; its managing unit was taken before it."""
        given = {**self._values[item.row.row], **self.codes[item.row.row]}
        if item.exists:
            self._change(item, given)
        else:
            self._add(item, given, next(numbers))

    def _change(self, item: Arranged, given: dict[str, Any]) -> None:
        kept = self.existing[item.row.key]
        if not self.caller.scope.holds_unit(kept.unit_path, kept.region_path):
            self.read.reject(item.row.row, f"该单位{_OUTSIDE}", "name")
        elif not kept.active:
            self.read.reject(item.row.row, "该单位已停用", "name")
        else:
            merged = {name: getattr(kept, name) if given[name] is None else given[name] for name in _PLAIN}
            if all(merged[name] == getattr(kept, name) for name in _PLAIN):
                self.unchanged += 1
            else:
                self.changed.append({"key": kept.id, **{f"new_{name}": value for name, value in merged.items()}})

    def _add(self, item: Arranged, given: dict[str, Any], number: int) -> None:
        region = self.regions[item.row.region_code]
        managing_id, managing_path, fault = self._managing(item.managing)
        path = child_path(managing_path, number)
        if fault is not None:
            self.read.reject(item.row.row, fault, "managing")
        elif depth(path) > MAX_DEPTH:
            self.read.reject(item.row.row, f"管理层级不能超过 {MAX_DEPTH} 级", "managing")
        elif not self.caller.scope.holds_unit(path, region.path):
            self.read.reject(item.row.row, f"该区域{_OUTSIDE}", "region_code")
        else:
            row = {
                "id": uuid7(),
                "number": number,
                "name": item.row.name,
                "region_id": region.id,
                "region_path": region.path,
                "managing_unit_id": managing_id,
                "unit_path": path,
                **{name: given[name] for name in _PLAIN},
                "is_civility_office": bool(given["is_civility_office"]),
            }
            self.new.append(row)
            self._made[item.row.key] = (row["id"], path, region.path)

    def _managing(self, key: Key | None) -> tuple[UUID | None, str, str | None]:
        if key is None:
            return None, "", None
        if key in self._made:
            id_, path, _ = self._made[key]
            return id_, path, None
        kept = self.existing.get(key)
        if kept is None:
            return None, "", f"管理单位“{key[1]}”所在行有误"
        if not kept.active or not self.caller.scope.holds_unit(kept.unit_path, kept.region_path):
            return None, "", f"管理单位“{key[1]}”已停用，或{_OUTSIDE}"
        return kept.id, kept.unit_path, None

    async def save(self, session: WriteSession) -> None:
        """Write what was planned."""
        table = Unit.__table__
        if self.new:
            await session.execute(insert(Unit), self.new)
        if self.changed:
            await session.execute(
                update(table)  # type: ignore[arg-type]
                .where(table.c.id == bindparam("key"))
                .values(
                    **{name: bindparam(f"new_{name}") for name in _PLAIN},
                    version=table.c.version + 1,
                    updated_at=clock.now(),
                ),
                self.changed,
            )
