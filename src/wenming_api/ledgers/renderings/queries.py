"""Rendering record versions: what goes into them from the database and the object store, and the printed bytes.

Nothing here holds a database connection while pictures are fetched or pages are set.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select, tuple_
from sqlalchemy.orm import aliased

from wenming_api.access.scope import Scope
from wenming_api.kit.db import AnySession, Database
from wenming_api.kit.printing.model import Form, Mark, Paper
from wenming_api.kit.printing.press import Press, edition
from wenming_api.kit.problems import NotFound
from wenming_api.kit.storage import ObjectMissing, ObjectStore, ObjectTooLarge
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.layouts.queries import Effective, delivered, effective_for
from wenming_api.ledgers.layouts.rules import PhotoFacts, record_blocks, style_of
from wenming_api.ledgers.records.models import Record, RecordVersion
from wenming_api.ledgers.renderings.rules import Surroundings, facts_of
from wenming_api.ledgers.submissions.models import Submission
from wenming_api.system.dictionaries.queries import item_names
from wenming_api.system.files.queries import facts, object_key
from wenming_api.system.files.rules import FileKind, FileState, Variant
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

KEPT = "rendered"
"""Where single renderings lie in the store, by what went into them."""
_AT_ONCE = 4
_LARGEST_PICTURE = 8 * 1024 * 1024
_LARGEST_KEPT = 200 * 1024 * 1024
_WORK_AREAS = "work_area"


class RenderedRecordNotFound(NotFound):
    """There is no such record or version, or it lies outside the caller's scope."""

    code = "record_not_found"
    title = "未找到台账记录"


@dataclass(frozen=True, slots=True)
class Source:
    """A record version as it is printed, with the layout that serves it and the files of its photos."""

    content: Mapping[str, Any]
    around: Surroundings
    layout: Effective
    photos: tuple[PhotoFacts, ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendering: its bytes and the name of what went into it."""

    data: bytes
    hash: str
    filename: str


def _versions() -> Select[Any]:
    return (
        select(Record.id, Record.number, RecordVersion.no, RecordVersion.content)
        .add_columns(Unit.name.label("unit_name"), User.display_name.label("author"))
        .join(RecordVersion, RecordVersion.record_id == Record.id)
        .join(Unit, Unit.id == Record.unit_id)
        .join(User, User.id == RecordVersion.made_by)
    )


async def _one(session: AnySession, record_id: UUID, *, scope: Scope, version_no: int | None) -> tuple[UUID, int]:
    """The version to print: the given one or the current; `RenderedRecordNotFound` outside the scope."""
    statement = select(Record.id, RecordVersion.no).join(RecordVersion, RecordVersion.record_id == Record.id)
    wanted = RecordVersion.no == (Record.current_version_no if version_no is None else version_no)
    row = (await session.execute(statement.where(Record.id == record_id, wanted, scope.where(Record)))).one_or_none()
    if row is None:
        raise RenderedRecordNotFound("记录或版本不存在，或不在您的数据范围内。")
    return row.id, row.no


async def _sent(session: AnySession, submission_id: UUID, *, scope: Scope) -> tuple[tuple[UUID, int], datetime]:
    """The version that a submission sent, for its sender and its receiver."""
    received = [Submission.receiver_unit_path.startswith(each, autoescape=True) for each in scope.unit_prefixes]
    received += [Submission.receiver_unit_path == each for each in scope.unit_paths]
    received += [Submission.receiver_region_path.startswith(each, autoescape=True) for each in scope.region_prefixes]
    statement = select(Submission.record_id, Submission.version_no, Submission.submitted_at)
    row = (
        await session.execute(statement.where(Submission.id == submission_id, scope.where(Submission, also=received)))
    ).one_or_none()
    if row is None:
        raise RenderedRecordNotFound("报送不存在，或不在您的数据范围内。")
    return (row.record_id, row.version_no), row.submitted_at


async def sources(
    session: AnySession,
    versions: Sequence[tuple[UUID, int]],
    *,
    nodes: Mapping[tuple[UUID, int], UUID] | None = None,
    submitted: Mapping[tuple[UUID, int], datetime] | None = None,
) -> dict[tuple[UUID, int], Source]:
    """Everything that printing these versions needs, in six statements however many. Access was judged by the caller.

    `nodes` says under which category a version is printed (its own first one otherwise), `submitted` when it was sent.
    """
    rows = {
        (row.id, row.no): row
        for row in await session.execute(_versions().where(tuple_(Record.id, RecordVersion.no).in_(list(versions))))
    }
    node_ids = {UUID(each) for row in rows.values() for each in row.content.get("node_ids") or ()}
    filed = {key: (nodes or {}).get(key) or _first(row.content) for key, row in rows.items()}
    names = await _node_names(session, node_ids)
    layouts = await effective_for(session, {each for each in filed.values() if each is not None})
    areas = await item_names(session, _WORK_AREAS)
    photos = await _photos(session, [row.content for row in rows.values()])
    found: dict[tuple[UUID, int], Source] = {}
    for key, row in rows.items():
        around = Surroundings(
            number=row.number,
            version_no=row.no,
            unit_name=row.unit_name,
            author=row.author,
            categories=[names[UUID(each)] for each in row.content.get("node_ids") or () if UUID(each) in names],
            work_area=areas.get(row.content.get("work_area_code") or "", ""),
            submitted_at=(submitted or {}).get(key),
        )
        node = filed[key]
        layout = layouts[node] if node is not None else delivered()
        shown = tuple(
            PhotoFacts(photos[UUID(each["file_id"])][0], each.get("caption") or {}, photos[UUID(each["file_id"])][1])
            for each in row.content.get("photos") or ()
        )
        found[key] = Source(row.content, around, layout, shown)
    return found


def _first(content: Mapping[str, Any]) -> UUID | None:
    nodes = content.get("node_ids") or ()
    return UUID(nodes[0]) if nodes else None


async def _node_names(session: AnySession, node_ids: Iterable[UUID]) -> dict[UUID, tuple[str, str]]:
    """Code and full name (大类 / 小类) of each node."""
    above = aliased(CatalogueNode)
    ordered = (
        select(CatalogueNode.id, CatalogueNode.code, above.name, above.depth)
        .join(
            above,
            and_(above.catalogue_id == CatalogueNode.catalogue_id, func.starts_with(CatalogueNode.path, above.path)),
        )
        .where(CatalogueNode.id.in_(list(node_ids)))
        .order_by(CatalogueNode.id, above.depth)
    )
    found: dict[UUID, tuple[str, str]] = {}
    for row in await session.execute(ordered):
        code, name = found.get(row.id, (row.code, ""))
        found[row.id] = (code, f"{name} / {row.name}" if name else row.name)
    return found


async def _photos(session: AnySession, contents: Iterable[Mapping[str, Any]]) -> dict[UUID, tuple[str | None, str]]:
    """The name in the folder of pictures for each photo, or why it cannot be shown."""
    wanted = {UUID(each["file_id"]) for content in contents for each in content.get("photos") or ()}
    known = await facts(session, wanted) if wanted else {}
    shown: dict[UUID, tuple[str | None, str]] = {}
    for file_id in wanted:
        file = known.get(file_id)
        if file is None:
            shown[file_id] = None, "照片已删除"
        elif file.state is FileState.QUARANTINED:
            shown[file_id] = None, f"照片已隔离：{file.defect.label if file.defect else '未通过检查'}"
        elif file.state is not FileState.READY or file.kind is not FileKind.PHOTO:
            shown[file_id] = None, "照片尚未处理完成"
        else:
            shown[file_id] = f"{file_id}.jpg", "照片文件缺失"
    return shown


def paper_of(source: Source, *, mark: Mark | None = None) -> Paper:
    """The pages of one record."""
    body = source.layout.body
    blocks = record_blocks(body, facts_of(source.content, source.around, source.photos), mark=mark)
    return Paper(source.content["title"], blocks, style_of(body), numbers=body["page_numbers"])


async def fetch_pictures(store: ObjectStore, found: Iterable[Source], folder: Path) -> bool:
    """Put the photos into the folder, in the size of a print (1,280 pixels: 150 to 200 dots per inch on A4).

    A photo whose bytes are gone is left out, and printed as missing. Whether all were there.
    """
    turns = asyncio.Semaphore(_AT_ONCE)
    names = sorted({photo.file for source in found for photo in source.photos if photo.file is not None})

    async def fetch(name: str) -> bool:
        async with turns:
            try:
                key = object_key(UUID(name.removesuffix(".jpg")), Variant.PREVIEW)
                await store.get_to_file(key, folder / name, limit=_LARGEST_PICTURE)
            except (ObjectMissing, ObjectTooLarge):
                (folder / name).unlink(missing_ok=True)
                return False
            return True

    return all(await asyncio.gather(*(fetch(name) for name in names)))


async def render_record(
    database: Database,
    store: ObjectStore,
    press: Press,
    record_id: UUID,
    *,
    scope: Scope,
    form: Form,
    version_no: int | None,
) -> Rendered:
    """A version of a record in one of the four forms. Raises `RenderedRecordNotFound`, `PrintingFailed`."""
    async with database.read() as session:
        key = await _one(session, record_id, scope=scope, version_no=version_no)
        source = (await sources(session, [key]))[key]
    return await _render(store, press, source, form)


async def render_submission(
    database: Database, store: ObjectStore, press: Press, submission_id: UUID, *, scope: Scope, form: Form
) -> Rendered:
    """The version that a submission sent, with the server's time of sending. Raises as `render_record`."""
    async with database.read() as session:
        key, submitted_at = await _sent(session, submission_id, scope=scope)
        source = (await sources(session, [key], submitted={key: submitted_at}))[key]
    return await _render(store, press, source, form)


async def _render(store: ObjectStore, press: Press, source: Source, form: Form) -> Rendered:
    paper = paper_of(source, mark=Mark(source.content["title"]))
    described = json.dumps(paper.as_json(), ensure_ascii=False, sort_keys=True)
    hash_ = sha256(f"{edition()}\n{form.value}\n{described}".encode()).hexdigest()
    filename = f"{source.around.number}-{source.content['title'][:60]}.{form.value}"
    key = f"{KEPT}/{hash_}"
    try:
        return Rendered(await store.get(key, limit=_LARGEST_KEPT), hash_, filename)
    except (ObjectMissing, ObjectTooLarge):
        pass
    with tempfile.TemporaryDirectory(prefix="wenming-print-") as name:
        folder = Path(name)
        whole = await fetch_pictures(store, [source], folder)
        printed = await press.print(form, paper, folder)
        data = await asyncio.to_thread(printed.path.read_bytes)
    if whole:  # a photo that is away now may come back
        await store.put(key, data, content_type=form.media_type)
    return Rendered(data, hash_, filename)
