"""Importing indicator systems from workbooks: a new draft, or the whole content of one (C2.1–2.4)."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.city.edition_sheets.rules import STANDARDS, TABLES
from wenming_api.city.edition_transfers.queries import find_facts
from wenming_api.city.edition_transfers.rules import (
    MAX_SHOWN,
    Head,
    from_sheets,
    named_units,
)
from wenming_api.city.edition_transfers.schemas import ContentChange, EditionImportReport, SheetFault
from wenming_api.city.editions.queries import read_content
from wenming_api.city.editions.rules import Content, content_hash
from wenming_api.city.editions.schemas import SystemCreate, SystemMethodIn
from wenming_api.city.editions.service import clear_content, code_is_taken, create_system, write_content
from wenming_api.city.standards.models import Indicator, IndicatorSystem, Standard
from wenming_api.city.standards.service import open_draft, touch
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import check_judged
from wenming_api.kit.workbooks import ReadTable, read_workbook, write_errors
from wenming_api.system.audit.service import record

_EMPTY = Content((), {}, (), ())
_HEAD = ("name", "edition", "description", "source", "level_names", "methods")


async def import_new(
    session: WriteSession, *, caller: Principal, data: bytes, dry_run: bool
) -> tuple[EditionImportReport, bytes | None]:
    """Make a draft from a workbook. Returns the report and, when rows were wrong, the workbook that marks them."""
    read = await asyncio.to_thread(read_workbook, data, TABLES)
    found = await _understand(session, read)
    if found is not None and await code_is_taken(session, found[0].code):
        read[TABLES[0].name].reject(2, "已被其他体系使用，请换一个", "code")
        found = None
    if found is None or dry_run:
        return await _report(read, found, before=_EMPTY, system=None, dry_run=dry_run)
    head, content = found
    system = await create_system(session, caller=caller, new=_request(head, content))
    await write_content(session, system.id, content)
    await _record(session, system, caller=caller, before=None, after=content_hash(content))
    return await _report(read, found, before=_EMPTY, system=system, dry_run=False)


async def replace_content(
    session: WriteSession, *, caller: Principal, system_id: UUID, version: int, data: bytes, dry_run: bool
) -> tuple[EditionImportReport, bytes | None]:
    """Replace all that is in a draft, name and levels included, its code not.

    Indicators and standards are the same as before when their codes are. Raises `VersionMoved` when the draft is no
    longer the one judged.
    """
    read = await asyncio.to_thread(read_workbook, data, TABLES)
    system = await open_draft(session, system_id)
    check_judged(version, system.version)
    before = await read_content(session, system_id=system_id)
    found = await _understand(session, read)
    if found is None or dry_run:
        return await _report(read, found, before=before, system=None, dry_run=dry_run)
    head, content = found
    known = await _known(session, system_id)
    await clear_content(session, system_id)
    await write_content(session, system_id, content, known=known)
    fields = _request(head, content).model_dump()
    for name in _HEAD:
        setattr(system, name, fields[name])
    touch(system)
    await session.flush()  # the answer names the new version
    await _record(session, system, caller=caller, before=content_hash(before), after=content_hash(content))
    return await _report(read, found, before=before, system=system, dry_run=False)


async def _understand(session: WriteSession, read: Mapping[str, ReadTable]) -> tuple[Head, Content] | None:
    names, numbers = named_units(read[STANDARDS.name])
    return from_sheets(read, await find_facts(session, names=names, numbers=numbers))


def _request(head: Head, content: Content) -> SystemCreate:
    return SystemCreate(
        code=head.code,
        name=head.name,
        edition=head.edition,
        description=head.description,
        source=head.source,
        level_names=list(content.level_names),
        methods=[SystemMethodIn(code=code, name=name) for code, name in content.methods.items()],
    )


async def _known(session: WriteSession, system_id: UUID) -> dict[tuple[str, str], tuple[UUID, int]]:
    known: dict[tuple[str, str], tuple[UUID, int]] = {}
    models: Sequence[tuple[str, Any]] = (("indicator", Indicator), ("standard", Standard))
    for kind, model in models:
        rows = await session.execute(select(model.code, model.id, model.version).where(model.system_id == system_id))
        known |= {(kind, row.code): (row.id, row.version) for row in rows}
    return known


async def _record(
    session: WriteSession, system: IndicatorSystem, *, caller: Principal, before: str | None, after: str
) -> None:
    await record(
        session,
        caller=caller,
        action="indicator_systems.import",
        target=("indicator_system", system.id),
        before={"content_hash": before},
        after={"content_hash": after},
        context=("indicator_system", system.id),
    )


async def _report(
    read: Mapping[str, ReadTable],
    found: tuple[Head, Content] | None,
    *,
    before: Content,
    system: IndicatorSystem | None,
    dry_run: bool,
) -> tuple[EditionImportReport, bytes | None]:
    errors = sorted(
        (error for table in read.values() for error in table.errors), key=lambda error: (error.sheet, error.row)
    )
    after = found[1] if found is not None else before
    report = EditionImportReport(
        dry_run=dry_run,
        applied=system is not None,
        system_id=system.id if system else None,
        version=system.version if system else None,
        content_hash=content_hash(after) if found is not None else None,
        indicators=_change(before.indicators, after.indicators),
        standards=_change(before.standards, after.standards),
        failed=len({(error.sheet, error.row) for error in errors}),
        faults=[
            SheetFault(sheet=error.sheet, row=error.row, column=error.header or None, message=error.message)
            for error in errors[:MAX_SHOWN]
        ],
    )
    return report, await asyncio.to_thread(write_errors, read.values()) if errors else None


def _change(before: Sequence[Any], after: Sequence[Any]) -> ContentChange:
    old, new = ({each.code: each for each in items} for items in (before, after))
    unchanged = sum(1 for code, each in new.items() if old.get(code) == each)
    both = len(old.keys() & new.keys())
    return ContentChange(
        created=len(new) - both, updated=both - unchanged, unchanged=unchanged, removed=len(old) - both
    )
