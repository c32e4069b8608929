"""Packages from the book to the archive: gaps, limits, resuming to the same bytes, cancelling, scope."""

import hashlib
import io
import json
import random
import zipfile
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image
from sqlalchemy import select, update
from tests.factories.books import Tree, make_accepted, make_tree
from tests.factories.callers import Callers
from tests.factories.submissions import Offices, make_offices

from wenming_api import worker
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.kit.jobs import Job
from wenming_api.kit.storage import MIN_PART_SIZE
from wenming_api.ledgers.package_builds import jobs, service
from wenming_api.ledgers.packages.models import Package, PackagePart
from wenming_api.settings import Resources
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import object_key
from wenming_api.system.files.rules import FileKind, FileState, Variant
from wenming_api.system.roles.rules import DataScope

LIMIT = 200_000


def picture(seed: int, side: int = 1200) -> bytes:
    """A JPEG of noise: about as hard to compress as can be."""
    small = Image.frombytes("RGB", (side // 2, side // 2), random.Random(seed).randbytes(3 * (side // 2) ** 2))
    output = io.BytesIO()
    small.resize((side, side)).save(output, "JPEG", quality=92)
    return output.getvalue()


@dataclass
class Work:
    """A book with photos and a document, and a client that makes packages of it."""

    client: httpx.AsyncClient
    resources: Resources
    offices: Offices
    tree: Tree
    book_id: str

    async def make(self, **values: Any) -> dict[str, Any]:
        answer = await self.client.post("/ledgers/packages", json={"book_id": self.book_id, **values})
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]

    async def act(self, package: dict[str, Any], verb: str, **more: Any) -> dict[str, Any]:
        body = {"version": package["version"], **more}
        answer = await self.client.post(f"/ledgers/packages/{package['id']}/{verb}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    async def show(self, package: dict[str, Any], path: str = "") -> Any:
        return (await self.client.get(f"/ledgers/packages/{package['id']}{path}")).json()

    async def validated(self, **values: Any) -> dict[str, Any]:
        package = await self.make(**values)
        await self.act(package, "validate")
        await worker.drain(self.resources)
        return await self.show(package)  # type: ignore[no-any-return]

    async def archive(self, package: dict[str, Any]) -> bytes:
        link = await self.show(package, "/download")
        async with httpx.AsyncClient(trust_env=False, timeout=60) as web:
            data = (await web.get(link["url"])).content
        assert len(data) == link["size"]
        return data


async def make_file(
    resources: Resources, offices: Offices, kind: FileKind, name: str, data: bytes, **more: Any
) -> UUID:
    """A ready file with the bytes that its copies are made of."""
    variant = Variant.PUBLIC if kind is FileKind.PHOTO else Variant.ORIGINAL
    content_type = "image/jpeg" if kind is FileKind.PHOTO else "application/pdf"
    file_id = uuid7()
    async with resources.database.transaction() as session:
        session.add(
            File(
                id=file_id,
                owner_id=offices.unit.clerk.id,
                unit_path=offices.unit.unit.unit_path,
                region_path=offices.unit.unit.region_path,
                kind=kind,
                name=name,
                content_type=content_type,
                size=len(data),
                expires_at=clock.now(),
                **({"state": FileState.READY, "sha256": hashlib.sha256(data).hexdigest()} | more),
            )
        )
    await resources.store.put(object_key(file_id, variant), data, content_type=content_type)
    return file_id


@pytest.fixture
async def work(admin: httpx.AsyncClient, database: Database, resources: Resources) -> Work:
    async with database.transaction() as session:
        offices = await make_offices(session)
        tree = await make_tree(session, post=offices.city)
    photos = [await make_file(resources, offices, FileKind.PHOTO, f"{no}.jpg", picture(no)) for no in range(8)]
    document = await make_file(resources, offices, FileKind.DOCUMENT, "红头文件.pdf", b"%PDF-1.4 " + b"x" * 5000)
    caption = {"time": "3月5日", "theme": "学雷锋"}
    async with database.transaction() as session:
        for leaf, shown in ((0, photos[:4]), (2, photos[4:])):
            await make_accepted(
                session,
                tree=tree,
                sender=offices.unit,
                receiver=offices.community,
                leaves=(leaf,),
                conclusion="措施到位",
                photos=[{"file_id": str(each), "caption": caption} for each in shown],
                attachments=[{"file_id": str(document), "name": "../../文件\u202e", "kind": "normative_document"}],
            )
    (book,) = (await admin.get("/ledgers/books", params={"kind": "own"})).json()["items"]
    return Work(admin, resources, offices, tree, book["id"])


async def test_validated_built_and_downloaded(work: Work) -> None:
    package = await work.validated(photo_limit_bytes=LIMIT)
    assert (package["state"], package["blocking"], package["warnings"]) == ("ready", 0, 2)
    gaps = (await work.show(package, "/gaps"))["items"]
    assert [(gap["kind"], gap["node_code"], gap["by"]) for gap in gaps] == [
        ("node_missing", "A2", 1),
        ("node_missing", "B2", 1),
    ]
    await work.act(package, "build")
    assert (await work.show(package, "/progress"))["state"] == "building"
    await worker.drain(work.resources)
    built = await work.show(package)
    assert (built["state"], built["error"]) == ("built", None)
    assert (await work.show(package, "/progress"))["percent"] == 100
    data = await work.archive(package)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        manifest = archive.read("manifest.json")
        assert hashlib.sha256(manifest).hexdigest() == built["manifest_hash"]
        listed = json.loads(manifest)["members"]
        assert [each["name"] for each in listed] == names[:-1]
        for each in listed:
            content = archive.read(each["name"])
            assert (len(content), hashlib.sha256(content).hexdigest()) == (each["size"], each["sha256"])
            if each["kind"] == "photo":
                assert len(content) <= LIMIT
                assert each["caption"]["theme"] == "学雷锋"
                with Image.open(io.BytesIO(content)) as image:
                    assert not image.getexif()
    assert sum("/照片/" in name for name in names) == 8
    assert not any(".." in name.split("/") for name in names)
    inbox = await work.client.get("/messages")
    assert inbox.json()["items"][0]["title"] == "申报材料包已打包完成"


async def test_a_statement_too_long_blocks_until_it_is_shorter(work: Work) -> None:
    package = await work.validated(statement_limit=3)
    assert (package["state"], package["blocking"]) == ("incomplete", 2)
    gaps = await work.client.get(f"/ledgers/packages/{package['id']}/gaps", params={"kind": "statement_too_long"})
    assert [gap["by"] for gap in gaps.json()["items"]] == [1, 1]
    refused = await work.client.post(f"/ledgers/packages/{package['id']}/build", json={"version": package["version"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    items = [{"node_id": str(work.tree.leaves[no].id), "text": "已落实"} for no in (0, 2)]
    answer = await work.client.put(
        f"/ledgers/packages/{package['id']}/statements",
        json={"items": items},
        headers={"If-Match": str(package["version"])},
    )
    assert answer.status_code == 200, answer.text
    await work.act(answer.json(), "validate")
    await worker.drain(work.resources)
    assert (await work.show(package))["state"] == "ready"
    workbook = await work.client.get(f"/ledgers/packages/{package['id']}/gaps/workbook")
    assert workbook.content.startswith(b"PK")


async def test_a_quarantined_file_blocks(work: Work, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(File).where(File.name == "3.jpg").values(state=FileState.QUARANTINED, defect="broken")
        )
    package = await work.validated()
    assert package["state"] == "incomplete"
    gaps = (await work.show(package, "/gaps"))["items"]
    assert [gap["kind"] for gap in gaps if gap["blocking"]] == ["file_quarantined"]


class Killed(BaseException):
    """As sudden as a signal: no handler of exceptions sees it."""


async def run(work: Work, package: dict[str, Any]) -> None:
    await jobs.build(Job(1, "build", {"package_id": package["id"]}, 1, work.resources))


async def test_killed_anywhere_and_taken_up_the_bytes_are_the_same(
    work: Work, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.Build, "part_size", MIN_PART_SIZE)
    big = [
        await make_file(
            work.resources, work.offices, FileKind.DOCUMENT, f"大{no}.pdf", random.Random(no).randbytes(3_000_000)
        )
        for no in range(6)
    ]
    async with database.transaction() as session:
        await make_accepted(
            session,
            tree=work.tree,
            sender=work.offices.unit,
            receiver=work.offices.community,
            leaves=(3,),
            attachments=[{"file_id": str(each), "name": "附件", "kind": "table"} for each in big],
        )
    packages = [await work.validated(photo_limit_bytes=LIMIT) for _ in range(2)]
    whole, broken = [await work.act(each, "build") for each in packages]
    await run(work, whole)

    put = work.resources.store.put_part
    kills = 0
    for stop in (1, 2, 3, 4, 5):

        async def dying(key: str, *, upload_id: str, number: int, data: bytes, stop: int = stop) -> Any:
            if number == stop:
                raise Killed
            return await put(key, upload_id=upload_id, number=number, data=data)

        monkeypatch.setattr(work.resources.store, "put_part", dying)
        try:
            await run(work, broken)
        except Killed:
            kills += 1
            async with database.read() as session:
                kept = (
                    await session.execute(
                        select(PackagePart.number).where(PackagePart.package_id == UUID(broken["id"]))
                    )
                ).all()
            assert len(kept) == stop - 1
    monkeypatch.setattr(work.resources.store, "put_part", put)
    assert kills >= 3
    await run(work, broken)
    first, second = await work.archive(whole), await work.archive(broken)
    # The two packages differ by their ids alone, which the manifest names.
    until = first.index(b"manifest.json") - 30
    assert second[:until] == first[:until]
    with zipfile.ZipFile(io.BytesIO(first)) as one, zipfile.ZipFile(io.BytesIO(second)) as two:
        assert two.testzip() is None
        assert one.namelist() == two.namelist()
        for name in one.namelist():
            if name != "manifest.json":
                assert one.read(name) == two.read(name)


async def test_cancelled_while_it_is_built(work: Work, database: Database) -> None:
    package = await work.validated()
    building = await work.act(package, "build")
    stale = service.Build(database, work.resources.store, work.resources.decoders, UUID(package["id"]), None)  # type: ignore[arg-type]
    assert await service.take_up(stale)
    cancelled = await work.act(building, "cancel", reason="先补充材料")
    assert cancelled["state"] == "cancelled"
    with pytest.raises(service.Overtaken):
        await service._commit(stale, None)
    await worker.drain(work.resources)
    assert (await work.show(package))["state"] == "cancelled"
    assert (await work.client.get(f"/ledgers/packages/{package['id']}/download")).json()["code"] == "package_not_built"


async def test_of_two_workers_the_later_one_builds(work: Work, database: Database) -> None:
    package = await work.validated()
    await work.act(package, "build")
    early = service.Build(database, work.resources.store, work.resources.decoders, UUID(package["id"]), None)  # type: ignore[arg-type]
    assert await service.take_up(early)
    await run(work, package)
    with pytest.raises(service.Overtaken):
        await service._commit(early, None)
    assert (await work.show(package))["state"] == "built"
    await run(work, package)
    async with database.read() as session:
        assert (await session.get_one(Package, UUID(package["id"]))).multipart_id is None


async def test_a_lost_file_fails_with_its_name(work: Work) -> None:
    package = await work.validated()
    members = (await work.show(package, "/members?kind=photo&size=100"))["items"]
    async with work.resources.database.read() as session:
        file_id = (await session.execute(select(File.id).where(File.name == "0.jpg"))).scalar_one()
    await work.resources.store.remove([object_key(file_id, Variant.PUBLIC)])
    await work.act(package, "build")
    await worker.drain(work.resources)
    failed = await work.show(package)
    assert failed["state"] == "failed"
    assert any(each["name"] in failed["error"] for each in members)


async def test_scope_and_permission_from_both_sides(work: Work, callers: Callers) -> None:
    everything = [Permission.PACKAGES_READ, Permission.PACKAGES_BUILD, Permission.BOOKS_READ]
    package = await work.make()
    own = await callers.client(everything, scope=DataScope.UNIT, unit=work.offices.unit.unit)
    other = await callers.client(everything, scope=DataScope.UNIT, unit=work.offices.county.unit)
    reader = await callers.client([Permission.PACKAGES_READ], scope=DataScope.UNIT, unit=work.offices.unit.unit)
    path = f"/ledgers/packages/{package['id']}"
    for tail in ("", "/gaps", "/members", "/progress", "/download", "/statements", "/gaps/workbook"):
        assert (await other.get(path + tail)).status_code == 404
        assert (await own.get(path + tail)).status_code == (409 if tail == "/download" else 200)
    assert (await other.get("/ledgers/packages")).json()["total"] == 0
    assert (await reader.get("/ledgers/packages")).json()["total"] == 1
    for verb in ("validate", "build", "cancel"):
        body = {"version": 1, "reason": "不再需要"} if verb == "cancel" else {"version": 1}
        assert (await reader.post(f"{path}/{verb}", json=body)).status_code == 403
        assert (await other.post(f"{path}/{verb}", json=body)).status_code == 404
    assert (await other.post("/ledgers/packages", json={"book_id": work.book_id})).status_code == 404
    assert (await reader.post("/ledgers/packages", json={"book_id": work.book_id})).status_code == 403
