"""Reads of long prints. A print belongs to who asked for it: nobody else reads it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.kit import clock
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.kit.storage import ObjectStore
from wenming_api.ledgers.books.queries import entries_of as entries_of_book
from wenming_api.ledgers.books.queries import find_book
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.documents.models import Document
from wenming_api.ledgers.documents.rules import DocumentAction, DocumentState, Entry, ancestors, weight, why_not
from wenming_api.ledgers.documents.schemas import DocumentOut, DocumentRow, DocumentSort
from wenming_api.ledgers.records.models import Record, RecordVersion
from wenming_api.ledgers.submissions.models import Submission

LINK_LIFE = timedelta(hours=2)


class DocumentNotFound(NotFound):
    """There is no such print, or somebody else asked for it."""

    code = "document_not_found"
    title = "未找到打印文档"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A version to print and the headings that begin with it; `node_id` is the category it is printed under."""

    record_id: UUID
    version_no: int
    level: int = 1
    headings: tuple[tuple[str, int], ...] = ()
    node_id: UUID | None = None
    submitted_at: str | None = None


def mine(caller: Principal) -> ColumnElement[bool]:
    """The caller's own prints that are not on their way out."""
    return and_(
        Document.owner_id == caller.user_id,
        or_(Document.expires_at.is_(None), Document.expires_at > clock.now()),
    )


def pdf_key(document_id: UUID) -> str:
    """Where the finished PDF lies."""
    return f"documents/{document_id}/whole.pdf"


def part_key(document_id: UUID, no: int) -> str:
    """Where a part lies until all are there."""
    return f"documents/{document_id}/part-{no}.pdf"


async def list_documents(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: DocumentSort,
    state: DocumentState | None = None,
) -> Page[DocumentRow]:
    """One page of the caller's own prints. Two statements."""
    columns = [getattr(Document, name) for name in DocumentRow.model_fields]
    statement = select(*columns).where(mine(caller))
    if state is not None:
        statement = statement.where(Document.state == state)
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns={"created_at": Document.created_at},
        key=Document.id,
        into=DocumentRow,
    )


async def read_document(
    session: AnySession, document_id: UUID, *, caller: Principal, store: ObjectStore
) -> DocumentOut:
    """One of the caller's own prints with its progress, and a link when it is ready. One statement."""
    found = await session.scalar(select(Document).where(Document.id == document_id, mine(caller)))
    if found is None:
        raise DocumentNotFound
    plain = {name: getattr(found, name) for name in (*DocumentRow.model_fields, "failure", "sha256")}
    now, url = clock.now(), None
    if found.state is DocumentState.READY:
        url = store.download_url(
            pdf_key(found.id),
            filename=f"{found.title}.pdf",
            content_type="application/pdf",
            expires=LINK_LIFE,
            inline=True,
            now=now,
        )
    actions = [
        action(each.value, each.label, (why_not(each, found.state) is None, why_not(each, found.state) or ""))
        for each in DocumentAction
    ]
    link = {"url": url, "url_expires_at": now + LINK_LIFE if url else None}
    return DocumentOut.model_validate(plain | link | {"allowed_actions": actions})


async def chosen_records(session: AnySession, record_ids: Sequence[UUID], *, scope: Scope) -> list[Chosen]:
    """The current versions of these records, in their order; those outside the scope are absent."""
    found = await session.execute(
        select(Record.id, Record.current_version_no).where(Record.id.in_(record_ids), scope.where(Record))
    )
    numbers = {row.id: row.current_version_no for row in found}
    return [Chosen(each, numbers[each]) for each in record_ids if each in numbers]


async def entries_of(session: AnySession, chosen: Iterable[Chosen]) -> list[Entry]:
    """What is printed of each choice, with its title and about how many pages it takes. One statement per thousand."""
    wanted = list(chosen)
    known: dict[tuple[UUID, int], Any] = {}
    keys = sorted({(each.record_id, each.version_no) for each in wanted})
    content = RecordVersion.content
    for start in range(0, len(keys), 1000):
        pairs = keys[start : start + 1000]
        rows = await session.execute(
            select(
                RecordVersion.record_id,
                RecordVersion.no,
                content["title"].as_string().label("title"),
                func.char_length(content["text"].as_string()).label("text_length"),
                func.jsonb_array_length(func.coalesce(content["photos"], func.jsonb_build_array())).label("photos"),
            ).where(tuple_(RecordVersion.record_id, RecordVersion.no).in_(pairs))
        )
        known.update({(row.record_id, row.no): row for row in rows})
    entries = []
    for each in wanted:
        row = known[each.record_id, each.version_no]
        entries.append(
            Entry(
                record_id=str(each.record_id),
                version_no=each.version_no,
                title=row.title,
                level=each.level,
                headings=each.headings,
                weight=weight(text_length=row.text_length or 0, photos=row.photos),
                node_id=str(each.node_id) if each.node_id else None,
                submitted_at=each.submitted_at,
            )
        )
    return entries


@dataclass(frozen=True, slots=True)
class BookToPrint:
    """What the cover of a book says, and its entries in the order of the catalogue."""

    title: str
    unit_name: str
    catalogue_name: str
    year: int
    catalogue_id: UUID
    chosen: list[Chosen]


async def chosen_of_book(session: AnySession, book_id: UUID, *, scope: Scope) -> BookToPrint:
    """A book's entries under the headings of their categories. Three statements; `BookNotFound` outside the scope."""
    book = await find_book(session, book_id, scope=scope)
    entries = entries_of_book(book)
    found = await session.execute(
        select(entries.c.record_id, entries.c.version_no, entries.c.node_id, CatalogueNode.path)
        .add_columns(Submission.submitted_at)
        .join(CatalogueNode, CatalogueNode.id == entries.c.node_id)
        .join(Submission, Submission.id == entries.c.submission_id)
        .order_by(CatalogueNode.path, entries.c.decided_at, entries.c.submission_id)
    )
    names = await session.execute(
        select(CatalogueNode.path, CatalogueNode.code, CatalogueNode.name).where(
            CatalogueNode.catalogue_id == book.catalogue_id
        )
    )
    titles = {row.path: f"{row.code} {row.name}" for row in names}
    chosen, before = [], ""
    for row in found:
        steps = ancestors(row.path)
        opened = ancestors(before)
        headings = tuple((titles[path], level) for level, path in enumerate(steps, start=1) if path not in opened)
        sent = row.submitted_at.isoformat()
        chosen.append(Chosen(row.record_id, row.version_no, len(steps) + 1, headings, row.node_id, sent))
        before = row.path
    return BookToPrint(book.title, book.unit_name, book.catalogue_name, book.year, book.catalogue_id, chosen)
