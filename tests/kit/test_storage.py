"""The object store as clients and jobs use it, against a real S3 store."""

import asyncio
import json
import socket
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests import servers

from wenming_api.kit.storage import (
    MIN_PART_SIZE,
    MultipartInvalid,
    ObjectMissing,
    ObjectStore,
    ObjectTooLarge,
    StoreUnavailable,
    UploadedPart,
    UploadForm,
    content_disposition,
)

HOUR = timedelta(hours=1)


@pytest.fixture(scope="session")
async def store() -> AsyncIterator[ObjectStore]:
    server = servers.objects()
    store = ObjectStore(
        endpoint=f"http://{server.endpoint}",
        access_key=server.access_key,
        secret_key=server.secret_key,
        bucket=f"kit-{servers.worker()}",
    )
    await store.prepare(cors_origins=["http://pc.example"])
    yield store
    await store.close()


@pytest.fixture(scope="session")
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        yield client


def key() -> str:
    return f"incoming/{uuid4()}"


def form(store: ObjectStore, name: str, **changes: Any) -> UploadForm:
    given: dict[str, Any] = {
        "content_type": "image/jpeg",
        "min_size": 5,
        "max_size": 10,
        "expires": HOUR,
        "now": datetime.now(UTC),
    }
    return store.post_form(name, **(given | changes))


async def send(web: httpx.AsyncClient, made: UploadForm, data: bytes, **fields: str) -> httpx.Response:
    content_type = fields.get("Content-Type", made.fields["Content-Type"])
    return await web.post(made.url, data=made.fields | fields, files={"file": ("photo.jpg", data, content_type)})


async def test_a_form_stores_what_it_was_made_for(store: ObjectStore, web: httpx.AsyncClient) -> None:
    name = key()
    answer = await send(web, form(store, name), b"12345678")
    assert answer.status_code == 204, answer.text
    found = await store.stat(name)
    assert (found.size, found.content_type) == (8, "image/jpeg")
    assert await store.get(name, limit=100) == b"12345678"


@pytest.mark.parametrize("data", [b"1234", b"x" * 11, b"x" * 100_000], ids=["too small", "too big", "far too big"])
async def test_a_form_refuses_other_sizes(store: ObjectStore, web: httpx.AsyncClient, data: bytes) -> None:
    name = key()
    answer = await send(web, form(store, name), data)
    assert 400 <= answer.status_code < 500
    with pytest.raises(ObjectMissing):
        await store.stat(name)


async def test_a_form_refuses_another_type_key_or_time(store: ObjectStore, web: httpx.AsyncClient) -> None:
    name, other = key(), key()
    made = form(store, name)
    assert (await send(web, made, b"12345678", **{"Content-Type": "text/html"})).status_code == 403
    assert (await send(web, made, b"12345678", key=other)).status_code == 403
    late = form(store, name, now=datetime.now(UTC) - 2 * HOUR)
    assert (await send(web, late, b"12345678")).status_code in {400, 403}
    forged = json.loads(b64decode(made.fields["policy"]))
    assert ["content-length-range", 5, 10] in forged["conditions"]
    for missing in (name, other):
        with pytest.raises(ObjectMissing):
            await store.stat(missing)


async def test_a_download_link_reads_under_the_given_name_and_type(store: ObjectStore, web: httpx.AsyncClient) -> None:
    name = key()
    await store.put(name, b"<script>", content_type="text/html")
    link = store.download_url(name, filename="水晶街.jpg", content_type="image/jpeg", expires=HOUR)
    answer = await web.get(link)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == content_disposition("水晶街.jpg", inline=False)
    assert "attachment" in answer.headers["content-disposition"]
    assert (await web.get(link.split("?")[0])).status_code == 403
    assert (await web.get(link.replace("jpeg", "html"))).status_code == 403
    ranged = await web.get(link, headers={"Range": "bytes=0-2"})
    assert (ranged.status_code, ranged.content) == (206, b"<sc")


async def test_links_name_the_public_address(store: ObjectStore) -> None:
    server = servers.objects()
    outside = ObjectStore(
        endpoint=f"http://{server.endpoint}",
        public_endpoint="https://files.example:8443",
        access_key=server.access_key,
        secret_key=server.secret_key,
        bucket=store.bucket,
    )
    await outside.ping()
    assert form(outside, "a").url == f"https://files.example:8443/{store.bucket}"
    link = outside.download_url("a", filename="a", content_type="image/jpeg", expires=HOUR)
    assert link.startswith(f"https://files.example:8443/{store.bucket}/a?")
    assert outside.part_url("a", upload_id="u", number=1, expires=HOUR).startswith("https://files.example:8443/")
    await outside.close()


async def test_an_upload_in_parts(store: ObjectStore, web: httpx.AsyncClient) -> None:
    name = key()
    upload = await store.start_multipart(name, content_type="video/mp4")
    assert await store.parts(name, upload_id=upload) == []
    pieces = {2: b"b" * 1000, 1: b"a" * MIN_PART_SIZE}
    for number, data in pieces.items():
        sent = await web.put(store.part_url(name, upload_id=upload, number=number, expires=HOUR), content=data)
        assert sent.status_code == 200
    parts = await store.parts(name, upload_id=upload)
    assert [(part.number, part.size) for part in parts] == [(1, MIN_PART_SIZE), (2, 1000)]
    await store.complete_multipart(name, upload_id=upload, parts=parts)
    found = await store.stat(name)
    assert (found.size, found.content_type) == (MIN_PART_SIZE + 1000, "video/mp4")
    with pytest.raises(MultipartInvalid):
        await store.parts(name, upload_id=upload)


async def test_parts_that_do_not_fit_are_refused(store: ObjectStore, web: httpx.AsyncClient) -> None:
    name = key()
    upload = await store.start_multipart(name, content_type="video/mp4")
    await web.put(store.part_url(name, upload_id=upload, number=1, expires=HOUR), content=b"a" * 100)
    (part,) = await store.parts(name, upload_id=upload)
    invented = UploadedPart(2, "0" * 32, 5)
    with pytest.raises(MultipartInvalid):
        await store.complete_multipart(name, upload_id=upload, parts=[part, invented])
    await store.abort_multipart(name, upload_id=upload)
    await store.abort_multipart(name, upload_id=upload)
    with pytest.raises(MultipartInvalid):
        await store.complete_multipart(name, upload_id=upload, parts=[part])
    with pytest.raises(ObjectMissing):
        await store.stat(name)


async def test_files_go_in_and_out_within_a_limit(store: ObjectStore, tmp_path: Path) -> None:
    name, source, target = key(), tmp_path / "in", tmp_path / "out"
    source.write_bytes(bytes(range(256)) * 50_000)
    await store.put_file(name, source, content_type="application/octet-stream")
    assert await store.get_to_file(name, target, limit=20_000_000) == source.stat().st_size
    assert target.read_bytes() == source.read_bytes()
    with pytest.raises(ObjectTooLarge):
        await store.get(name, limit=1_000_000)
    with pytest.raises(ObjectMissing):
        await store.get(key(), limit=10)


async def test_removal_is_repeatable_and_lists_by_age(store: ObjectStore) -> None:
    prefix = f"sweep-{uuid4()}/"
    names = [f"{prefix}{number}" for number in range(3)]
    for name in names:
        await store.put(name, b"x", content_type="text/plain")
    now = datetime.now(UTC)
    assert await store.list_older(prefix, before=now - HOUR) == []
    assert sorted(await store.list_older(prefix, before=now + HOUR)) == names
    assert len(await store.list_older(prefix, before=now + HOUR, at_most=2)) == 2
    await store.remove(names)
    await store.remove([*names, f"{prefix}never"])
    assert await store.list_older(prefix, before=now + HOUR) == []


async def test_only_the_named_pages_may_read_and_send(store: ObjectStore, web: httpx.AsyncClient) -> None:
    name = key()
    link = store.part_url(name, upload_id="u", number=1, expires=HOUR)
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    allowed = await web.options(link, headers={"Origin": "http://pc.example", **asked})
    assert allowed.headers.get("access-control-allow-origin") == "http://pc.example"
    refused = await web.options(link, headers={"Origin": "http://evil.example", **asked})
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers
    form_address = form(store, name).url
    asked["Access-Control-Request-Method"] = "POST"
    allowed = await web.options(form_address, headers={"Origin": "http://pc.example", **asked})
    assert allowed.headers.get("access-control-allow-origin") in {"http://pc.example", "*"}


async def away(**changes: Any) -> ObjectStore:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    given: dict[str, Any] = {"access_key": "a" * 8, "secret_key": "b" * 16, "bucket": "gone"}
    return ObjectStore(endpoint=f"http://127.0.0.1:{port}", **(given | changes))


async def test_a_store_that_is_away_says_so_in_chinese_and_presigns_on(tmp_path: Path) -> None:
    store = await away()
    calls = [
        store.ping(),
        store.prepare(),
        store.stat("a"),
        store.get("a", limit=1),
        store.put("a", b"1", content_type="x/y"),
        store.remove(["a"]),
        store.start_multipart("a", content_type="video/mp4"),
    ]
    for answer in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(answer, StoreUnavailable)
        assert (answer.status, answer.code) == (503, "object_store_unavailable")
        assert "稍后重试" in answer.detail
        assert answer.headers["Retry-After"] == "5"
    assert form(store, "a").fields["policy"]
    await store.close()


async def test_a_store_that_hangs_costs_a_bounded_time_and_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        store = ObjectStore(
            endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}",
            access_key="a" * 8,
            secret_key="b" * 16,
            bucket="gone",
            workers=2,
            waiting=2,
            read_timeout=0.5,
            deadline=0.3,
        )
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(store.stat("a") for _ in range(20)), return_exceptions=True)
        assert all(isinstance(answer, StoreUnavailable) for answer in answers)
        assert asyncio.get_running_loop().time() - began < 5
        await store.close()


async def test_a_store_without_the_bucket_is_not_ready(store: ObjectStore) -> None:
    server = servers.objects()
    empty = ObjectStore(
        endpoint=f"http://{server.endpoint}",
        access_key=server.access_key,
        secret_key=server.secret_key,
        bucket=f"absent-{uuid4()}",
    )
    with pytest.raises(StoreUnavailable):
        await empty.ping()
    await empty.prepare()
    await empty.prepare()
    await empty.ping()
    await empty.close()


def test_a_content_disposition_carries_any_name() -> None:
    value = content_disposition('a"\r\nSet-Cookie: x=1; 文明.jpg', inline=True)
    assert "\r" not in value
    assert "\n" not in value
    assert value.count('"') == 2
    assert value.startswith("inline; ")
    assert "%E6%96%87%E6%98%8E" in value
    value.encode("ascii")


@pytest.mark.parametrize("address", ["127.0.0.1:8333", "ftp://h", "http://", "http://h/path"])
def test_an_address_without_scheme_or_with_a_path_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        ObjectStore(endpoint=address, access_key="a", secret_key="b", bucket="c")


async def test_parts_sent_from_here_and_read_by_ranges(store: ObjectStore) -> None:
    name, first, last = key(), b"a" * MIN_PART_SIZE, b"the end"
    upload = await store.start_multipart(name, content_type="application/zip")
    parts = [
        await store.put_part(name, upload_id=upload, number=number, data=data)
        for number, data in enumerate([first, last], start=1)
    ]
    assert await store.parts(name, upload_id=upload) == parts
    await store.complete_multipart(name, upload_id=upload, parts=parts)
    assert await store.get_range(name, offset=MIN_PART_SIZE - 2, length=5) == b"aathe"
    assert await store.get_range(name, offset=MIN_PART_SIZE, length=500) == last
    with pytest.raises(MultipartInvalid):
        await store.put_part(name, upload_id=upload, number=1, data=last)
