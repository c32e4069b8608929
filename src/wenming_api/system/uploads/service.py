"""Announcing and completing uploads. The bytes themselves go straight between the client and the object store."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Conflict, Forbidden, NotFound
from wenming_api.kit.storage import MultipartInvalid, ObjectMissing, ObjectStore, UploadedPart
from wenming_api.system.audit.service import entry, record, record_many
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import incoming_key, visible
from wenming_api.system.files.rules import FileKind, FileState, objection, part_sizes
from wenming_api.system.files.service import enqueue_erasure, enqueue_processing, lock_files
from wenming_api.system.uploads.models import UploadSession
from wenming_api.system.uploads.schemas import (
    Arrival,
    ArrivalsOut,
    FileAnnounced,
    FormOut,
    PartOut,
    Slot,
    SlotStatus,
    UploadOut,
    UploadRequested,
)

SESSION_LIFE = timedelta(days=7)
"""How long announced bytes are waited for: a phone may be offline for days."""
FORM_LIFE = timedelta(hours=1)


class UploadTaken(Conflict):
    """The batch's id belongs to somebody else."""

    code = "upload_taken"
    title = "批次号已被占用"


class NotArrived(Conflict):
    """The bytes are not in the store, or not those announced."""

    code = "file_not_arrived"
    title = "文件尚未收到"


async def open_upload(
    session: WriteSession, *, caller: Principal, store: ObjectStore, request: UploadRequested
) -> UploadOut:
    """Announce a batch: each acceptable file gets a form (or part addresses) to send its bytes to the store.

    Exactly once: the same ids announced again get fresh forms for what is still missing. A file that may not
    be uploaded is refused alone. Raises `StoreUnavailable` before anything is saved.
    """
    await store.ensure()
    now = clock.now()
    upload_id = await _own_session(session, request.id or uuid7(), caller, now)
    announced = {one.id or uuid7(): one for one in request.files}
    objections = {
        file_id: found
        for file_id, one in announced.items()
        if (found := objection(one.kind, one.content_type, one.size)) is not None
    }
    fresh = {file_id: one for file_id, one in announced.items() if file_id not in objections}
    rows = await _announce(session, fresh, upload_id, caller, now)
    slots = []
    for file_id, one in announced.items():
        if file_id in objections:
            slots.append(_refused(file_id, *objections[file_id]))
        else:
            slots.append(await _slot(session, store, one, rows[file_id], caller, now))
    await record(
        session,
        caller=caller,
        action="files.announce",
        target=("upload_session", upload_id),
        after={"files": len(announced), "refused": sum(slot.status is SlotStatus.REFUSED for slot in slots)},
    )
    return UploadOut(id=upload_id, expires_at=now + SESSION_LIFE, links_expire_at=now + FORM_LIFE, files=slots)


async def _own_session(session: WriteSession, upload_id: UUID, caller: Principal, now: datetime) -> UUID:
    made = insert(UploadSession).values(
        id=upload_id, owner_id=caller.user_id, expires_at=now + SESSION_LIFE, created_at=now, updated_at=now
    )
    renewed = made.on_conflict_do_update(
        index_elements=[UploadSession.id],
        set_={"expires_at": made.excluded.expires_at, "updated_at": now},
        where=UploadSession.owner_id == caller.user_id,
    )
    if await session.scalar(renewed.returning(UploadSession.id)) is None:
        raise UploadTaken("该批次号已被使用，请换一个新的批次号。")
    return upload_id


async def _announce(
    session: WriteSession,
    announced: Mapping[UUID, FileAnnounced],
    upload_id: UUID,
    caller: Principal,
    now: datetime,
) -> dict[UUID, File]:
    """Insert what is new, renew what is still awaited, and return all of it, locked."""
    if not announced:
        return {}
    values = [
        {
            "id": file_id,
            "owner_id": caller.user_id,
            "region_path": caller.region_path,
            "unit_path": caller.unit_path,
            "upload_session_id": upload_id,
            "kind": one.kind,
            "state": FileState.PENDING,
            "name": one.name,
            "content_type": one.content_type,
            "size": one.size,
            "held": False,
            "expires_at": now + SESSION_LIFE,
            "created_at": now,
            "updated_at": now,
            "version": 1,
        }
        # One order of ids for everybody, so that two devices with overlapping batches cannot wait for each
        # other.
        for file_id, one in sorted(announced.items())
    ]
    await session.execute(insert(File).values(values).on_conflict_do_nothing(index_elements=[File.id]))
    await session.execute(
        update(File)
        .where(File.id.in_(announced), File.state == FileState.PENDING, File.owner_id == caller.user_id)
        .values(expires_at=now + SESSION_LIFE, upload_session_id=upload_id)
        .execution_options(synchronize_session=False)
    )
    found = await session.scalars(select(File).where(File.id.in_(announced)))
    return {file.id: file for file in found}


async def _slot(
    session: WriteSession,
    store: ObjectStore,
    one: FileAnnounced,
    file: File,
    caller: Principal,
    now: datetime,
) -> Slot:
    if file.owner_id != caller.user_id:
        return _refused(file.id, "id_taken", "该文件编号已被使用，请换一个新的编号")
    if (file.kind, file.content_type, file.size) != (one.kind, one.content_type, one.size):
        return _refused(file.id, "differs", "该编号的文件已登记，且类型或大小与本次不同")
    plain: dict[str, Any] = {"file_id": file.id, "state": file.state, "code": None, "message": None}
    if file.state is not FileState.PENDING:
        return Slot(**plain, status=SlotStatus.ARRIVED, form=None, parts=None)
    key = incoming_key(file.id)
    if file.kind is FileKind.VIDEO:
        parts = await _parts(store, file, key)
        return Slot(**plain, status=SlotStatus.SEND, form=None, parts=parts)
    made = store.post_form(
        key,
        content_type=file.content_type,
        min_size=file.size,
        max_size=file.size,
        expires=FORM_LIFE,
        now=now,
    )
    return Slot(**plain, status=SlotStatus.SEND, form=FormOut(url=made.url, fields=made.fields), parts=None)


def _refused(file_id: UUID, code: str, message: str) -> Slot:
    return Slot(
        file_id=file_id, status=SlotStatus.REFUSED, state=None, form=None, parts=None, code=code, message=message
    )


async def _parts(store: ObjectStore, file: File, key: str) -> list[PartOut]:
    """Addresses of the parts still missing; begins the upload in parts, or begins it anew when the store
    forgot it.
    """
    held: dict[int, UploadedPart] = {}
    if file.multipart_id is not None:
        try:
            held = {part.number: part for part in await store.parts(key, upload_id=file.multipart_id)}
        except MultipartInvalid:
            file.multipart_id = None
    if file.multipart_id is None:
        file.multipart_id = await store.start_multipart(key, content_type=file.content_type)
    made, offset = [], 0
    for number, size in enumerate(part_sizes(file.size), start=1):
        there = number in held and held[number].size == size
        url = store.part_url(key, upload_id=file.multipart_id, number=number, expires=FORM_LIFE)
        made.append(PartOut(number=number, offset=offset, size=size, uploaded=there, url=None if there else url))
        offset += size
    return made


async def complete_upload(
    session: WriteSession, upload_id: UUID, *, caller: Principal, store: ObjectStore
) -> ArrivalsOut:
    """Look into the store for every awaited file of the batch; those that arrived go on to be examined."""
    await store.ensure()
    owner = await session.scalar(select(UploadSession.owner_id).where(UploadSession.id == upload_id))
    if owner != caller.user_id:
        raise NotFound
    files = await lock_files(session, File.upload_session_id == upload_id)
    return ArrivalsOut(id=upload_id, files=await _settle_arrivals(session, store, files, caller))


async def complete_file(session: WriteSession, file_id: UUID, *, caller: Principal, store: ObjectStore) -> Arrival:
    """Look into the store for one file; raises `NotArrived` when its bytes are not there. Repeatable."""
    await store.ensure()
    files = await lock_files(session, File.id == file_id, visible(caller).where(File))
    if not files:
        raise NotFound
    if files[0].owner_id != caller.user_id:
        raise Forbidden("只有上传者可以确认上传完成。")
    (arrival,) = await _settle_arrivals(session, store, files, caller)
    if arrival.status is SlotStatus.SEND:
        raise NotArrived(arrival.message or "", reason=arrival.code)
    return arrival


async def _settle_arrivals(
    session: WriteSession, store: ObjectStore, files: Sequence[File], caller: Principal
) -> list[Arrival]:
    arrivals, arrived = [], []
    for file in files:
        problem = await _missing(store, file) if file.state is FileState.PENDING else None
        if file.state is FileState.PENDING and problem is None:
            file.state, file.uploaded_at, file.multipart_id = FileState.UPLOADED, clock.now(), None
            arrived.append(file.id)
            await enqueue_processing(session, file.id)
        code, message = problem or (None, None)
        status = SlotStatus.SEND if problem else SlotStatus.ARRIVED
        arrivals.append(Arrival(file_id=file.id, status=status, state=file.state, code=code, message=message))
    entries = [entry(caller=caller, action="files.complete", target=("file", file_id)) for file_id in arrived]
    await record_many(session, entries)
    return arrivals


async def _missing(store: ObjectStore, file: File) -> tuple[str, str] | None:
    """Why the announced bytes are not there (code, message), or `None` when they are."""
    key = incoming_key(file.id)
    if file.multipart_id is not None:
        problem = await _join(store, file, key)
        if problem is not None:
            return problem
    try:
        found = await store.stat(key)
    except ObjectMissing:
        return "not_arrived", "尚未收到文件内容，请上传后再确认"
    if found.size != file.size or found.content_type != file.content_type:
        return "differs", "收到的内容与登记的大小或类型不符，请重新上传"
    return None


async def _join(store: ObjectStore, file: File, key: str) -> tuple[str, str] | None:
    assert file.multipart_id is not None
    try:
        parts = await store.parts(key, upload_id=file.multipart_id)
    except MultipartInvalid:
        return None  # joined by an earlier request whose answer was lost: the object itself tells
    if [part.size for part in parts] != part_sizes(file.size) or parts[-1].number != len(parts):
        missing = len(part_sizes(file.size)) - len(parts)
        return "parts_missing", f"还有 {missing} 个分片未收到" if missing > 0 else "分片大小与约定不符，请重新上传"
    try:
        await store.complete_multipart(key, upload_id=file.multipart_id, parts=parts)
    except MultipartInvalid:
        return "parts_differ", "分片在确认时发生变化，请重试"
    return None


async def drop_abandoned(session: WriteSession, *, at_most: int = 200) -> int:
    """Delete announced files whose bytes never came, and old batches; return how many files."""
    now = clock.now()
    late = (
        select(File.id)
        .where(File.state == FileState.PENDING, File.expires_at < now)
        .order_by(File.expires_at)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    gone = await session.execute(delete(File).where(File.id.in_(late)).returning(File.id, File.multipart_id))
    dropped = gone.all()
    for row in dropped:
        await enqueue_erasure(session, row.id, row.multipart_id)
    await session.execute(delete(UploadSession).where(UploadSession.expires_at < now))
    return len(dropped)
