"""Reads for imports and exports: what words stand for, the imports of a user, sites as a stream."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, RowMapping, Select, Text, and_, any_, func, literal, select
from sqlalchemy.ext.asyncio import AsyncResult

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.city.site_transfers.models import SiteImport
from wenming_api.city.site_transfers.rules import (
    Existing,
    Lookups,
    Names,
    Place,
    Responsible,
    TransferFormat,
    normal_path,
)
from wenming_api.city.site_transfers.schemas import TABLE, ImportErrorOut, ImportSort, SiteImportOut, SiteImportRow
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.sites.models import Site
from wenming_api.city.sites.queries import matching, values_of
from wenming_api.city.sites.rules import INDUSTRY
from wenming_api.city.sites.schemas import SiteFilter
from wenming_api.kit.db import AnySession, Database
from wenming_api.kit.geojson import write_points
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.kit.workbooks import ReadTable, WorkbookWriter, write_csv, write_errors
from wenming_api.system.dictionaries.queries import item_names
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit

_BATCH = 2_000
_CHUNK = 1 << 18
_SHOWN_ERRORS = 200


class SiteImportNotFound(NotFound):
    """There is no such import of this caller."""

    code = "site_import_not_found"
    title = "未找到导入记录"


async def list_imports(
    session: AnySession, *, caller: Principal, params: PageParams, sort: ImportSort = ImportSort.NEWEST
) -> Page[SiteImportRow]:
    """The caller's own imports. Two statements."""
    statement = select(*(getattr(SiteImport, name) for name in SiteImportRow.model_fields))
    return await page(
        session,
        statement.where(SiteImport.owner_id == caller.user_id),
        params,
        sort=sort,
        columns={"at": SiteImport.at},
        key=SiteImport.id,
        into=SiteImportRow,
    )


async def get_import(session: AnySession, import_id: UUID, *, caller: Principal) -> SiteImportOut:
    """One of the caller's own imports. One statement."""
    return shown(await _own(session, import_id, caller))


async def error_workbook(session: AnySession, import_id: UUID, *, caller: Principal) -> bytes:
    """The failed rows of an import with what is wrong; corrected, they can be imported again."""
    found = await _own(session, import_id, caller)
    table = ReadTable(TABLE, tuple(column.header for column in TABLE.columns))
    for failure in found.failures:
        table.original[failure["row"]] = tuple(failure["cells"])
        for error in failure["errors"]:
            table.reject(failure["row"], error["message"], error["key"])
    return await asyncio.to_thread(write_errors, [table])


def shown(found: SiteImport) -> SiteImportOut:
    """An import as answered, with its first errors."""
    errors = [
        ImportErrorOut(
            row=failure["row"],
            column=TABLE.column(error["key"]).header if error["key"] else None,
            message=error["message"],
        )
        for failure in found.failures[:_SHOWN_ERRORS]
        for error in failure["errors"]
    ]
    return SiteImportOut(
        **{name: getattr(found, name) for name in SiteImportRow.model_fields}, errors=errors[:_SHOWN_ERRORS]
    )


async def _own(session: AnySession, import_id: UUID, caller: Principal) -> SiteImport:
    found = await session.scalar(
        select(SiteImport).where(SiteImport.id == import_id, SiteImport.owner_id == caller.user_id)
    )
    if found is None:
        raise SiteImportNotFound
    return found


async def lookups(session: AnySession, rows: Sequence[Mapping[str, Any]], *, caller: Principal) -> Lookups:
    """What the words of the rows stand for, for this caller. Six statements for any number of rows."""
    types = Names()
    for code, name in await session.execute(select(SiteType.code, SiteType.name).where(SiteType.active)):
        types.add(code, code)
        if name != code:
            types.add(name, code)
    industries = Names()
    for code, name in (await item_names(session, INDUSTRY, active=True)).items():
        industries.add(code, code)
        industries.add(name, code)
    regions = await _regions(session)
    units = await _units(session, {row["unit"] for row in rows if row["unit"]})
    codes = {row["code"] for row in rows if row["code"]}
    by_code = {each.values["code"]: each for each in await _existing(session, Site.code == _one_of(codes), caller)}
    names = {row["name"] for row in rows if not row["code"]}
    by_place = {
        (each.values["region_id"], each.values["site_type_code"], each.values["name"]): each
        for each in await _existing(session, and_(Site.name == _one_of(names), caller.scope.where(Site)), caller)
    }
    return Lookups(types, regions, units, industries, by_code, by_place)


def _one_of(words: Iterable[str]) -> ColumnElement[str]:
    """Any of the words as one parameter: a statement carries at most 32,767."""
    return any_(literal(list(words), ARRAY(Text)))  # type: ignore[return-value]


async def _regions(session: AnySession) -> Names:
    """Regions in use by code, by full path, and by the path without the city."""
    words = Names()
    statement = select(Region.id, Region.code, Region.full_name, Region.path).where(Region.active)
    for region in await session.execute(statement):
        place = Place(region.id, region.path)
        words.add(region.code, place)
        words.add(normal_path(region.full_name), place)
        words.add(normal_path(region.full_name.partition("/")[2]), place)
    return words


async def _units(session: AnySession, named: Iterable[str]) -> Names:
    words = Names()
    wanted = _one_of(named)
    statement = select(Unit.id, Unit.name, Unit.credit_code, Unit.unit_path).where(
        Unit.active, (Unit.name == wanted) | (Unit.credit_code == wanted)
    )
    for unit in await session.execute(statement):
        responsible = Responsible(unit.id, unit.unit_path)
        words.add(unit.name, responsible)
        words.add(unit.credit_code, responsible)
    return words


async def _existing(session: AnySession, condition: Any, caller: Principal) -> list[Existing]:
    columns = (*_STORED, "id", "version")
    reachable = caller.scope.where(Site).label("reachable")
    statement = select(*(getattr(Site, name) for name in columns), reachable).where(condition)
    return [
        Existing(
            id=row["id"],
            version=row["version"],
            active=row["active"],
            reachable=row["reachable"],
            values={name: row[name] for name in _STORED},
        )
        for row in (await session.execute(statement)).mappings()
    ]


_STORED = (
    "code",
    "name",
    "site_type_code",
    "region_id",
    "region_path",
    "address",
    "longitude",
    "latitude",
    "crs",
    "map_longitude",
    "map_latitude",
    "responsible_unit_id",
    "unit_path",
    "industry_code",
    "active",
    "note",
)


async def export_sites(
    database: Database, *, scope: Scope, wanted: SiteFilter, format_: TransferFormat
) -> AsyncIterator[bytes]:
    """The matching sites as one file, in pieces, ordered by code; in a session of its own and in constant memory.

    GeoJSON geometries are WGS 84; the coordinates as kept and their system are among the properties.
    """
    async with database.snapshot() as session:
        matched = _exported().where(matching(scope, wanted)).order_by(Site.code)
        rows = await session.stream(matched, values_of(wanted))
        if format_ is TransferFormat.XLSX:
            async for chunk in _workbook(rows):
                yield chunk
        elif format_ is TransferFormat.CSV:
            first = True
            async for batch in rows.mappings().partitions(_BATCH):
                for chunk in write_csv(TABLE, batch):
                    yield chunk if first else chunk.split(b"\n", 1)[1]
                    first = False
            if first:
                for chunk in write_csv(TABLE, ()):
                    yield chunk
        else:
            async for chunk in _collection(rows):
                yield chunk


def _exported() -> Select[Any]:
    columns: tuple[Any, ...] = (
        Site.code,
        Site.name,
        Site.site_type_code.label("site_type"),
        Region.code.label("region"),
        Region.full_name.label("region_name"),
        Site.address,
        Site.longitude,
        Site.latitude,
        Site.crs,
        func.coalesce(Unit.credit_code, Unit.name).label("unit"),
        Unit.name.label("unit_name"),
        Site.industry_code.label("industry"),
        Site.active,
        Site.note,
        Site.map_longitude,
        Site.map_latitude,
    )
    return (
        select(*columns)
        .select_from(Site)
        .join(Region, Region.id == Site.region_id)
        .outerjoin(Unit, Unit.id == Site.responsible_unit_id)
    )


async def _workbook(rows: AsyncResult[Any]) -> AsyncIterator[bytes]:
    with tempfile.TemporaryFile() as file:
        book = WorkbookWriter(file)
        book.begin(TABLE)
        async for batch in rows.mappings().partitions(_BATCH):
            await asyncio.to_thread(_add_all, book, batch)
        await asyncio.to_thread(book.__exit__)
        file.seek(0)
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


def _add_all(book: WorkbookWriter, rows: Iterable[RowMapping]) -> None:
    for row in rows:
        book.add(dict(row))


async def _collection(rows: AsyncResult[Any]) -> AsyncIterator[bytes]:
    yield b'{"type":"FeatureCollection","features":['
    separator = b""
    async for batch in rows.mappings().partitions(_BATCH):
        pieces = b"".join(write_points(_points(batch)))
        inside = pieces[pieces.index(b"[") + 1 : pieces.rindex(b"]")]
        if inside:
            yield separator + inside
            separator = b",\n"
    yield b"]}"


def _points(rows: Iterable[RowMapping]) -> Iterable[tuple[float | None, float | None, dict[str, Any]]]:
    for row in rows:
        placed = row["map_longitude"] is not None
        kept = {
            column.key: str(row[column.key]) if column.key in ("longitude", "latitude") and placed else row[column.key]
            for column in TABLE.columns
        }
        if placed:
            yield float(row["map_longitude"]), float(row["map_latitude"]), kept
        else:
            yield None, None, kept
