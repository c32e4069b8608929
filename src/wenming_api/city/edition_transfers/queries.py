"""An indicator system as a workbook, and what the sheets refer to."""

import asyncio
import io
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from wenming_api.city.edition_sheets.rules import TABLES
from wenming_api.city.edition_transfers.rules import Facts, Head, to_sheets
from wenming_api.city.editions.queries import read_content
from wenming_api.city.editions.rules import Content
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.standards.models import IndicatorSystem
from wenming_api.city.standards.queries import SystemNotFound
from wenming_api.kit.db import AnySession
from wenming_api.kit.workbooks import WorkbookWriter, write_template
from wenming_api.system.units.models import Unit


async def export_workbook(session: AnySession, *, system_id: UUID) -> tuple[str, bytes]:
    """The code of a system and its workbook. Six statements."""
    row = (
        await session.execute(
            select(
                IndicatorSystem.code,
                IndicatorSystem.name,
                IndicatorSystem.edition,
                IndicatorSystem.description,
                IndicatorSystem.source,
            ).where(IndicatorSystem.id == system_id)
        )
    ).one_or_none()
    if row is None:
        raise SystemNotFound
    content = await read_content(session, system_id=system_id)
    duties = {unit for standard in content.standards for unit in standard.duties}
    found = await session.execute(select(Unit.number, Unit.id, Unit.name).where(Unit.id.in_(duties)))
    types = await session.execute(select(SiteType.code, SiteType.name))
    facts = Facts({row.code: row.name for row in types}, {row.number: (row.id, row.name) for row in found})
    head = Head(row.code, row.name, row.edition, row.description, row.source)
    return row.code, await asyncio.to_thread(_render, head, content, facts)


async def template_workbook() -> bytes:
    """An empty workbook with instructions."""
    return await asyncio.to_thread(write_template, TABLES)


async def find_facts(session: AnySession, *, names: Collection[str], numbers: Collection[int]) -> Facts:
    """The active site types, and the active units with these names or numbers. Two statements."""
    types = await session.execute(select(SiteType.code, SiteType.name).where(SiteType.active))
    site_types = {row.code: row.name for row in types}
    if not names and not numbers:
        return Facts(site_types, {})
    found = await session.execute(
        select(Unit.number, Unit.id, Unit.name).where(Unit.name.in_(names) | Unit.number.in_(numbers), Unit.active)
    )
    return Facts(site_types, {row.number: (row.id, row.name) for row in found})


def _render(head: Head, content: Content, facts: Facts) -> bytes:
    output = io.BytesIO()
    with WorkbookWriter(output) as book:
        for table, rows in to_sheets(head, content, facts):
            book.begin(table)
            for row in rows:
                book.add(row)
    return output.getvalue()
