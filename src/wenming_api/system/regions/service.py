"""Changes of regions (C2.5)."""

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy import Text, bindparam, func, insert, literal, select, update

from wenming_api.access.columns import region_path_columns
from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.imports import ImportReport, failed_rows, faults_of
from wenming_api.kit.invalidation import invalidate
from wenming_api.kit.problems import FieldError, InvalidInput, NotFound, check_edited, check_judged
from wenming_api.kit.workbooks import Column, Table, choice, read_table, write_errors
from wenming_api.system.audit.service import record
from wenming_api.system.regions.models import Region, RegionParent
from wenming_api.system.regions.rules import (
    Placed,
    RegionFact,
    RegionLevel,
    RegionRow,
    child_path,
    may_contain,
    place,
    statistical_level,
)
from wenming_api.system.regions.schemas import RegionCreate, RegionMove, RegionUpdate

TABLE = Table(
    name="区域",
    columns=(
        Column(key="code", header="区划代码", required=True, max_length=12),
        Column(key="name", header="名称", required=True, max_length=100),
        Column(
            key="level",
            header="级别",
            parse=choice({level.label: level for level in RegionLevel}),
            required=True,
            choices=tuple(level.label for level in RegionLevel),
        ),
        Column(key="parent_code", header="上级代码", max_length=12),
    ),
)


_TREE_LOCK = 0x7EE


async def hold_tree(session: WriteSession, *, moving: bool = False) -> None:
    """Keep the paths of regions and units from moving until this transaction ends; `moving` waits for all holders.

    Taken before a path is read in order to be written into another row, so that no row keeps a path of the past.
    """
    lock = func.pg_advisory_xact_lock if moving else func.pg_advisory_xact_lock_shared
    await session.execute(select(lock(_TREE_LOCK)))


async def _locked(session: WriteSession, region_id: UUID, caller: Principal) -> Region:
    region = (
        await session.execute(select(Region).where(Region.id == region_id).with_for_update())
    ).scalar_one_or_none()
    if region is None or not caller.scope.holds_region(region.path):
        raise NotFound
    return region


async def create_region(session: WriteSession, *, caller: Principal, new: RegionCreate) -> Region:
    """Add a region below its parent; a second city, a wrong level or a taken code is refused."""
    await hold_tree(session)
    parent = await session.get(Region, new.parent_id) if new.parent_id else None
    if new.parent_id and parent is None:
        raise InvalidInput(errors=[FieldError("/parent_id", "上级区域不存在")])
    if parent is None and new.level is not RegionLevel.CITY:
        raise InvalidInput(errors=[FieldError("/parent_id", "须指定上级区域")])
    if parent and not may_contain(parent.level, new.level):
        raise InvalidInput(errors=[FieldError("/level", f"{parent.level.label}下不能设{new.level.label}")])
    expected = statistical_level(new.code)
    if expected is not None and expected is not new.level:
        raise InvalidInput(errors=[FieldError("/code", f"代码属于{expected.label}，与级别不符")])
    path = child_path(parent.path if parent else "", new.code)
    if not caller.scope.holds_region(path):
        raise NotFound
    region = Region(
        code=new.code,
        name=new.name,
        full_name=f"{parent.full_name}/{new.name}" if parent else new.name,
        level=new.level,
        parent_id=new.parent_id,
        path=path,
    )
    session.add(region)
    await session.flush()  # a taken code must answer before the audit entry is written
    session.add(RegionParent(region_id=region.id, parent_id=new.parent_id, valid_from=clock.now().date()))
    await record(
        session,
        caller=caller,
        action="regions.create",
        target=("region", region.id),
        after=new.model_dump(mode="json"),
    )
    return region


async def update_region(
    session: WriteSession, *, caller: Principal, region_id: UUID, version: int, changes: RegionUpdate
) -> Region:
    """Change a region's own fields; a new name goes into the full names below."""
    region = await _locked(session, region_id, caller)
    check_edited(version, region.version)
    given = changes.model_dump(exclude_unset=True, exclude_none=True)
    before = {key: getattr(region, key) for key in given}
    old_full_name = region.full_name
    for key, value in given.items():
        setattr(region, key, value)
    if "name" in given:
        head = old_full_name.rpartition("/")[0]
        region.full_name = f"{head}/{region.name}" if head else region.name
        await session.flush()  # the region itself first, then those below it
        await session.execute(
            update(Region)
            .where(Region.path.startswith(region.path, autoescape=True), Region.id != region.id)
            .values(
                full_name=literal(region.full_name, Text) + func.substr(Region.full_name, len(old_full_name) + 1),
                version=Region.version + 1,
            )
            .execution_options(synchronize_session=False)
        )
    await record(
        session, caller=caller, action="regions.update", target=("region", region.id), before=before, after=given
    )
    return region


async def move_region(session: WriteSession, *, caller: Principal, region_id: UUID, move: RegionMove) -> Region:
    """Give a region another parent, from today on; every row inside follows its path."""
    await hold_tree(session, moving=True)
    region = await _locked(session, region_id, caller)
    check_judged(move.version, region.version)
    parent = await _locked(session, move.parent_id, caller)
    if parent.path.startswith(region.path):
        raise InvalidInput(errors=[FieldError("/parent_id", "不能移到自己的下级")])
    if not may_contain(parent.level, region.level):
        raise InvalidInput(errors=[FieldError("/parent_id", f"{parent.level.label}下不能设{region.level.label}")])
    old, new = region.path, child_path(parent.path, region.code)
    old_name, new_name = region.full_name, f"{parent.full_name}/{region.name}"
    before = {"path": old}
    region.parent_id = parent.id
    await session.flush()  # raises the version before the path statement touches the same row
    await session.execute(
        update(Region)
        .where(Region.path.startswith(old, autoescape=True))
        .values(
            path=literal(new, Text) + func.substr(Region.path, len(old) + 1),
            full_name=literal(new_name, Text) + func.substr(Region.full_name, len(old_name) + 1),
        )
        .execution_options(synchronize_session=False)
    )
    for path in region_path_columns():
        await session.execute(
            update(path.table)
            .where(path.startswith(old, autoescape=True))
            .values({path: literal(new, Text) + func.substr(path, len(old) + 1)})
        )
    today = clock.now().date()
    await session.execute(
        update(RegionParent)
        .where(RegionParent.region_id == region.id, RegionParent.valid_to.is_(None))
        .values(valid_to=today)
    )
    session.add(RegionParent(region_id=region.id, parent_id=parent.id, valid_from=today, reason=move.reason))
    await record(
        session,
        caller=caller,
        action="regions.move",
        target=("region", region.id),
        before=before,
        after={"path": new},
        reason=move.reason,
    )
    await invalidate(session, "users")
    await session.refresh(region)
    return region


async def import_regions(
    session: WriteSession, *, caller: Principal | None, data: bytes, dry_run: bool, partial: bool
) -> tuple[ImportReport, bytes | None]:
    """Import a whole city from CSV or XLSX, in set-based statements.

    Nothing is saved on a dry run, nor when a row is wrong unless `partial`. Returns the report and, when rows were
    wrong, the workbook that marks them.
    """
    read = await asyncio.to_thread(read_table, data, TABLE)
    await hold_tree(session, moving=True)
    rows = [
        RegionRow(
            found.number,
            found["code"],
            found["name"],
            found["level"],
            (found["parent_code"] or "").ljust(12, "0") if found["parent_code"] else None,
        )
        for found in read.good_rows()
    ]
    columns = (Region.id, Region.code, Region.name, Region.level, Region.path, Region.full_name)
    existing = {region.code: region for region in await session.execute(select(*columns))}
    known = {code: RegionFact(found.level, found.path, found.full_name) for code, found in existing.items()}
    placed, faults = place(rows, known)
    for row, field, message in faults:
        read.reject(row.row, message, field)
    numbers = {row.code: row.row for row in rows}
    if caller is not None:
        for item in placed:
            if not caller.scope.holds_region(item.path):
                read.reject(numbers[item.code], "该区域不在您的数据范围内", "code")
        placed = [item for item in placed if caller.scope.holds_region(item.path)]
    new = [item for item in placed if item.code not in existing]
    renamed = [item for item in placed if item.code in existing and existing[item.code].name != item.name]
    failed = failed_rows(read)
    apply = not dry_run and (partial or not failed)
    if apply:
        await _save(session, new, renamed, {code: found.id for code, found in existing.items()})
        await record(
            session,
            caller=caller,
            action="regions.import",
            target=("region", None),
            after={"created": len(new), "updated": len(renamed)},
        )
    report = ImportReport(
        dry_run=dry_run,
        applied=apply,
        total=len(placed) + failed,
        created=len(new),
        updated=len(renamed),
        unchanged=len(placed) - len(new) - len(renamed),
        failed=failed,
        faults=faults_of(read),
    )
    return report, await asyncio.to_thread(write_errors, [read]) if failed else None


async def _save(session: WriteSession, new: list[Placed], renamed: list[Placed], ids: dict[str, UUID]) -> None:
    at = clock.now()
    for item in new:
        ids[item.code] = uuid7()
    if new:
        await session.execute(insert(Region), [_region_row(item, ids) for item in new])
        await session.execute(
            insert(RegionParent),
            [
                {"region_id": ids[item.code], "parent_id": ids.get(item.parent_code or ""), "valid_from": at.date()}
                for item in new
            ],
        )
    if renamed:
        table = Region.__table__
        await session.execute(
            update(table)  # type: ignore[arg-type]
            .where(table.c.id == bindparam("key"))
            .values(name=bindparam("new_name")),
            [{"key": ids[item.code], "new_name": item.name} for item in renamed],
        )
        await _restore_full_names(session)


async def _restore_full_names(session: WriteSession) -> None:
    """Full names follow the names of all regions above; only rows that change get a new version."""
    top = select(Region.id, Region.name.label("full_name")).where(Region.parent_id.is_(None)).cte(recursive=True)
    tree = top.union_all(select(Region.id, top.c.full_name + "/" + Region.name).join(top, Region.parent_id == top.c.id))
    await session.execute(
        update(Region)
        .where(Region.id == tree.c.id, Region.full_name != tree.c.full_name)
        .values(full_name=tree.c.full_name, version=Region.version + 1, updated_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _region_row(item: Placed, ids: dict[str, UUID]) -> dict[str, Any]:
    return {
        "id": ids[item.code],
        "code": item.code,
        "name": item.name,
        "full_name": item.full_name,
        "level": item.level,
        "parent_id": ids.get(item.parent_code or ""),
        "path": item.path,
        "position": item.position,
    }
