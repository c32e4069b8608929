"""Who may open a sheet sees its photos; nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tests.factories import media
from tests.factories.callers import Callers
from tests.factories.sheets import FieldWork, make_field_work, make_sheets
from tests.factories.uploads import announce, announced, send, upload

from wenming_api.catalog.permissions import Permission
from wenming_api.city.scoring.models import Sheet, SheetVersion
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.settings import Resources
from wenming_api.system.roles.rules import DataScope
from wenming_api.worker import drain

READS = [Permission.SHEETS_READ]


@pytest.fixture
async def work(database: Database) -> FieldWork:
    async with database.transaction() as session:
        return await make_field_work(session)


@pytest.fixture
async def sheet(database: Database, work: FieldWork) -> Sheet:
    async with database.transaction() as session:
        return (await make_sheets(session, work))[0]


async def submit(client: httpx.AsyncClient, work: FieldWork, sheet: Sheet, *file_ids: str) -> None:
    lines = work.lines()
    lines[0]["photos"] = [{"file_id": file_id, "taken_at": "2026-11-12T09:00:00+08:00"} for file_id in file_ids]
    answer = await client.post(f"{work.path}/sheets/{sheet.id}/submit", json=work.submission(lines=lines))
    assert answer.status_code == 200, answer.text


async def test_photos_of_a_sheet(
    callers: Callers,
    database: Database,
    resources: Resources,
    work: FieldWork,
    sheet: Sheet,
    statements: Callable[[], Any],
) -> None:
    assessor = await callers.sign_in(work.assessors[0])
    path = f"{work.path}/sheets/{sheet.id}/photos"
    assert (await assessor.get(path)).json() == []
    (shown,) = await upload(assessor, [("image/jpeg", media.photo())])
    await drain(resources)
    late = str(uuid7())
    await submit(assessor, work, sheet, shown, late)
    reviewer = await callers.client(READS)
    with statements() as sent:
        first, second = (await reviewer.get(path)).json()
    assert sent.count <= 3
    assert (first["file_id"], first["no"], first["state"]) == (shown, 1, "ready")
    assert (first["camera_taken_at"], first["taken_at"]) == ("2026-05-04T09:30:15+08:00", "2026-11-12T09:00:00+08:00")
    async with httpx.AsyncClient(trust_env=False) as web:
        for name in ("thumbnail", "preview", "public"):
            picture = await web.get(first[name]["url"])
            assert picture.status_code == 200
            assert b"Exif" not in picture.content
    assert (second["file_id"], second["state"], second["thumbnail"]) == (late, None, None)
    batch = await announce(assessor, announced(media.photo(seed=2), id=late))
    await send(batch["files"][0], media.photo(seed=2))
    await assessor.post(f"/files/{late}/complete")
    assert (await reviewer.get(path)).json()[1]["state"] == "uploaded"
    await drain(resources)
    assert (await reviewer.get(path)).json()[1]["state"] == "ready"
    async with database.read() as session:
        version_id = await session.scalar(select(SheetVersion.id).where(SheetVersion.sheet_id == sheet.id))
    assert len((await reviewer.get(path, params={"version_id": str(version_id)})).json()) == 2
    assert (await reviewer.get(path, params={"version_id": str(uuid7())})).status_code == 404


async def test_the_scope_of_the_sheet_decides(
    callers: Callers, resources: Resources, work: FieldWork, sheet: Sheet, client: httpx.AsyncClient
) -> None:
    assessor = await callers.sign_in(work.assessors[0])
    (shown,) = await upload(assessor, [("image/jpeg", media.photo())])
    await drain(resources)
    await submit(assessor, work, sheet, shown)
    path = f"{work.path}/sheets/{sheet.id}/photos"
    home = {site.region_id for site in work.sites if site.id == sheet.site_id}
    away = {site.region_id for site in work.sites} - home
    inside = await callers.client(READS, scope=DataScope.CUSTOM, regions=list(home))
    assert len((await inside.get(path)).json()) == 1
    assert (await inside.get(f"/files/{shown}")).status_code == 403
    outside = await callers.client(READS, scope=DataScope.CUSTOM, regions=list(away))
    assert (await outside.get(path)).status_code == 404
    other = await callers.client([Permission.SHEETS_SUBMIT], scope=DataScope.OWN)
    assert (await other.get(path)).status_code == 404
    stranger = await callers.client([Permission.SITES_READ])
    assert (await stranger.get(path)).status_code == 403
    assert (await client.get(path)).status_code == 401
    assert (await inside.get(f"/assessments/{uuid7()}/sheets/{sheet.id}/photos")).status_code == 404
