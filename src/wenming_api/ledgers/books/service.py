"""Changes of books: naming and archiving (C1.4). There is no way back from the archive."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession, copy_rows
from wenming_api.kit.fields import Transition
from wenming_api.kit.problems import Conflict, IllegalTransition, check_edited, check_judged
from wenming_api.ledgers.books.models import Book, BookEntry
from wenming_api.ledgers.books.queries import BookNotFound, entries_of
from wenming_api.ledgers.books.rules import MAX_ENTRIES, BookState, Frozen, Node, frozen_hash, in_catalogue_order
from wenming_api.ledgers.books.schemas import BookUpdate
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.records.models import RecordVersion
from wenming_api.system.audit.service import record


class BookReadOnly(Conflict):
    """The book is archived (or dissolved): nothing in it changes any more."""

    code = "book_read_only"
    title = "台账册只读"


class BookEmpty(Conflict):
    """There is nothing in the book that could be archived or moved."""

    code = "book_empty"
    title = "台账册中没有条目"


class TooManyEntries(Conflict):
    """More entries than are frozen or moved at once."""

    code = "too_many_entries"
    title = "条目过多"


def check_live(book: Book) -> None:
    """`BookReadOnly` unless the book is live."""
    if book.state is not BookState.LIVE:
        raise BookReadOnly(f"“{book.title}”{book.state.label}，不能再更改。", book_id=str(book.id))


async def update_book(
    session: WriteSession, *, caller: Principal, book_id: UUID, version: int, changes: BookUpdate
) -> None:
    """Give a book another title. Raises `BookNotFound`, `StaleVersion`, `BookReadOnly`."""
    found = await session.execute(
        select(Book).where(Book.id == book_id, caller.scope.where(Book)).with_for_update(key_share=True)
    )
    book = found.scalar_one_or_none()
    if book is None:
        raise BookNotFound
    check_edited(version, book.version)
    check_live(book)
    before = {"title": book.title}
    book.title = changes.title
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="books.update",
        target=("book", book.id),
        before=before,
        after={"title": book.title},
    )


async def archive_book(session: WriteSession, *, caller: Principal, book_id: UUID, judged: Transition) -> None:
    """Freeze the entries of a book, with a hash over them, and make it read-only.

    What is accepted for the same unit, catalogue and year afterwards goes into the next part. The lock waits for
    acceptances under way, and those that come later wait for it.

    Raises:
        BookNotFound, VersionMoved, IllegalTransition (archived already), BookEmpty, TooManyEntries.
    """
    found = await session.execute(select(Book).where(Book.id == book_id, caller.scope.where(Book)).with_for_update())
    book = found.scalar_one_or_none()
    if book is None:
        raise BookNotFound
    check_judged(judged.version, book.version)
    if book.state is not BookState.LIVE:
        raise IllegalTransition(f"台账册{book.state.label}。", allowed=[])
    rows = await _in_order(session, book)
    codes = [row.pop("code") for row in rows]
    await copy_rows(session, BookEntry, rows)
    book.hash = frozen_hash(
        Frozen(
            node_code=code,
            **{name: row[name] for name in ("submission_id", "record_id", "version_no", "content_hash", "decided_at")},
        )
        for code, row in zip(codes, rows, strict=True)
    )
    book.state, book.entry_count = BookState.ARCHIVED, len(rows)
    book.archived_by, book.archived_at, book.archive_reason = caller.user_id, clock.now(), judged.reason
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="books.archive",
        target=("book", book.id),
        before={"state": BookState.LIVE},
        after={"state": book.state, "entry_count": book.entry_count, "hash": book.hash},
        reason=judged.reason,
    )


async def _in_order(session: WriteSession, book: Book) -> list[dict[str, Any]]:
    """The entries as they are frozen: in the order of the catalogue, within a node by the time of acceptance."""
    nodes = await session.execute(
        select(CatalogueNode.id, CatalogueNode.parent_id, CatalogueNode.position, CatalogueNode.code).where(
            CatalogueNode.catalogue_id == book.catalogue_id
        )
    )
    order = {node.id: no for no, node in enumerate(in_catalogue_order(Node(*row, required=0) for row in nodes))}
    entries = entries_of(book)
    found = await session.execute(
        select(entries, RecordVersion.content_hash, CatalogueNode.code)
        .join(CatalogueNode, CatalogueNode.id == entries.c.node_id)
        .join(
            RecordVersion,
            (RecordVersion.record_id == entries.c.record_id) & (RecordVersion.no == entries.c.version_no),
        )
        .limit(MAX_ENTRIES + 1)
    )
    rows = [dict(row) for row in found.mappings()]
    if not rows:
        raise BookEmpty("台账册中没有条目，不能归档。")
    if len(rows) > MAX_ENTRIES:
        raise TooManyEntries(f"一册最多归档 {MAX_ENTRIES} 条，请先分发到几册。")
    rows.sort(key=lambda row: (order[row["node_id"]], row["decided_at"], row["submission_id"]))
    kept = ("submission_id", "node_id", "record_id", "version_no", "content_hash", "decided_at")
    return [
        {
            "book_id": book.id,
            "position": no,
            "kind": book.kind.value,
            **{name: row[name] for name in kept},
            "code": row["code"],
        }
        for no, row in enumerate(rows, start=1)
    ]
