"""Changes of files: announcing, completing, settling, deleting. The bytes themselves never pass through here."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.events import FileSettled
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import AnySession, WriteSession
from wenming_api.kit.decoding import Defect
from wenming_api.kit.events import publish
from wenming_api.kit.jobs import enqueue
from wenming_api.kit.problems import Conflict, Forbidden, NotFound, check_edited
from wenming_api.kit.storage import ObjectStore
from wenming_api.system.audit.service import record
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import (
    LINKED,
    FileNotReady,
    find_file,
    link,
    may_original,
    visible,
)
from wenming_api.system.files.rules import FileState, Variant
from wenming_api.system.files.schemas import (
    Link,
)

PROCESS = "system.files.process"
ERASE = "system.files.erase"


class FileHeld(Conflict):
    """The file is evidence of something."""

    code = "file_held"
    title = "文件已被引用"


async def lock_files(session: WriteSession, *conditions: Any) -> Sequence[File]:
    """The files under these conditions, locked in the order of their ids."""
    found = await session.scalars(select(File).where(*conditions).order_by(File.id).with_for_update())
    return found.all()


async def enqueue_processing(session: WriteSession, file_id: UUID) -> None:
    """Queue the examination of an arrived file, once however often it is asked for."""
    await enqueue(session, PROCESS, {"file_id": str(file_id)}, dedupe=f"{PROCESS}:{file_id}")


async def link_original(session: WriteSession, file_id: UUID, *, caller: Principal, store: ObjectStore) -> Link:
    """A link to the untouched bytes, with all that a camera wrote: for the owner and those who may; audited."""
    file = await find_file(session, file_id, scope=visible(caller))
    if not may_original(file, caller):
        raise Forbidden(f"下载原件需要“{Permission.FILES_ORIGINALS.label}”权限。")
    made = link(store, {name: getattr(file, name) for name in LINKED}, Variant.ORIGINAL)
    if made is None:
        raise FileNotReady(f"文件{file.state.label}，不能下载。", state=file.state.value)
    await record(session, caller=caller, action="files.original", target=("file", file_id))
    return made


async def delete_file(session: WriteSession, file_id: UUID, *, caller: Principal, version: int) -> None:
    """Delete the caller's own file; its bytes are removed from the store afterwards. Raises `FileHeld`."""
    await find_file(session, file_id, scope=visible(caller))
    files = await lock_files(session, File.id == file_id)
    if not files:
        raise NotFound
    file = files[0]
    if file.owner_id != caller.user_id:
        raise Forbidden("只有上传者可以删除文件。")
    check_edited(version, file.version)
    if file.held:
        raise FileHeld("文件已被测评表等业务引用，不能删除。")
    await session.delete(file)
    try:
        await session.flush()  # the database refuses what a score line shows
    except IntegrityError as error:
        raise FileHeld("文件已作为测评证据提交，不能删除。") from error
    await enqueue_erasure(session, file_id, file.multipart_id)
    await record(
        session,
        caller=caller,
        action="files.delete",
        target=("file", file_id),
        before={"name": file.name, "kind": file.kind.value, "sha256": file.sha256},
    )


async def enqueue_erasure(session: WriteSession, file_id: UUID, multipart_id: str | None) -> None:
    """Queue the removal of every form of a file from the store."""
    await enqueue(session, ERASE, {"file_id": str(file_id), "multipart_id": multipart_id})


async def hold(session: WriteSession, file_ids: Iterable[UUID]) -> None:
    """Mark files as evidence: from now on they cannot be deleted. Ids that are not there (yet) are passed
    over.
    """
    await session.execute(
        update(File)
        .where(File.id.in_(sorted(file_ids)), File.held.is_(False))
        .values(held=True, version=File.version + 1)
        .execution_options(synchronize_session=False)
    )


async def settle_ready(session: WriteSession, file_id: UUID, *, found: Mapping[str, Any]) -> bool:
    """The examined file is what it claims: store what was read from it and tell whoever waits. False when
    settled before.
    """
    file = await _awaiting_verdict(session, file_id)
    if file is None:
        return False
    # Of two equal files settled at once, one must see the other.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(found["sha256"], 0))))
    first = select(File.id).where(File.sha256 == found["sha256"], File.state == FileState.READY, File.id != file_id)
    for name, value in found.items():
        setattr(file, name, value)
    file.duplicate_of_id = await session.scalar(first.order_by(File.created_at, File.id).limit(1))
    file.state, file.processed_at = FileState.READY, clock.now()
    await publish(session, FileSettled(file_id=file_id, ready=True))
    return True


async def settle_quarantined(session: WriteSession, file_id: UUID, *, defect: Defect, note: str) -> bool:
    """The file is not what it claims; nobody gets a link to it. False when settled before."""
    file = await _awaiting_verdict(session, file_id)
    if file is None:
        return False
    file.state, file.processed_at = FileState.QUARANTINED, clock.now()
    file.defect, file.defect_note = defect, "".join(c for c in note if c.isprintable())[:200] or None
    await publish(session, FileSettled(file_id=file_id, ready=False))
    await record(
        session,
        caller=None,
        action="files.quarantine",
        target=("file", file_id),
        after={"defect": defect.value, "name": file.name},
    )
    return True


async def _awaiting_verdict(session: WriteSession, file_id: UUID) -> File | None:
    files = await lock_files(session, File.id == file_id, File.state == FileState.UPLOADED)
    return files[0] if files else None


async def awaiting_verdict(session: AnySession, file_id: UUID) -> File | None:
    """The file if it has arrived and is still to be examined."""
    everything = Scope.everything("examining uploads is the system's work")
    return await session.scalar(
        select(File).where(File.id == file_id, File.state == FileState.UPLOADED, everything.where(File))
    )


async def exists(session: AnySession, file_id: UUID) -> bool:
    """Whether the file has not been deleted."""
    return await session.scalar(select(File.id).where(File.id == file_id)) is not None


async def requeue_stuck(session: WriteSession, *, older_than: timedelta = timedelta(minutes=10)) -> int:
    """Queue again what has arrived and was never settled: the store or the decoder was away for long."""
    stuck = await session.scalars(
        select(File.id)
        .where(File.state == FileState.UPLOADED, File.uploaded_at < clock.now() - older_than)
        .order_by(File.uploaded_at)
        .limit(200)
    )
    ids = stuck.all()
    for file_id in ids:
        await enqueue_processing(session, file_id)
    return len(ids)
