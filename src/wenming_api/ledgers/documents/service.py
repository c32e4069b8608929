"""Long prints (L3.2, A4.2): asked for, set part by part, joined into one PDF.

Every part is committed when it is done, so that a worker that dies goes on where it stopped. Memory holds one part.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import Database, WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.jobs import enqueue
from wenming_api.kit.printing.model import Block, Contents, Form, Line, Mark, Paper
from wenming_api.kit.printing.press import Press
from wenming_api.kit.problems import Conflict, FieldError, IllegalTransition, InvalidInput, check_edited, check_judged
from wenming_api.kit.storage import ObjectStore
from wenming_api.ledgers.documents.models import Document, DocumentPart
from wenming_api.ledgers.documents.queries import (
    Chosen,
    DocumentNotFound,
    chosen_of_book,
    chosen_records,
    entries_of,
    mine,
    part_key,
    pdf_key,
)
from wenming_api.ledgers.documents.rules import (
    UNDER_WAY,
    DocumentAction,
    DocumentKind,
    DocumentState,
    Entry,
    parts,
    why_not,
)
from wenming_api.ledgers.documents.schemas import PrintRequest
from wenming_api.ledgers.layouts.queries import delivered, effective_for
from wenming_api.ledgers.layouts.rules import CoverField, cover_of, record_blocks, style_of
from wenming_api.ledgers.renderings.queries import fetch_pictures, sources
from wenming_api.ledgers.renderings.rules import facts_of
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify
from wenming_api.system.audit import service as audit
from wenming_api.system.units.models import Unit

STEP = "ledgers.documents.step"
"""The job that sets one part, or joins all of them when none is left."""
KEPT_FOR = timedelta(days=7)
_LARGEST_PART = 512 * 1024 * 1024


class BookEmpty(Conflict):
    """A book without entries has nothing to print."""

    code = "book_empty"
    title = "台账册没有条目"


async def request(session: WriteSession, *, caller: Principal, wanted: PrintRequest) -> Document:
    """Queue a print of chosen records or of a book."""
    if wanted.book_id is None:
        return await request_records(session, caller=caller, wanted=wanted)
    return await request_book(session, caller=caller, book_id=wanted.book_id, title=wanted.title)


async def request_book(session: WriteSession, *, caller: Principal, book_id: UUID, title: str | None) -> Document:
    """Queue a print of a whole book as it stands now. Raises `BookNotFound`, `BookEmpty`."""
    book = await chosen_of_book(session, book_id, scope=caller.scope)
    if not book.chosen:
        raise BookEmpty("台账册中还没有条目。")
    first = book.chosen[0].node_id
    layouts = await effective_for(session, [first] if first else [])
    body = dict(next(iter(layouts.values())).body)
    cover = {
        CoverField.UNIT_NAME: book.unit_name,
        CoverField.CATALOGUE_NAME: book.catalogue_name,
        CoverField.YEAR: str(book.year),
        CoverField.ENTRY_COUNT: str(len(book.chosen)),
    }
    return await begin(
        session,
        caller=caller,
        kind=DocumentKind.BOOK,
        title=title or book.title,
        chosen=book.chosen,
        body=body,
        cover=cover,
        about={"book_id": str(book_id)},
    )


async def request_records(session: WriteSession, *, caller: Principal, wanted: PrintRequest) -> Document:
    """Queue a print of chosen records: their current versions, in the order given."""
    ids = wanted.record_ids or []
    chosen = await chosen_records(session, ids, scope=caller.scope)
    if len(chosen) < len(ids):
        there = {each.record_id for each in chosen}
        raise InvalidInput(
            errors=[
                FieldError(f"/record_ids/{at}", "记录不存在，或不在您的数据范围内")
                for at, each in enumerate(ids)
                if each not in there
            ]
        )
    title = wanted.title or f"台账打印（{len(ids)} 条）"
    return await begin(
        session, caller=caller, kind=DocumentKind.RECORDS, title=title, chosen=chosen, body=None, cover={}
    )


async def begin(
    session: WriteSession,
    *,
    caller: Principal,
    kind: DocumentKind,
    title: str,
    chosen: Sequence[Chosen],
    body: dict[str, Any] | None,
    cover: dict[CoverField, str],
    about: dict[str, Any] | None = None,
) -> Document:
    """Queue a print of versions that the caller may see, in order; `body` is the layout of cover and contents."""
    entries = await entries_of(session, chosen)
    unit = (await session.execute(select(Unit).where(Unit.id == caller.unit_id))).scalar_one()
    cut = parts(entries)
    made = Document(
        id=uuid7(),
        kind=kind,
        title=title[:200],
        request={
            **(about or {}),
            "body": body or dict(delivered().body),
            "cover": {field.value: text for field, text in cover.items()},
        },
        owner_id=caller.user_id,
        unit_id=unit.id,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
        parts=len(cut),
        entries=len(entries),
    )
    session.add(made)
    await session.flush()  # the parts refer to it
    session.add_all(
        DocumentPart(document_id=made.id, no=no, entries=[entry.as_json() for entry in part], pages=None, marks=None)
        for no, part in enumerate(cut, start=1)
    )
    await session.flush()
    await _go_on(session, made.id)
    after = {"kind": kind.value, "title": made.title, "entries": len(entries)}
    await audit.record(session, caller=caller, action="documents.print", target=("document", made.id), after=after)
    return made


async def _go_on(session: WriteSession, document_id: UUID) -> None:
    await enqueue(session, STEP, {"document_id": str(document_id)})


async def _own(session: WriteSession, document_id: UUID, caller: Principal) -> Document:
    found = await session.scalar(select(Document).where(Document.id == document_id, mine(caller)).with_for_update())
    if found is None:
        raise DocumentNotFound
    return found


def _check(action: DocumentAction, state: DocumentState) -> None:
    if refusal := why_not(action, state):
        raise IllegalTransition(
            f"{refusal}。", allowed=[each.value for each in DocumentAction if why_not(each, state) is None]
        )


async def cancel(session: WriteSession, *, caller: Principal, document_id: UUID, version: int) -> None:
    """Stop a print under way; what is set already is thrown away."""
    found = await _own(session, document_id, caller)
    check_judged(version, found.version)
    _check(DocumentAction.CANCEL, found.state)
    found.state, found.finished_at = DocumentState.CANCELLED, clock.now()
    found.expires_at = clock.now() + KEPT_FOR
    await session.flush()  # the answer names the new version
    await audit.record(session, caller=caller, action="documents.cancel", target=("document", found.id))


async def retry(session: WriteSession, *, caller: Principal, document_id: UUID, version: int) -> None:
    """Go on with a print that failed, from the first part that is missing."""
    found = await _own(session, document_id, caller)
    check_judged(version, found.version)
    _check(DocumentAction.RETRY, found.state)
    found.state, found.failure, found.finished_at, found.expires_at = DocumentState.QUEUED, None, None, None
    await session.flush()  # the answer names the new version
    await _go_on(session, found.id)
    await audit.record(session, caller=caller, action="documents.retry", target=("document", found.id))


async def delete(session: WriteSession, *, caller: Principal, document_id: UUID, version: int) -> None:
    """Let a finished print go now; its bytes follow with the next clearing."""
    found = await _own(session, document_id, caller)
    check_edited(version, found.version)
    _check(DocumentAction.DELETE, found.state)
    found.expires_at = clock.now()
    await session.flush()
    await audit.record(session, caller=caller, action="documents.delete", target=("document", found.id))


async def step(database: Database, store: ObjectStore, press: Press, document_id: UUID) -> None:
    """Set the next part, or join all. Does nothing for a print that is over, or gone."""
    async with database.read() as session:
        document = await session.get(Document, document_id)
        if document is None or document.state not in UNDER_WAY:
            return
        part = await session.scalar(
            select(DocumentPart)
            .where(DocumentPart.document_id == document_id, DocumentPart.pages.is_(None))
            .order_by(DocumentPart.no)
            .limit(1)
        )
        if part is not None:
            entries = [Entry.from_json(each) for each in part.entries]
            versions = [(UUID(each.record_id), each.version_no) for each in entries]
            nodes = {key: UUID(e.node_id) for key, e in zip(versions, entries, strict=True) if e.node_id}
            sent = {
                key: datetime.fromisoformat(e.submitted_at)
                for key, e in zip(versions, entries, strict=True)
                if e.submitted_at
            }
            found = await sources(session, versions, nodes=nodes, submitted=sent)
    if part is None:
        await _join(database, store, press, document)
        return
    blocks: list[Block] = []
    for entry, key in zip(entries, versions, strict=True):
        source = found[key]
        blocks += (Mark(text, level) for text, level in entry.headings)
        facts = facts_of(source.content, source.around, source.photos)
        blocks += record_blocks(source.layout.body, facts, mark=Mark(entry.title, entry.level))
    style = style_of(found[versions[0]].layout.body)
    with tempfile.TemporaryDirectory(prefix="wenming-part-") as name:
        folder = Path(name)
        await fetch_pictures(store, [found[key] for key in versions], folder)
        printed = await press.print(Form.PDF, Paper(document.title, tuple(blocks), style, numbers=False), folder)
        await store.put_file(part_key(document_id, part.no), printed.path, content_type=Form.PDF.media_type)
    marks = [{"text": text, "level": level, "page": at} for text, level, at in printed.marks]
    async with database.transaction() as session:
        await session.execute(
            update(DocumentPart)
            .where(DocumentPart.document_id == document_id, DocumentPart.no == part.no)
            .values(pages=printed.pages, marks=marks)
        )
        await _progress(session, document_id)
        await _go_on(session, document_id)


async def _progress(session: WriteSession, document_id: UUID) -> None:
    done = select(func.count()).where(DocumentPart.document_id == document_id, DocumentPart.pages.is_not(None))
    now = clock.now()
    await session.execute(
        update(Document)
        .where(Document.id == document_id, Document.state.in_(UNDER_WAY))
        .values(
            parts_done=done.scalar_subquery(),
            state=DocumentState.RENDERING,
            started_at=func.coalesce(Document.started_at, now),
            updated_at=now,
            version=Document.version + 1,
        )
    )


async def _join(database: Database, store: ObjectStore, press: Press, document: Document) -> None:
    """Set cover and contents, lay the numbers over, add bookmarks, store the whole."""
    async with database.transaction() as session:
        await session.execute(
            update(Document)
            .where(Document.id == document.id, Document.state.in_(UNDER_WAY))
            .values(state=DocumentState.MERGING, version=Document.version + 1)
        )
    async with database.read() as session:
        set_ = (
            await session.execute(
                select(DocumentPart.no, DocumentPart.pages, DocumentPart.marks)
                .where(DocumentPart.document_id == document.id)
                .order_by(DocumentPart.no)
            )
        ).all()
    body = document.request["body"]
    with tempfile.TemporaryDirectory(prefix="wenming-whole-") as name:
        folder = Path(name)
        marks, pages = _all_marks(set_)
        front = await _front(press, document, body, marks, folder)
        files = [front.path]
        for row in set_:
            files.append(folder / f"part-{row.no}.pdf")
            await store.get_to_file(part_key(document.id, row.no), files[-1], limit=_LARGEST_PART)
        total, output = front.pages + pages, folder / "whole.pdf"
        numbers = (
            await press.number(folder, style=style_of(body), pages=total, silent=front.silent)
            if body["page_numbers"]
            else None
        )
        bookmarks = [(body["contents"]["title"].replace("　", ""), 1, front.silent + 1)]
        bookmarks += [(text, level, page + front.pages) for text, level, page in marks]
        await press.merge(files, output, numbers=numbers, title=document.title, marks=bookmarks)
        digest = await asyncio.to_thread(_digest, output)
        await store.put_file(pdf_key(document.id), output, content_type=Form.PDF.media_type)
        size = output.stat().st_size
    async with database.transaction() as session:
        done = await session.execute(
            update(Document)
            .where(Document.id == document.id, Document.state == DocumentState.MERGING)
            .values(
                state=DocumentState.READY,
                pages=total,
                size=size,
                sha256=digest,
                finished_at=clock.now(),
                expires_at=clock.now() + KEPT_FOR,
                version=Document.version + 1,
            )
            .returning(Document.id)
        )
        if done.scalar_one_or_none() is not None:
            words = f"共 {total} 页，请在 {KEPT_FOR.days} 天内下载。"
            await _tell(session, document, f"打印文档已生成：{document.title}", words)
    await store.remove([part_key(document.id, row.no) for row in set_])


class _Front:
    """Cover and contents: `pages` altogether, `silent` of them without a number."""

    def __init__(self, path: Path, pages: int, silent: int) -> None:
        self.path, self.pages, self.silent = path, pages, silent


def _all_marks(rows: Sequence[Any]) -> tuple[list[tuple[str, int, int]], int]:
    marks, before = [], 0
    for row in rows:
        marks += [(each["text"], each["level"], each["page"] + before) for each in row.marks]
        before += row.pages
    return marks, before


async def _front(
    press: Press, document: Document, body: dict[str, Any], marks: list[tuple[str, int, int]], folder: Path
) -> _Front:
    """Cover and contents. They are set twice: how many pages they take decides what the contents say."""
    cover: list[Block] = []
    if document.kind is DocumentKind.BOOK:
        facts = {CoverField(name): text for name, text in document.request["cover"].items()}
        cover = [cover_of(body, document.title, facts)]

    def paper(before: int) -> Paper:
        lines = tuple(Line(text, level, page + before) for text, level, page in marks)
        contents = Contents(body["contents"]["title"], lines)
        return Paper(document.title, (*cover, contents), style_of(body), numbers=False)

    tried = await press.print(Form.PDF, paper(0), folder, name="front")
    printed = await press.print(Form.PDF, paper(tried.pages), folder, name="front")
    return _Front(printed.path, printed.pages, len(cover))


def _digest(path: Path) -> str:
    found = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


async def fail(database: Database, document_id: UUID, why: str) -> None:
    """Give a print up, and say so to who asked for it."""
    async with database.transaction() as session:
        found = await session.scalar(
            select(Document).where(Document.id == document_id, Document.state.in_(UNDER_WAY)).with_for_update()
        )
        if found is None:
            return
        found.state, found.failure, found.finished_at = DocumentState.FAILED, why[:500], clock.now()
        found.expires_at = clock.now() + KEPT_FOR
        await _tell(session, found, f"打印文档未能生成：{found.title}", why)


async def _tell(session: WriteSession, document: Document, title: str, body: str) -> None:
    await notify(
        session, [document.owner_id], topic=Topic.FILE, title=title, body=body, target=("document", document.id)
    )


async def clear(database: Database, store: ObjectStore, *, at_most: int = 100) -> int:
    """Remove prints that have expired, bytes first; how many."""
    async with database.read() as session:
        found = await session.execute(
            select(Document.id, Document.parts)
            .where(Document.expires_at < clock.now(), Document.state.not_in(UNDER_WAY))
            .limit(at_most)
        )
        rows = found.all()
    for row in rows:
        await store.remove([pdf_key(row.id), *(part_key(row.id, no) for no in range(1, row.parts + 1))])
        async with database.transaction() as session:
            gone = await session.get(Document, row.id)
            if gone is not None:
                await session.delete(gone)
    return len(rows)
