"""Examining what was uploaded, and cleaning up after what was not."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from wenming_api.kit import clock
from wenming_api.kit.decoding import DecoderPool, Defect, Rejected
from wenming_api.kit.documents import DocumentResult
from wenming_api.kit.images import ImageResult
from wenming_api.kit.jobs import Job, every, job
from wenming_api.kit.likeness import to_signed
from wenming_api.kit.storage import ObjectMissing, ObjectStore, ObjectTooLarge
from wenming_api.kit.videos import VideoResult
from wenming_api.system.files import service
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import incoming_key, object_key
from wenming_api.system.files.rules import VARIANT_TYPES, FileKind, Variant

SHANGHAI_MINUTES = 480
"""Offset assumed for a camera that names none."""
KEPT_IN_QUARANTINE = timedelta(days=30)


@job(service.PROCESS)
async def process_file(work: Job) -> None:
    """Let the decoder judge one arrived file; make its copies; settle it. Repeating does no harm."""
    file_id = UUID(work.payload["file_id"])
    async with work.resources.database.read() as session:
        file = await service.awaiting_verdict(session, file_id)
    if file is None:
        return
    store: ObjectStore = work.resources.store
    with tempfile.TemporaryDirectory(prefix="wenming-file-") as name:
        folder = Path(name)
        try:
            found = await examine(store, work.resources.decoders, file, folder)
        except Rejected as rejected:
            async with work.transaction() as session:
                await service.settle_quarantined(session, file_id, defect=rejected.defect, note=rejected.note)
            return
    async with work.transaction() as session:
        settled = await service.settle_ready(session, file_id, found=found)
        deleted = not settled and not await service.exists(session, file_id)
    if deleted:
        await _erase(store, file_id, None)
    await store.remove([incoming_key(file_id)])


async def examine(store: ObjectStore, decoders: DecoderPool, file: File, folder: Path) -> dict[str, Any]:
    """Fetch, judge and store the forms of one file; return what to write into its row. Raises `Rejected`.

    The original is stored anew from the very bytes that were judged: the upload form outlives the verdict, and whoever
    holds it could send other bytes to the place where the first ones arrived.
    """
    source = folder / "source"
    try:
        await store.get_to_file(incoming_key(file.id), source, limit=file.size)
    except ObjectMissing as error:
        raise Rejected(Defect.TRUNCATED, "gone") from error
    except ObjectTooLarge as error:
        raise Rejected(Defect.TYPE_MISMATCH, "grown") from error
    if source.stat().st_size != file.size:
        raise Rejected(Defect.TRUNCATED, "shrunk")
    forms: dict[Variant, Path] = {}
    found: dict[str, Any]
    if file.kind is FileKind.PHOTO:
        photo: ImageResult = await decoders.run("image", source, file.content_type, folder)
        found = _photo_facts(photo)
        forms = {Variant.PUBLIC: photo.copy, Variant.PREVIEW: photo.preview, Variant.THUMBNAIL: photo.thumbnail}
    elif file.kind is FileKind.VIDEO:
        film: VideoResult = await decoders.run("video", source, file.content_type, folder)
        found = _video_facts(film)
        forms = {Variant.PUBLIC: film.copy, Variant.PREVIEW: film.poster, Variant.THUMBNAIL: film.thumbnail}
    else:
        checked: DocumentResult = await decoders.run("document", source, file.content_type)
        found = {"sha256": checked.sha256}
    for variant, path in forms.items():
        content_type = VARIANT_TYPES[file.kind][variant]
        await store.put_file(object_key(file.id, variant), path, content_type=content_type)
    await store.put_file(object_key(file.id, Variant.ORIGINAL), source, content_type=file.content_type)
    return found


def _photo_facts(photo: ImageResult) -> dict[str, Any]:
    exif = photo.exif
    return {
        "sha256": photo.sha256,
        "phash": to_signed(photo.phash),
        "width": photo.width,
        "height": photo.height,
        "taken_at": exif.taken_at(SHANGHAI_MINUTES),
        "taken_zone_known": None if exif.taken_local is None else exif.offset_minutes is not None,
        "longitude": exif.longitude,
        "latitude": exif.latitude,
        "camera": exif.camera,
    }


def _video_facts(film: VideoResult) -> dict[str, Any]:
    return {
        "sha256": film.sha256,
        "phash": to_signed(film.phash),
        "width": film.width,
        "height": film.height,
        "seconds": film.seconds,
        "taken_at": film.taken_at,
        "taken_zone_known": None if film.taken_at is None else True,
        "longitude": film.longitude,
        "latitude": film.latitude,
    }


@job(service.ERASE)
async def erase_file(work: Job) -> None:
    """Remove every form of a deleted file from the store."""
    file_id = UUID(work.payload["file_id"])
    await _erase(work.resources.store, file_id, work.payload["multipart_id"])


async def _erase(store: ObjectStore, file_id: UUID, multipart_id: str | None) -> None:
    if multipart_id is not None:
        await store.abort_multipart(incoming_key(file_id), upload_id=multipart_id)
    await store.remove([incoming_key(file_id), *(object_key(file_id, variant) for variant in Variant)])


@every("system.files.requeue", seconds=600)
async def requeue(resources: Any) -> None:
    """Queue again what got stuck, and empty old quarantine."""
    async with resources.database.transaction() as session:
        await service.requeue_stuck(session)
    store: ObjectStore = resources.store
    await store.remove(await store.list_older("incoming/", before=clock.now() - KEPT_IN_QUARANTINE))
