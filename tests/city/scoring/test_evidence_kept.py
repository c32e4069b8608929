"""A photo that a score line shows cannot be deleted, whether it arrived before the line or after."""

from __future__ import annotations

from datetime import timedelta

import httpx
from sqlalchemy import select, update
from tests.factories import media
from tests.factories.callers import Callers
from tests.factories.sheets import make_field_work, make_photo, make_sheets
from tests.factories.uploads import announce, announced, send, upload

from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.settings import Resources
from wenming_api.system.files.models import File
from wenming_api.system.uploads import jobs
from wenming_api.worker import drain


async def delete(client: httpx.AsyncClient, file_id: str) -> httpx.Response:
    version = (await client.get(f"/files/{file_id}")).headers["etag"]
    return await client.delete(f"/files/{file_id}", headers={"If-Match": version})


async def test_evidence_is_kept(callers: Callers, database: Database, resources: Resources) -> None:
    async with database.transaction() as session:
        work = await make_field_work(session)
        sheet = (await make_sheets(session, work))[0]
        shown = await make_photo(session, owner=work.assessors[0])
        spare = await make_photo(session, owner=work.assessors[0])
    assessor = await callers.sign_in(work.assessors[0])
    late, never, data = str(uuid7()), str(uuid7()), media.photo()
    lines = work.lines()
    lines[0]["photos"] = [{"file_id": file_id} for file_id in (str(shown.id), late, never)]
    answer = await assessor.post(f"{work.path}/sheets/{sheet.id}/submit", json=work.submission(lines=lines))
    assert (answer.status_code, answer.json()["evidence"]) == (200, "awaiting"), answer.text
    refused = await delete(assessor, str(shown.id))
    assert (refused.status_code, refused.json()["code"]) == (409, "file_held")
    assert "证据" in refused.json()["detail"]
    assert (await delete(assessor, str(spare.id))).status_code == 204
    batch = await announce(assessor, announced(data, id=late), announced(data, id=never))
    await send(batch["files"][0], data)
    assert (await assessor.post(f"/files/{late}/complete")).status_code == 200
    assert (await delete(assessor, late)).status_code == 409
    await drain(resources)
    assert (await delete(assessor, late)).status_code == 409
    async with database.transaction() as session:
        await session.execute(update(File).values(expires_at=clock.now() - timedelta(seconds=1)))
    await jobs.sweep(resources)
    async with database.read() as session:
        left = {str(file_id) for file_id in (await session.scalars(select(File.id))).all()}
    assert left == {str(shown.id), late}


async def test_other_files_are_deleted_as_before(callers: Callers, resources: Resources) -> None:
    client = await callers.client()
    (file_id,) = await upload(client, [("image/jpeg", media.photo())])
    await drain(resources)
    assert (await delete(client, file_id)).status_code == 204
