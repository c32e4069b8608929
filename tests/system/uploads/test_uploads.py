"""Announcing, sending and completing uploads, against the real object store."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, text, update
from tests.factories import media
from tests.factories.uploads import announce, announced, send, upload

from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import Database, WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.storage import MIN_PART_SIZE, ObjectMissing, ObjectStore, StoreUnavailable
from wenming_api.settings import Resources
from wenming_api.system.files import jobs as files_jobs
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import incoming_key
from wenming_api.system.uploads import jobs as uploads_jobs
from wenming_api.system.uploads.models import UploadSession
from wenming_api.worker import drain

UPLOADER = [Permission.FILES_UPLOAD]


@pytest.fixture
async def phone(callers: Any) -> httpx.AsyncClient:
    """A client that may upload."""
    client: httpx.AsyncClient = await callers.client(UPLOADER)
    return client


async def rows(database: Database) -> list[File]:
    async with database.read() as session:
        return list((await session.scalars(select(File).order_by(File.id))).all())


async def test_each_file_of_a_batch_gets_its_own_answer(phone: httpx.AsyncClient, database: Database) -> None:
    good = media.photo()
    batch = await announce(
        phone,
        announced(good),
        announced(good, content_type="image/png", kind="video"),
        announced(good, size=31 * 1024 * 1024),
        announced(b"a,b", "text/csv", name="点位.csv"),
    )
    statuses = [(slot["status"], slot["code"]) for slot in batch["files"]]
    assert statuses == [("send", None), ("refused", "content_type"), ("refused", "size"), ("send", None)]
    assert "MP4" in batch["files"][1]["message"]
    assert "30 MB" in batch["files"][2]["message"]
    assert len(await rows(database)) == 2


async def test_the_form_takes_exactly_what_was_announced(phone: httpx.AsyncClient) -> None:
    data = media.photo()
    batch = await announce(phone, announced(data))
    form = batch["files"][0]["form"]
    async with httpx.AsyncClient(trust_env=False) as web:
        for content, content_type in (
            (data + b"x", "image/jpeg"),
            (data[:-1], "image/jpeg"),
            (data, "text/html"),
        ):
            sent = await web.post(
                form["url"],
                data=form["fields"] | {"Content-Type": content_type},
                files={"file": ("x", content, content_type)},
            )
            assert 400 <= sent.status_code < 500
    answer = await phone.post(f"/files/{batch['files'][0]['file_id']}/complete")
    assert (answer.status_code, answer.json()["code"]) == (409, "file_not_arrived")
    await send(batch["files"][0], data)
    answer = await phone.post(f"/files/{batch['files'][0]['file_id']}/complete")
    assert (answer.status_code, answer.json()["state"]) == (200, "uploaded")


async def test_completing_twice_queues_once(phone: httpx.AsyncClient, session: WriteSession) -> None:
    (file_id,) = await upload(phone, [("image/jpeg", media.photo())])
    again = await asyncio.gather(*(phone.post(f"/files/{file_id}/complete") for _ in range(5)))
    assert {answer.status_code for answer in again} == {200}
    queued = await session.scalar(text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'system.files.process'"))
    assert queued == 1


async def test_the_same_ids_announced_again_make_nothing_new(phone: httpx.AsyncClient, database: Database) -> None:
    data, batch_id = media.photo(), str(uuid7())
    entries = [announced(data, id=str(uuid7())) for _ in range(5)]
    await announce(phone, *entries, id=batch_id)
    shuffled = [
        phone.post("/files/uploads", json={"id": str(uuid7()), "files": entries[turn:] + entries[:turn]})
        for turn in range(5)
    ]
    answers = await asyncio.gather(*shuffled)
    assert {answer.status_code for answer in answers} == {201}
    assert {slot["status"] for answer in answers for slot in answer.json()["files"]} == {"send"}
    assert len(await rows(database)) == 5
    slots = {slot["file_id"]: slot for slot in answers[0].json()["files"]}
    await send(slots[entries[0]["id"]], data)
    await phone.post(f"/files/{entries[0]['id']}/complete")
    batch = await announce(phone, *entries)
    assert [slot["status"] for slot in batch["files"]] == ["arrived"] + ["send"] * 4
    assert batch["files"][0]["form"] is None


async def test_an_id_means_one_file_of_one_author(phone: httpx.AsyncClient, callers: Any) -> None:
    data, file_id, batch_id = media.photo(), str(uuid7()), str(uuid7())
    await announce(phone, announced(data, id=file_id), id=batch_id)
    other = await callers.client(UPLOADER)
    batch = await announce(other, announced(data, id=file_id))
    assert (batch["files"][0]["status"], batch["files"][0]["code"]) == ("refused", "id_taken")
    changed = await announce(phone, announced(data + b"x", id=file_id))
    assert (changed["files"][0]["status"], changed["files"][0]["code"]) == ("refused", "differs")
    taken = await other.post("/files/uploads", json={"id": batch_id, "files": [announced(data)]})
    assert (taken.status_code, taken.json()["code"]) == (409, "upload_taken")
    assert (await other.post(f"/files/uploads/{batch_id}/complete")).status_code == 404
    assert (await other.post(f"/files/{file_id}/complete")).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a\x00b"},
        {"name": "\ud800"},
        {"name": "a" * 101},
        {"name": ""},
        {"kind": "program"},
        {"content_type": "image/jpeg\r\nX: y"},
        {"size": 0},
        {"size": -1},
        {"size": 2**63},
        {"id": "0f8fad5b-d9cb-469f-a165-70867728950e"},
        {"key": "../../etc/passwd"},
    ],
    ids=repr,
)
async def test_hostile_announcements_are_refused(
    change: dict[str, Any], phone: httpx.AsyncClient, database: Database
) -> None:
    body = json.dumps({"files": [announced(b"x" * 10) | change]})
    answer = await phone.post("/files/uploads", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert await rows(database) == []


async def test_more_than_fifty_or_none_are_refused(phone: httpx.AsyncClient) -> None:
    for count in (0, 51):
        answer = await phone.post("/files/uploads", json={"files": [announced(b"x" * 10)] * count})
        assert answer.status_code == 422


async def test_the_same_id_twice_in_a_batch_is_refused(phone: httpx.AsyncClient, database: Database) -> None:
    entry = announced(b"x" * 10, id=str(uuid7()))
    answer = await phone.post("/files/uploads", json={"files": [entry, entry]})
    assert answer.status_code == 422
    assert await rows(database) == []


async def test_a_video_is_resumed_where_it_broke_off(phone: httpx.AsyncClient, resources: Resources) -> None:
    film = media.video(2.0)
    data = film + (MIN_PART_SIZE + 1000).to_bytes(4, "big") + b"free" + bytes(MIN_PART_SIZE + 1000 - 8)
    file_id = str(uuid7())
    entry = announced(data, "video/mp4", id=file_id, name="巡查.mp4")
    batch = await announce(phone, entry)
    parts = batch["files"][0]["parts"]
    assert [part["size"] for part in parts] == [MIN_PART_SIZE, len(data) - MIN_PART_SIZE]
    async with httpx.AsyncClient(trust_env=False) as web:
        assert (await web.put(parts[0]["url"], content=data[:MIN_PART_SIZE])).status_code == 200
    early = await phone.post(f"/files/{file_id}/complete")
    assert (early.status_code, early.json()["reason"]) == (409, "parts_missing")
    again = await announce(phone, entry)
    assert [part["uploaded"] for part in again["files"][0]["parts"]] == [True, False]
    await send(again["files"][0], data)
    assert (await phone.post(f"/files/{file_id}/complete")).json()["state"] == "uploaded"
    await drain(resources)
    detail = (await phone.get(f"/files/{file_id}")).json()
    assert (detail["state"], detail["width"]) == ("ready", 320), detail


async def test_parts_of_other_sizes_are_refused(phone: httpx.AsyncClient) -> None:
    data = media.video(2.0)
    file_id = str(uuid7())
    batch = await announce(phone, announced(data, "video/mp4", id=file_id))
    async with httpx.AsyncClient(trust_env=False) as web:
        await web.put(batch["files"][0]["parts"][0]["url"], content=data + b"more")
    answer = await phone.post(f"/files/{file_id}/complete")
    assert (answer.status_code, answer.json()["reason"]) == (409, "parts_missing")


async def test_a_lost_answer_to_completing_a_video_does_no_harm(
    phone: httpx.AsyncClient, resources: Resources, database: Database
) -> None:
    data, file_id = media.video(2.0), str(uuid7())
    batch = await announce(phone, announced(data, "video/mp4", id=file_id))
    await send(batch["files"][0], data)
    (row,) = await rows(database)
    key = incoming_key(row.id)
    assert row.multipart_id is not None
    parts = await resources.store.parts(key, upload_id=row.multipart_id)
    await resources.store.complete_multipart(key, upload_id=row.multipart_id, parts=parts)
    assert (await phone.post(f"/files/{file_id}/complete")).json()["state"] == "uploaded"


async def test_without_the_store_uploads_answer_503_and_resume(
    app: Any, phone: httpx.AsyncClient, resources: Resources, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    data = media.photo()
    batch = await announce(phone, announced(data))
    await send(batch["files"][0], data)
    file_id = batch["files"][0]["file_id"]
    away = ObjectStore(endpoint="http://127.0.0.1:9", access_key="a" * 8, secret_key="b" * 16, bucket="gone")
    there, resources.store = resources.store, away
    try:
        for answer in (
            await phone.post("/files/uploads", json={"files": [announced(data)]}),
            await phone.post(f"/files/{file_id}/complete"),
            await phone.post(f"/files/uploads/{batch['id']}/complete"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "object_store_unavailable")
            assert "稍后重试" in answer.json()["detail"]
            assert "retry-after" in answer.headers
        assert (await phone.get(f"/files/{file_id}")).status_code == 200
        assert (await phone.get("/files")).json()["total"] == 1
        assert len(await rows(database)) == 1
    finally:
        resources.store = there
        await away.close()
    assert (await phone.post(f"/files/{file_id}/complete")).json()["state"] == "uploaded"
    resources.store = ObjectStore(endpoint="http://127.0.0.1:9", access_key="a" * 8, secret_key="b" * 16, bucket="gone")
    try:
        with pytest.raises(StoreUnavailable):
            await drain(resources)
    finally:
        await resources.store.close()
        resources.store = there
    assert (await phone.get(f"/files/{file_id}")).json()["state"] == "uploaded"
    async with database.transaction() as session:
        await session.execute(update(File).values(uploaded_at=clock.now() - timedelta(hours=1)))
    await files_jobs.requeue(resources)
    await drain(resources)
    assert (await phone.get(f"/files/{file_id}")).json()["state"] == "ready"


async def test_abandoned_uploads_are_cleared_away(
    phone: httpx.AsyncClient, resources: Resources, database: Database
) -> None:
    data = media.photo()
    film = media.video(2.0)
    kept, lost, video = str(uuid7()), str(uuid7()), str(uuid7())
    batch = await announce(
        phone,
        announced(data, id=kept),
        announced(data, id=lost),
        announced(film, "video/mp4", id=video),
    )
    for slot, content in zip(batch["files"], (data, data, film), strict=True):
        await send(slot, content)
    await phone.post(f"/files/{kept}/complete")
    async with database.transaction() as session:
        await session.execute(update(File).values(expires_at=clock.now() - timedelta(seconds=1)))
        await session.execute(update(UploadSession).values(expires_at=clock.now() - timedelta(seconds=1)))
    await uploads_jobs.sweep(resources)
    await drain(resources)
    assert [str(file.id) for file in await rows(database)] == [kept]
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(UploadSession)) == 0
    with pytest.raises(ObjectMissing):
        await resources.store.stat(incoming_key(UUID(lost)))
    assert (await phone.get(f"/files/{kept}")).json()["state"] == "ready"
    again = await announce(phone, announced(data, id=lost))
    assert again["files"][0]["status"] == "send"


async def test_statements_of_a_batch_do_not_grow_with_it(
    phone: httpx.AsyncClient, statements: Callable[[], Any]
) -> None:
    counts = []
    for size in (1, 1, 50):
        with statements() as sent:
            await announce(phone, *(announced(b"x" * 10) for _ in range(size)))
        counts.append(sent.count)
    # The first request also looks up who is signed in.
    assert counts[1] == counts[2] <= 5


async def test_only_uploaders_upload(client: httpx.AsyncClient, callers: Any) -> None:
    body = {"files": [announced(b"x" * 10)]}
    assert (await client.post("/files/uploads", json=body)).status_code == 401
    reader = await callers.client([Permission.FILES_READ])
    for path in ("/files/uploads", f"/files/uploads/{uuid7()}/complete", f"/files/{uuid7()}/complete"):
        assert (await reader.post(path, json=body)).status_code == 403
