"""Writing the archive of a package (C1.5).

Members are prepared a few at a time in a temporary folder, written in their order into parts, and each part goes into
object storage at once. With a part, the facts of all members that it begins are committed: they are all that another
worker needs to go on. It writes the member in which the kept parts end again, checks that it came out the same, and
continues; the bytes are those that one worker alone would have written.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update

from wenming_api.kit import clock
from wenming_api.kit.archives import ArchiveWriter, Entry, Facts, facts_of, local_header
from wenming_api.kit.db import Database, WriteSession
from wenming_api.kit.decoding import DecoderPool
from wenming_api.kit.storage import MultipartInvalid, ObjectMissing, ObjectStore, UploadedPart
from wenming_api.ledgers.packages.models import Package, PackageMember, PackagePart
from wenming_api.ledgers.packages.queries import CONTENT_TYPE, object_key
from wenming_api.ledgers.packages.rules import MemberKind, PackageState
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify
from wenming_api.system.audit.service import record
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import object_key as file_key
from wenming_api.system.files.rules import FileKind, Variant

PART_SIZE = 8 * 1024 * 1024
"""Bytes. Ten thousand parts of this size are 80 GB."""

AHEAD = 6
"""Members that are prepared while another is written."""

_PAGE = 500
_LARGEST_FILE = 600 * 1024 * 1024


class Overtaken(Exception):
    """Another worker has taken the building up, or somebody cancelled it. Nothing more is to be done here."""


class SourceChanged(Exception):
    """What is written differs from what the kept parts hold: the building starts anew."""


class MemberFailed(Exception):
    """A member cannot be had; says which, for the user."""


@dataclass
class Build:
    """One run at a package."""

    database: Database
    store: ObjectStore
    decoders: DecoderPool
    package_id: UUID
    folder: Path
    run: int = 0
    multipart_id: str = ""
    parts: list[UploadedPart] = field(default_factory=list)
    part_size: int = PART_SIZE
    pending: dict[int, Facts] = field(default_factory=dict)
    written: int = 0

    @property
    def key(self) -> str:
        """Where the archive goes."""
        return object_key(self.package_id)


async def take_up(build: Build) -> bool:
    """Make this run the one that counts, and find out where to go on. False when there is nothing to build."""
    async with build.database.transaction() as session:
        package = await _package(session, build.package_id)
        if package is None:
            return False
        build.run, multipart_id = package.run + 1, package.multipart_id
        await _note(session, build, run=build.run)
        kept = await session.execute(
            select(PackagePart).where(PackagePart.package_id == build.package_id).order_by(PackagePart.number)
        )
        build.parts = [UploadedPart(part.number, part.etag, part.size) for part in kept.scalars()]
        size, manifest_hash = package.size, package.manifest_hash
    if size is not None and manifest_hash is not None and await _is_there(build, size):
        await _settle(build, size, manifest_hash)
        return False
    if multipart_id is not None:
        with suppress(MultipartInvalid):
            there = {part.number: part for part in await build.store.parts(build.key, upload_id=multipart_id)}
            if all(_same(there.get(part.number), part) for part in build.parts):
                build.multipart_id = multipart_id
                return True
    await start_anew(build, multipart_id)
    return True


def _same(there: UploadedPart | None, known: UploadedPart) -> bool:
    return there is not None and (there.size, there.etag.strip('"')) == (known.size, known.etag.strip('"'))


async def _is_there(build: Build, size: int) -> bool:
    try:
        return (await build.store.stat(build.key)).size == size
    except ObjectMissing:
        return False


async def _package(session: WriteSession, package_id: UUID) -> Package | None:
    found = await session.execute(
        select(Package).where(Package.id == package_id, Package.state == PackageState.BUILDING).with_for_update()
    )
    return found.scalar_one_or_none()


async def _note(session: WriteSession, build: Build, **values: Any) -> None:
    """Write down how the building goes. It moves no version: who wants to cancel has judged the package, not this."""
    await session.execute(
        update(Package)
        .where(Package.id == build.package_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def start_anew(build: Build, old: str | None) -> None:
    """Forget parts and facts, and begin another upload."""
    if old is not None:
        await build.store.abort_multipart(build.key, upload_id=old)
    fresh = await build.store.start_multipart(build.key, content_type=CONTENT_TYPE)
    async with build.database.transaction() as session:
        package = await _package(session, build.package_id)
        if package is not None and package.run == build.run:
            nothing = {"size": None, "manifest_hash": None, "members_done": 0, "bytes_done": 0}
            await _note(session, build, multipart_id=fresh, **nothing)
            await session.execute(delete(PackagePart).where(PackagePart.package_id == build.package_id))
            await session.execute(
                update(PackageMember)
                .where(PackageMember.package_id == build.package_id)
                .values(size=None, crc=None, sha256=None)
                .execution_options(synchronize_session=False)
            )
            build.multipart_id, build.parts = fresh, []
            return
    await build.store.abort_multipart(build.key, upload_id=fresh)
    raise Overtaken


async def write_archive(build: Build) -> None:
    """Write what is not yet written and close the archive. Raises `Overtaken`, `SourceChanged`, `MemberFailed`."""
    kept = sum(part.size for part in build.parts)
    first, at = await _resume_at(build, kept)
    writer = ArchiveWriter(send=lambda no, data: _send(build, no, data), part_size=build.part_size, at=at, skip=kept)
    build.written = first - 1
    facts = facts_of(b"")
    async for row, prepared, known in _prepared(build, first):
        source, facts = prepared, known
        if row.kind is MemberKind.MANIFEST:
            await _commit(build, None)
            source = await asyncio.to_thread(_write_manifest, build, await _listed(build))
            facts = await asyncio.to_thread(facts_of, source)
        if row.sha256 is not None and row.sha256 != facts.sha256:
            raise SourceChanged(row.name)
        build.pending[row.position] = facts
        await writer.add(row.name, source, facts)
        build.written = row.position
        if isinstance(source, Path):
            source.unlink(missing_ok=True)
    manifest_hash = facts.sha256
    await _commit(build, None)
    size = await writer.finish([entry async for entry in _entries(build)])
    await _commit(build, None, size=size, manifest_hash=manifest_hash)
    await build.store.complete_multipart(build.key, upload_id=build.multipart_id, parts=build.parts)
    await _settle(build, size, manifest_hash)


async def _rows(build: Build, first: int) -> AsyncIterator[Any]:
    """The planned members from that position on, a page at a time."""
    while True:
        async with build.database.read() as session:
            found = await session.execute(
                select(
                    *(getattr(PackageMember, name) for name in ("position", "name", "kind", "limit_bytes", "body")),
                    *(getattr(PackageMember, name) for name in ("file_id", "size", "crc", "sha256")),
                    File.kind.label("file_kind"),
                    File.sha256.label("file_sha256"),
                )
                .outerjoin(File, File.id == PackageMember.file_id)
                .where(PackageMember.package_id == build.package_id, PackageMember.position >= first)
                .order_by(PackageMember.position)
                .limit(_PAGE)
            )
            rows = found.all()
        for row in rows:
            yield row
        if len(rows) < _PAGE:
            return
        first = rows[-1].position + 1


async def _resume_at(build: Build, kept: int) -> tuple[int, int]:
    """The position and offset of the member to be written first, when so many bytes are kept."""
    offset, position = 0, 1
    async for row in _rows(build, 1):
        if row.size is None:
            return row.position, offset
        end = Entry(row.name, row.size, row.crc, offset).end
        if end > kept:
            return row.position, offset
        offset, position = end, row.position + 1
    # The kept parts reach into the directory: the last member is written again.
    last = position - 1
    async for row in _rows(build, last):
        return last, offset - row.size - len(local_header(row.name, row.size, row.crc))
    raise MemberFailed("材料包没有内容")


async def _prepared(build: Build, first: int) -> AsyncIterator[tuple[Any, Path | bytes, Facts]]:
    """Members in their order, each with its content and facts; the next few are prepared meanwhile."""
    waiting: deque[tuple[Any, asyncio.Task[tuple[Path | bytes, Facts]]]] = deque()
    try:
        async for row in _rows(build, first):
            waiting.append((row, asyncio.create_task(_prepare(build, row))))
            if len(waiting) > AHEAD:
                ready, task = waiting.popleft()
                source, facts = await task
                yield ready, source, facts
        while waiting:
            ready, task = waiting.popleft()
            source, facts = await task
            yield ready, source, facts
    finally:
        for _, task in waiting:
            task.cancel()
        await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)


async def _prepare(build: Build, row: Any) -> tuple[Path | bytes, Facts]:
    if row.file_id is None:
        body = (row.body or "").encode()
        return body, facts_of(body)
    photo = row.file_kind is FileKind.PHOTO
    # The public copy of a photo carries no metadata; documents are as they were examined.
    variant = Variant.PUBLIC if photo else Variant.ORIGINAL
    path = build.folder / f"{row.position}"
    try:
        size = await build.store.get_to_file(file_key(row.file_id, variant), path, limit=_LARGEST_FILE)
    except ObjectMissing as error:
        raise MemberFailed(f"“{row.name}”的文件内容缺失") from error
    if photo and row.limit_bytes is not None and size > row.limit_bytes:
        smaller = path.with_suffix(".jpg")
        await build.decoders.run("shrink", path, smaller, row.limit_bytes)
        path.unlink()
        path = smaller
    facts = await asyncio.to_thread(facts_of, path)
    if not photo and row.file_sha256 not in {None, facts.sha256}:
        raise MemberFailed(f"“{row.name}”的文件内容与收到时不同")
    return path, facts


async def _send(build: Build, number: int, data: bytes) -> None:
    part = await build.store.put_part(build.key, upload_id=build.multipart_id, number=number, data=data)
    digest = await asyncio.to_thread(lambda: sha256(data).hexdigest())
    await _commit(build, part, digest=digest)
    build.parts.append(part)


async def _commit(
    build: Build,
    part: UploadedPart | None,
    *,
    digest: str = "",
    size: int | None = None,
    manifest_hash: str | None = None,
) -> None:
    """Remember a part, the facts of the members begun so far, and how far it is. Raises `Overtaken`."""
    facts, build.pending = build.pending, {}
    async with build.database.transaction() as session:
        values: dict[str, Any] = {"members_done": build.written, "progressed_at": clock.now()}
        if part is not None:
            values["bytes_done"] = Package.bytes_done + part.size
        if size is not None:
            values |= {"size": size, "manifest_hash": manifest_hash}
        held = await session.execute(
            update(Package)
            .where(Package.id == build.package_id, Package.run == build.run, Package.state == PackageState.BUILDING)
            .values(**values)
            .returning(Package.id)
            .execution_options(synchronize_session=False)
        )
        if held.one_or_none() is None:
            raise Overtaken
        if part is not None:
            session.add(
                PackagePart(
                    package_id=build.package_id, number=part.number, etag=part.etag, size=part.size, sha256=digest
                )
            )
        if facts:
            connection = await session.connection()
            table = PackageMember.__table__
            await connection.execute(
                update(table)  # type: ignore[arg-type]
                .where(table.c.package_id == build.package_id, table.c.position == bindparam("at_position"))
                .values(size=bindparam("new_size"), crc=bindparam("new_crc"), sha256=bindparam("new_sha256")),
                [
                    {"at_position": no, "new_size": each.size, "new_crc": each.crc, "new_sha256": each.sha256}
                    for no, each in facts.items()
                ],
            )


async def _entries(build: Build) -> AsyncIterator[Entry]:
    offset = 0
    async for row in _rows(build, 1):
        entry = Entry(row.name, row.size, row.crc, offset)
        yield entry
        offset = entry.end


async def _listed(build: Build) -> tuple[dict[str, Any], list[Any]]:
    """What the manifest says: the package and every member before it."""
    async with build.database.read() as session:
        package = (
            await session.execute(
                select(Package.id, Package.title, Package.year, Package.book_id, Package.catalogue_id).where(
                    Package.id == build.package_id
                )
            )
        ).one()
        found = await session.execute(
            select(
                *(getattr(PackageMember, name) for name in ("name", "kind", "node_id", "submission_id")),
                *(getattr(PackageMember, name) for name in ("size", "sha256", "caption")),
            )
            .where(PackageMember.package_id == build.package_id, PackageMember.kind != MemberKind.MANIFEST)
            .order_by(PackageMember.position)
        )
        return dict(package._mapping), list(found)


def _write_manifest(build: Build, listed: tuple[dict[str, Any], list[Any]]) -> Path:
    head, members = listed
    path = build.folder / "manifest"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_manifest_lines(head, members))
    return path


def _manifest_lines(head: dict[str, Any], members: list[Any]) -> Iterator[str]:
    def shown(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)

    yield "{\n"
    yield from (f"{shown(name)}: {shown(value)},\n" for name, value in head.items())
    yield '"members": [\n'
    for no, member in enumerate(members, start=1):
        line = {name: value for name, value in member._mapping.items() if value is not None}
        yield shown(line | {"kind": member.kind.value}) + (",\n" if no < len(members) else "\n")
    yield "]}\n"


async def _settle(build: Build, size: int, manifest_hash: str) -> None:
    async with build.database.transaction() as session:
        package = await _package(session, build.package_id)
        if package is None or package.run != build.run:
            raise Overtaken
        package.state, package.built_at, package.multipart_id = PackageState.BUILT, clock.now(), None
        package.size, package.manifest_hash = size, manifest_hash
        package.members_done, package.bytes_done = package.members_total, size
        await record(
            session,
            caller=None,
            action="packages.built",
            target=("package", package.id),
            after={"size": size, "manifest_hash": manifest_hash, "members": package.members_total},
        )
        await _tell(session, package, "申报材料包已打包完成", f"“{package.title}”可以下载或上报。")


async def fail(build: Build, reason: str) -> None:
    """Note why the building failed, unless it is somebody else's by now. What is kept stays, to go on from."""
    async with build.database.transaction() as session:
        package = await _package(session, build.package_id)
        if package is None or package.run != build.run:
            return
        package.state, package.error = PackageState.FAILED, reason[:500]
        await record(
            session,
            caller=None,
            action="packages.failed",
            target=("package", package.id),
            after={"error": package.error},
        )
        await _tell(session, package, "申报材料包打包失败", f"“{package.title}”：{package.error}")


async def _tell(session: WriteSession, package: Package, title: str, body: str) -> None:
    await notify(
        session,
        [package.made_by],
        topic=Topic.PACKAGE,
        title=title,
        body=body,
        target=("package", package.id),
    )
