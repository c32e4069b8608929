"""What becomes of uploads: examined, copied, stripped, quarantined; and who may read what."""

import asyncio
import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image
from sqlalchemy import func, select, text
from tests.factories import media
from tests.factories.places import make_county, make_unit
from tests.factories.uploads import announce, announced, send, upload

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.events import FileSettled
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.kit.events import publish
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import NotFound, PayloadTooLarge
from wenming_api.kit.storage import ObjectMissing
from wenming_api.settings import Resources
from wenming_api.system.audit.models import AuditEntry
from wenming_api.system.files import jobs, queries, service
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import incoming_key, object_key
from wenming_api.system.files.rules import FileKind, Variant
from wenming_api.system.roles.rules import DataScope
from wenming_api.worker import drain

UPLOADER = [Permission.FILES_UPLOAD]
READER = [Permission.FILES_READ]
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}


@pytest.fixture
async def phone(callers: Any) -> httpx.AsyncClient:
    """A client that may upload."""
    client: httpx.AsyncClient = await callers.client(UPLOADER)
    return client


async def detail(client: httpx.AsyncClient, file_id: str) -> dict[str, Any]:
    answer = await client.get(f"/files/{file_id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def fetch(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as web:
        return await web.get(url)


def variants(body: dict[str, Any]) -> dict[str, Any]:
    return {one["variant"]: one for one in body["links"]}


@pytest.mark.parametrize("kind", TYPES)
async def test_a_photo_becomes_ready_with_stripped_copies(
    kind: str, phone: httpx.AsyncClient, resources: Resources
) -> None:
    data = media.photo(kind, size=(1600, 1200))
    (file_id,) = await upload(phone, [(TYPES[kind], data)], name="现场.照片")
    await drain(resources)
    found = await detail(phone, file_id)
    assert (found["state"], found["state_label"], found["width"], found["height"]) == ("ready", "可用", 1600, 1200)
    assert found["taken_at"] == "2026-05-04T09:30:15+08:00"
    assert found["taken_zone_known"] is True
    assert (found["longitude"], found["latitude"]) == ("118.0549000", "36.8135000")
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert len(found["phash"]) == 16
    links = variants(found)
    assert set(links) == {"public", "preview", "thumbnail"}
    original = await fetch((await phone.post(f"/files/{file_id}/original")).json()["url"])
    assert original.content == data
    assert original.headers["content-disposition"].startswith("attachment; ")
    for name in ("public", "preview", "thumbnail"):
        copy = await fetch(links[name]["url"])
        assert copy.headers["content-type"] == "image/jpeg"
        assert b"Exif" not in copy.content
        with Image.open(io.BytesIO(copy.content)) as picture:
            assert not picture.getexif()
    with pytest.raises(ObjectMissing):
        await resources.store.stat(incoming_key(UUID(file_id)))


async def test_fifty_at_once(phone: httpx.AsyncClient, resources: Resources, database: Database) -> None:
    kinds = list(TYPES)
    files = [
        (TYPES[kinds[number % 4]], media.photo(kinds[number % 4], seed=number, size=(320, 240))) for number in range(49)
    ]
    files.append(("video/mp4", media.video(2.0)))
    by_kind = [announced(data, kind) for kind, data in files]
    batch = await announce(phone, *by_kind)
    await asyncio.gather(*(send(slot, data) for slot, (_, data) in zip(batch["files"], files, strict=True)))
    done = (await phone.post(f"/files/uploads/{batch['id']}/complete")).json()
    assert {one["status"] for one in done["files"]} == {"arrived"}
    await drain(resources)
    listed = (await phone.get("/files", params={"upload_id": batch["id"], "size": 100})).json()
    assert listed["total"] == 50
    assert {item["state"] for item in listed["items"]} == {"ready"}
    async with database.read() as session:
        hashes = (await session.scalars(select(File.sha256))).all()
    assert set(hashes) == {hashlib.sha256(data).hexdigest() for _, data in files}


async def test_hostile_files_end_in_quarantine(callers: Any, resources: Resources, database: Database) -> None:
    phone = await callers.client([*UPLOADER, Permission.MESSAGES_READ])
    cases = media.hostile()
    ids = await upload(phone, list(cases.values()))
    await drain(resources)
    for name, file_id in zip(cases, ids, strict=True):
        found = await detail(phone, file_id)
        assert found["state"] == "quarantined", name
        assert found["defect"], name
        assert found["defect_label"], name
        assert found["links"] == [], name
        assert (await phone.post(f"/files/{file_id}/original")).json()["code"] == "file_not_ready", name
        for variant in Variant:
            with pytest.raises(ObjectMissing):
                await resources.store.stat(object_key(UUID(file_id), variant))
    for again in (ids[:2], []):
        told = (await phone.get("/messages", params={"topic": "file", "size": 100})).json()
        assert {one["target_id"] for one in told["items"]} == set(ids)
        assert told["total"] == len(ids)
        assert all("请核对后重新上传" in one["body"] for one in told["items"])
        for file_id in again:
            async with database.transaction() as session:
                await publish(session, FileSettled(file_id=UUID(file_id), ready=False))
        await drain(resources)
    async with database.read() as session:
        noted = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "files.quarantine")
        assert await session.scalar(noted) == len(cases)


async def test_a_video_gets_a_poster_and_a_silent_past(phone: httpx.AsyncClient, resources: Resources) -> None:
    (file_id,) = await upload(phone, [("video/mp4", media.video(2.0))], name="巡查.mp4")
    await drain(resources)
    found = await detail(phone, file_id)
    assert found["seconds"] == pytest.approx(2.0, abs=0.15)
    assert found["taken_at"] == "2026-05-04T09:30:15+08:00"
    links = variants(found)
    assert (await fetch(links["thumbnail"]["url"])).headers["content-type"] == "image/jpeg"
    public = await fetch(links["public"]["url"])
    assert public.headers["content-type"] == "video/mp4"
    assert b"loci" not in public.content


async def test_others_get_the_public_copy_only(resources: Resources, callers: Any, database: Database) -> None:
    async with database.transaction() as session:
        unit = await make_unit(session, region=await make_county(session, 2))
        elsewhere = await make_unit(session, region=await make_county(session, 3))
    author = await callers.client(UPLOADER, scope=DataScope.OWN, unit=unit)
    (file_id,) = await upload(author, [("image/jpeg", media.photo())])
    await drain(resources)
    assert (await author.post(f"/files/{file_id}/original")).status_code == 200
    reader = await callers.client(READER, scope=DataScope.REGION, unit=unit)
    assert set(variants(await detail(reader, file_id))) == {"public", "preview", "thumbnail"}
    assert (await reader.post(f"/files/{file_id}/original")).status_code == 403
    other = await callers.client([*READER, *UPLOADER], scope=DataScope.REGION, unit=unit)
    assert (await other.post(f"/files/{file_id}/original")).status_code == 403
    keeper = await callers.client([*READER, Permission.FILES_ORIGINALS], scope=DataScope.REGION, unit=unit)
    assert (await keeper.post(f"/files/{file_id}/original")).status_code == 200
    async with database.read() as session:
        noted = select(AuditEntry.actor_id).where(AuditEntry.action == "files.original").order_by(AuditEntry.id)
        actors = (await session.scalars(noted)).all()
    assert actors == [callers.user_of(author).id, callers.user_of(keeper).id]
    for scope in (DataScope.OWN, DataScope.UNIT, DataScope.REGION):
        stranger = await callers.client([*READER, *UPLOADER], scope=scope, unit=elsewhere)
        assert (await stranger.get(f"/files/{file_id}")).status_code == 404
        assert (await stranger.get("/files")).json()["total"] == 0
        assert (await stranger.post(f"/files/{file_id}/complete")).status_code == 404
        assert (await stranger.post(f"/files/{file_id}/original")).status_code == 404
        deleted = await stranger.delete(f"/files/{file_id}", headers={"If-Match": '"1"'})
        assert deleted.status_code == 404
    uploader = await callers.client(UPLOADER, scope=DataScope.ALL, unit=unit)
    assert (await uploader.get(f"/files/{file_id}")).status_code == 404
    assert (await uploader.get("/files")).json()["total"] == 0
    nobody = await callers.client([Permission.SITES_READ])
    assert (await nobody.get(f"/files/{file_id}")).status_code == 403
    assert (await nobody.get("/files")).status_code == 403


async def test_bytes_sent_after_the_verdict_change_nothing(phone: httpx.AsyncClient, resources: Resources) -> None:
    data = media.photo()
    batch = await announce(phone, announced(data))
    (slot,) = batch["files"]
    await send(slot, data)
    await phone.post(f"/files/{slot['file_id']}/complete")
    await drain(resources)
    evil = (b"<script>alert(1)</script>" + bytes(len(data)))[: len(data)]
    await send(slot, evil)
    await phone.post(f"/files/{slot['file_id']}/complete")
    await drain(resources)
    found = await detail(phone, slot["file_id"])
    assert found["state"] == "ready"
    original = (await phone.post(f"/files/{slot['file_id']}/original")).json()
    assert (await fetch(original["url"])).content == data


async def test_equal_files_are_flagged_even_when_examined_at_once(
    phone: httpx.AsyncClient, resources: Resources, database: Database
) -> None:
    data = media.photo()
    ids = await upload(phone, [("image/jpeg", data)] * 4 + [("image/jpeg", media.photo(seed=2))])
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM pgqueuer"))
    work = [jobs.process_file(_job(resources, file_id)) for file_id in ids]
    await asyncio.gather(*work)
    found = [await detail(phone, file_id) for file_id in ids]
    originals = [one for one in found[:4] if one["duplicate_of_id"] is None]
    assert len(originals) == 1
    assert {one["duplicate_of_id"] for one in found[:4]} - {None} <= set(ids[:4])
    assert found[4]["duplicate_of_id"] is None


def _job(resources: Resources, file_id: str) -> Any:
    from wenming_api.kit.jobs import Job

    return Job(1, service.PROCESS, {"file_id": file_id}, 1, resources)


async def test_examining_twice_settles_once(phone: httpx.AsyncClient, resources: Resources, database: Database) -> None:
    ids = await upload(phone, [("image/jpeg", media.photo()), ("image/jpeg", b"<svg/>" * 10)])
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM pgqueuer"))
    for file_id in ids:
        await asyncio.gather(*(jobs.process_file(_job(resources, file_id)) for _ in range(3)))
        await jobs.process_file(_job(resources, file_id))
    assert [(await detail(phone, file_id))["state"] for file_id in ids] == ["ready", "quarantined"]
    async with database.read() as session:
        told = await session.scalar(
            text("SELECT count(*) FROM pgqueuer WHERE convert_from(payload, 'UTF8') LIKE '%system.files.settled%'")
        )
    assert told == 2


async def test_deleting(phone: httpx.AsyncClient, callers: Any, resources: Resources, database: Database) -> None:
    ids = await upload(phone, [("image/jpeg", media.photo(seed=1)), ("image/jpeg", media.photo(seed=2))])
    await drain(resources)
    first, second = ids
    etag = (await phone.get(f"/files/{first}")).headers["etag"]
    assert (await phone.delete(f"/files/{first}")).status_code == 428
    stale = await phone.delete(f"/files/{first}", headers={"If-Match": '"99"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, int(etag.strip('"')))
    other = await callers.client([*READER, *UPLOADER])
    assert (await other.delete(f"/files/{first}", headers={"If-Match": etag})).status_code == 403
    assert (await phone.delete(f"/files/{first}", headers={"If-Match": etag})).status_code == 204
    await drain(resources)
    assert (await phone.get(f"/files/{first}")).status_code == 404
    for variant in Variant:
        with pytest.raises(ObjectMissing):
            await resources.store.stat(object_key(UUID(first), variant))
    async with database.transaction() as session:
        await service.hold(session, [UUID(second), uuid7()])
        await service.hold(session, [UUID(second)])
    held = await detail(phone, second)
    assert held["allowed_actions"][2] == {
        "action": "delete",
        "label": "删除",
        "allowed": False,
        "why_not": "文件已被引用，不能删除",
    }
    refused = await phone.delete(f"/files/{second}", headers={"If-Match": f'"{held["version"]}"'})
    assert (refused.status_code, refused.json()["code"]) == (409, "file_held")


async def test_a_file_deleted_while_it_is_examined_leaves_nothing(
    phone: httpx.AsyncClient, resources: Resources, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file_id,) = await upload(phone, [("image/jpeg", media.photo())])
    found = await detail(phone, file_id)
    examine = jobs.examine

    async def examine_and_lose(*given: Any) -> dict[str, Any]:
        result = await examine(*given)
        deleted = await phone.delete(f"/files/{file_id}", headers={"If-Match": f'"{found["version"]}"'})
        assert deleted.status_code == 204
        async with database.transaction() as session:
            await session.execute(text("DELETE FROM pgqueuer"))
        return result

    monkeypatch.setattr(jobs, "examine", examine_and_lose)
    await jobs.process_file(_job(resources, file_id))
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(File)) == 0
    for key in (incoming_key(UUID(file_id)), *(object_key(UUID(file_id), variant) for variant in Variant)):
        with pytest.raises(ObjectMissing):
            await resources.store.stat(key)


async def test_lists_and_details_are_cheap(
    phone: httpx.AsyncClient, resources: Resources, statements: Callable[[], Any]
) -> None:
    ids = await upload(phone, [("image/jpeg", media.photo(seed=seed, size=(64, 48))) for seed in range(12)])
    await drain(resources)
    with statements() as sent:
        listed = (await phone.get("/files", params={"kind": "photo", "state": "ready"})).json()
    assert listed["total"] == 12
    assert all(item["thumbnail"]["url"].startswith("http") for item in listed["items"])
    assert [item["id"] for item in listed["items"]] == sorted(ids, reverse=True)
    assert sent.count <= 2
    with statements() as sent:
        await detail(phone, ids[0])
    assert sent.count <= 1
    again = (await phone.get("/files", params={"kind": "photo", "state": "ready"})).json()
    assert again["items"][0]["thumbnail"]["url"] == listed["items"][0]["thumbnail"]["url"]


def principal(owner: UUID) -> Principal:
    return Principal(
        user_id=owner,
        username="u",
        display_name="u",
        unit_id=owner,
        unit_path="1/",
        region_path="370300000000/",
        permissions=frozenset(),
        scope=Scope.everything("a test"),
    )


async def test_other_domains_read_facts_links_and_workbooks(
    phone: httpx.AsyncClient, resources: Resources, callers: Any, database: Database
) -> None:
    table = "编码,名称\n1,水晶街\n".encode()
    photo, sheet, false = await upload(
        phone, [("image/jpeg", media.photo()), ("text/csv", table), (media.XLSX, media.archive())]
    )
    await drain(resources)
    owner = callers.user_of(phone).id
    async with database.read() as session:
        known = await queries.facts(session, [UUID(photo), UUID(sheet), uuid7()])
        assert {known[UUID(photo)].kind, known[UUID(sheet)].kind} == {FileKind.PHOTO, FileKind.WORKBOOK}
        assert len(known) == 2
        assert known[UUID(photo)].owner_id == owner
        assert known[UUID(photo)].taken_at is not None
        made = await queries.links(session, [UUID(photo), UUID(sheet)], store=resources.store)
        assert set(made) == {UUID(photo)}
        with pytest.raises(ValueError, match="originals"):
            await queries.links(session, [], store=resources.store, variant=Variant.ORIGINAL)
        read = {"store": resources.store, "caller": principal(owner)}
        name, content_type, content = await queries.read_bytes(session, UUID(sheet), **read)
        assert (content_type, content) == ("text/csv", table)
        assert name
        with pytest.raises(PayloadTooLarge):
            await queries.read_bytes(session, UUID(sheet), **read, limit=5)
        with pytest.raises(queries.WrongFileKind, match="照片"):
            await queries.read_bytes(session, UUID(photo), **read)
        with pytest.raises(queries.FileNotReady, match="隔离"):
            await queries.read_bytes(session, UUID(false), **read)
        with pytest.raises(NotFound):
            await queries.read_bytes(session, UUID(sheet), store=resources.store, caller=principal(uuid7()))


async def test_old_quarantine_is_emptied(
    phone: httpx.AsyncClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file_id,) = await upload(phone, [("image/jpeg", b"<svg/>" * 10)])
    await drain(resources)
    key = incoming_key(UUID(file_id))
    await jobs.requeue(resources)
    await resources.store.stat(key)
    monkeypatch.setattr(jobs, "KEPT_IN_QUARANTINE", timedelta(seconds=-5))
    await jobs.requeue(resources)
    with pytest.raises(ObjectMissing):
        await resources.store.stat(key)
    assert (await detail(phone, file_id))["state"] == "quarantined"
