"""Importing sites: read, look up, judge, and save all, the good rows, or nothing."""

import asyncio
import re
from collections import defaultdict
from functools import partial
from typing import Any

from sqlalchemy import bindparam, select, update

from wenming_api.access.principal import Principal
from wenming_api.city.site_transfers import rules
from wenming_api.city.site_transfers.models import SiteImport
from wenming_api.city.site_transfers.queries import lookups, shown
from wenming_api.city.site_transfers.rules import ImportState, Plan, TransferFormat
from wenming_api.city.site_transfers.schemas import TABLE, ImportOptions, SiteImportOut
from wenming_api.city.sites.models import Site
from wenming_api.city.sites.rules import SiteAction
from wenming_api.city.sites.service import (
    SiteChange,
    history_numbers,
    insert_sites,
    may_place,
    snapshot,
    trace_sites,
)
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.geojson import GeoJsonError, PointFeature, read_points
from wenming_api.kit.problems import Conflict, InvalidInput
from wenming_api.kit.workbooks import Cell, Limits, ReadTable, plain_text, read_cells, read_table
from wenming_api.system.audit import service as audit

_LIMITS = Limits(file_bytes=rules.MAX_BYTES, uncompressed_bytes=400 * 1024 * 1024, rows=rules.MAX_ROWS)
_BATCH = 2_000


class SiteFileUnreadable(InvalidInput):
    """The file as a whole is not what it should be."""

    code = "site_file_unreadable"
    title = "文件无法读取"


class SitesMoved(Conflict):
    """Sites of the file were changed by somebody else while it was imported."""

    code = "sites_moved"
    title = "点位已被他人更新"


async def import_sites(
    session: WriteSession, data: bytes, options: ImportOptions, *, caller: Principal
) -> SiteImportOut:
    """Import sites from a file of at most 50,000 rows. Errors of rows are in the answer, not exceptions.

    A dry run saves nothing; with errors nothing is saved either, unless ``partial`` asks for the good rows.
    Raises :class:`SiteFileUnreadable` or a workbook problem for the file as a whole.
    """
    table = await asyncio.to_thread(_read, data, options)
    rows = [(row.number, row.values) for row in table.rows]
    known = await lookups(session, [values for _, values in rows], caller=caller)
    plan, wrong = await asyncio.to_thread(
        rules.judge,
        rows,
        known,
        on_existing=options.on_existing,
        default_crs=options.crs,
        may_place=partial(may_place, caller.scope),
    )
    for error in wrong:
        table.reject(error.row, error.message, error.key)
    failed = len({error.row for error in table.errors})
    state = _state(options, failed)
    made = SiteImport(
        owner_id=caller.user_id,
        file_name=options.file_name,
        format=options.format,
        on_existing=options.on_existing,
        dry_run=options.dry_run,
        partial=options.partial,
        state=state,
        total=len(table.original),
        created=0 if state is ImportState.REJECTED else len(plan.create),
        updated=0 if state is ImportState.REJECTED else len(plan.update),
        unchanged=plan.unchanged,
        failed=failed,
        failures=_failures(table),
    )
    session.add(made)
    await session.flush()  # the audit entries refer to the import
    if state in (ImportState.APPLIED, ImportState.PARTIAL):
        await insert_sites(
            session, plan.create, action=SiteAction.IMPORT, caller=caller, context=("site_import", made.id)
        )
        await _update(session, plan, made, caller)
        await audit.record(
            session,
            caller=caller,
            action="site_imports.apply",
            target=("site_import", made.id),
            after={"file_name": made.file_name, "created": made.created, "updated": made.updated, "failed": failed},
            context=("site_import", made.id),
        )
    return shown(made)


def _read(data: bytes, options: ImportOptions) -> ReadTable:
    if options.format is not TransferFormat.GEOJSON:
        return read_table(data, TABLE, _LIMITS)
    try:
        points = read_points(data, max_bytes=rules.MAX_BYTES, max_features=rules.MAX_ROWS, default_crs=options.crs)
    except GeoJsonError as unreadable:
        raise SiteFileUnreadable(f"{unreadable}。") from None
    cells = {feature.number: _cells(feature) for feature in points.features}
    cells |= {error.number: ("-",) for error in points.errors}
    headers = tuple(column.header for column in TABLE.columns)
    table = read_cells(TABLE, [headers, *(cells[number] for number in sorted(cells))])
    unusable = {error.number + 1 for error in points.errors}
    table.errors = [error for error in table.errors if error.row not in unusable]
    for error in points.errors:
        table.reject(error.number + 1, error.message)
    return table


def _cells(feature: PointFeature) -> tuple[Cell, ...]:
    """A feature as a row: properties by column key or header; coordinates kept in them go before the geometry."""
    given = feature.properties
    values: dict[str, Any] = {column.key: given.get(column.key, given.get(column.header)) for column in TABLE.columns}
    if values["longitude"] is None and values["latitude"] is None:
        values |= {"longitude": feature.longitude, "latitude": feature.latitude, "crs": feature.crs.value}
    return tuple(
        value if isinstance(value, str | int | float) or value is None else str(value) for value in values.values()
    )


def _state(options: ImportOptions, failed: int) -> ImportState:
    if options.dry_run:
        return ImportState.CHECKED
    if failed and not options.partial:
        return ImportState.REJECTED
    return ImportState.PARTIAL if failed else ImportState.APPLIED


def _failures(table: ReadTable) -> list[dict[str, Any]]:
    """The failed rows with their cells as text, in the order of the declared columns, and their errors."""
    errors: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for error in table.errors:
        errors[error.row].append({"key": error.key, "message": error.message})
    places = [
        table.headers.index(column.header) if column.header in table.headers else None for column in TABLE.columns
    ]
    failures = []
    for row in sorted(errors)[: rules.MAX_FAILURES]:
        cells = table.original.get(row, ())
        shown_cells = [
            _storable(plain_text(cells[place])) if place is not None and place < len(cells) else None
            for place in places
        ]
        failures.append({"row": row, "cells": shown_cells, "errors": errors[row]})
    return failures


def file_name(given: str | None) -> str:
    """The name of an uploaded file without folders and what cannot be stored, at most 200 characters."""
    name = re.split(r"[\\/]", given or "")[-1]
    return "".join(each for each in _storable(name) if each.isprintable())[:200] or "sites"


def _storable(cell: str) -> str:
    """What PostgreSQL can keep of a hostile text."""
    return cell.replace("\x00", "").encode("utf-8", "replace").decode()


async def _update(session: WriteSession, plan: Plan, made: SiteImport, caller: Principal) -> None:
    names = [name for name in (plan.update[0][1] if plan.update else ()) if name != "code"]
    statement = (
        update(Site)
        .where(Site.id == bindparam("site_id"))
        .values(
            {name: bindparam(f"new_{name}") for name in names}
            | {"version": Site.version + 1, "updated_at": clock.now()}
        )
    )
    connection = await session.connection()
    for start in range(0, len(plan.update), _BATCH):
        batch = plan.update[start : start + _BATCH]
        ids = [existing.id for existing, _ in batch]
        locked = await session.execute(select(Site.id, Site.version).where(Site.id.in_(ids)).with_for_update())
        if dict(locked.all()) != {existing.id: existing.version for existing, _ in batch}:
            raise SitesMoved("导入期间有点位被他人修改，请重新导入。")
        await connection.execute(
            statement,
            [{"site_id": existing.id} | {f"new_{name}": values[name] for name in names} for existing, values in batch],
        )
        numbers = await history_numbers(session, ids)
        changes = [
            SiteChange(existing.id, numbers.get(existing.id, 0) + 1, snapshot(existing.values), snapshot(values))
            for existing, values in batch
        ]
        await trace_sites(session, changes, action=SiteAction.IMPORT, caller=caller, context=("site_import", made.id))
