"""Reads of books. The entries of a live book are found in the accepted submissions each time; nothing is rebuilt."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import Integer, Select, and_, case, exists, func, literal, or_, select, tuple_, union_all
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.clock import at_the_edge
from wenming_api.kit.db import AnySession, Database
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.kit.workbooks import WorkbookWriter
from wenming_api.ledgers.books.models import Book, BookEntry, BookMove
from wenming_api.ledgers.books.rules import BookKind, BookState, Node, completeness, in_catalogue_order
from wenming_api.ledgers.books.schemas import (
    BookContents,
    BookContentsLine,
    BookDetail,
    BookEntryOut,
    BookEntrySort,
    BookOut,
    BookSort,
)
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.submissions.models import Submission, SubmissionNode
from wenming_api.ledgers.submissions.rules import IN_FORCE
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User


class BookNotFound(NotFound):
    """There is no such book, or it lies outside the caller's scope."""

    code = "book_not_found"
    title = "未找到台账册"


_COLUMNS = ("submission_id", "node_id", "record_id", "version_no", "decided_at", "moved")
_MANUSCRIPT = "manuscript"


def _counts(submission: Any) -> Any:
    return and_(submission.state.in_(IN_FORCE), submission.purpose != _MANUSCRIPT)


def _entry(submission: Any, node_id: Any, *, moved: bool) -> tuple[Any, ...]:
    return (
        submission.id.label("submission_id"),
        node_id.label("node_id"),
        submission.record_id.label("record_id"),
        submission.version_no.label("version_no"),
        submission.decided_at.label("decided_at"),
        literal(moved).label("moved"),
    )


def _by_itself(book: Any, kind: BookKind) -> Select[Any]:
    """What belongs to the natural book of `kind` by itself, unless it was moved away or frozen in an earlier part."""
    whose = Submission.receiver_unit_id if kind is BookKind.COLLECTED else Submission.record_unit_id
    statement = (
        select(*_entry(Submission, SubmissionNode.node_id, moved=False))
        .join(SubmissionNode, SubmissionNode.submission_id == Submission.id)
        .join(CatalogueNode, CatalogueNode.id == SubmissionNode.node_id)
        .where(
            whose == book.unit_id,
            Submission.year == book.year,
            CatalogueNode.catalogue_id == book.catalogue_id,
            _counts(Submission),
            ~exists().where(
                BookMove.kind == kind,
                BookMove.submission_id == Submission.id,
                BookMove.node_id == SubmissionNode.node_id,
                BookMove.current,
            ),
            ~exists().where(
                BookEntry.kind == kind,
                BookEntry.submission_id == Submission.id,
                BookEntry.node_id == SubmissionNode.node_id,
            ),
        )
    )
    if kind is BookKind.OWN:
        # A record that several places accepted is in its unit's book once: as it was mended last, unless it was
        # moved or archived before that, which settles it.
        other, filed = aliased(Submission), aliased(SubmissionNode)
        settled = [
            exists().where(kept.kind == kind, kept.submission_id == other.id, kept.node_id == filed.node_id, *more)
            for kept, more in ((BookEntry, []), (BookMove, [BookMove.current]))
        ]
        newer = other.version_no > Submission.version_no
        sooner = tuple_(other.decided_at, other.id) < tuple_(Submission.decided_at, Submission.id)
        statement = statement.where(
            ~exists()
            .where(
                other.record_id == Submission.record_id,
                other.id != Submission.id,
                _counts(other),
                filed.submission_id == other.id,
                filed.node_id == SubmissionNode.node_id,
                or_(newer, and_(other.version_no == Submission.version_no, sooner), *settled),
            )
            .correlate(Submission, SubmissionNode)
        )
    return statement


def _moved_here(book: Any) -> Select[Any]:
    return (
        select(*_entry(Submission, BookMove.node_id, moved=True))
        .join(Submission, Submission.id == BookMove.submission_id)
        .where(BookMove.to_book_id == book.id, BookMove.current)
    )


def _frozen(book: Any) -> Select[Any]:
    columns = [getattr(BookEntry, name) for name in _COLUMNS if name != "moved"]
    return select(*columns, literal(False).label("moved")).where(BookEntry.book_id == book.id)


def entries_of(book: Any) -> Any:
    """The entries of one book (a row or entity) as a subquery: submission, node, record, version, decided_at, moved."""
    if book.state is BookState.ARCHIVED:
        return _frozen(book).subquery("entries")
    parts = [_moved_here(book)]
    if book.natural and book.state is BookState.LIVE:
        parts.append(_by_itself(book, book.kind))
    return union_all(*parts).subquery("entries")


def _counted() -> Any:
    """How many entries a book of the outer query has."""

    def number(statement: Select[Any]) -> Any:
        return statement.with_only_columns(func.count()).correlate(Book).scalar_subquery()

    by_itself = case(
        (and_(Book.natural, Book.kind == BookKind.OWN), number(_by_itself(Book, BookKind.OWN))),
        (and_(Book.natural, Book.kind == BookKind.COLLECTED), number(_by_itself(Book, BookKind.COLLECTED))),
        else_=literal(0, Integer),
    )
    return case((Book.state == BookState.ARCHIVED, Book.entry_count), else_=by_itself + number(_moved_here(Book)))


_Archiver = aliased(User)
_JOINED: dict[str, Any] = {
    "unit_name": Unit.name,
    "catalogue_name": Catalogue.name,
}
_PLAIN = [name for name in BookOut.model_fields if name != "entries"]
_ROW = [_JOINED[name].label(name) if name in _JOINED else getattr(Book, name) for name in _PLAIN]


def _books(scope: Scope, *more: Any) -> Select[Any]:
    return (
        select(*_ROW, *more)
        .join(Unit, Unit.id == Book.unit_id)
        .join(Catalogue, Catalogue.id == Book.catalogue_id)
        .where(scope.where(Book))
    )


async def list_books(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    sort: BookSort = BookSort.NEWEST_YEAR,
    unit_id: UUID | None = None,
    under: str | None = None,
    catalogue_id: UUID | None = None,
    year: int | None = None,
    kind: BookKind | None = None,
    state: BookState | None = None,
    q: str | None = None,
) -> Page[BookOut]:
    """Books inside the scope; dissolved ones only when asked for."""
    statement = _books(scope, _counted().label("entries"))
    for column, value in (
        (Book.unit_id, unit_id),
        (Book.catalogue_id, catalogue_id),
        (Book.year, year),
        (Book.kind, kind),
    ):
        if value is not None:
            statement = statement.where(column == value)
    statement = statement.where(Book.state == state if state else Book.state != BookState.DISSOLVED)
    if under is not None:
        statement = statement.where(Book.region_path.startswith(under, autoescape=True))
    if q is not None:
        statement = statement.where(or_(contains(Book.title, q), contains(Unit.name, q)))
    columns = {"year": Book.year, "title": Book.title, "created_at": Book.created_at}
    return await page(session, statement, params, sort=sort, columns=columns, key=Book.id, into=BookOut)


async def find_book(session: AnySession, book_id: UUID, *, scope: Scope) -> Any:
    """The row of a book with its owner's and catalogue's names, or `BookNotFound`."""
    found = await session.execute(
        _books(
            scope,
            Book.region_path,
            Book.unit_path,
            Book.entry_count,
            Book.hash,
            Book.archive_reason,
            _Archiver.display_name.label("archived_by_name"),
            Catalogue.code.label("catalogue_code"),
        )
        .outerjoin(_Archiver, _Archiver.id == Book.archived_by)
        .where(Book.id == book_id)
    )
    row = found.one_or_none()
    if row is None:
        raise BookNotFound
    return row


async def _nodes(session: AnySession, book: Any) -> tuple[dict[UUID, Any], list[Node], dict[UUID, int]]:
    entries = entries_of(book)
    counted = select(entries.c.node_id, func.count().label("entries")).group_by(entries.c.node_id).subquery()
    names = ("id", "parent_id", "position", "code", "name", "depth", "leaf", "required", "active")
    found = await session.execute(
        select(*(getattr(CatalogueNode, name) for name in names), func.coalesce(counted.c.entries, 0).label("entries"))
        .outerjoin(counted, counted.c.node_id == CatalogueNode.id)
        .where(CatalogueNode.catalogue_id == book.catalogue_id)
    )
    rows = {row.id: row for row in found}
    nodes = [Node(row.id, row.parent_id, row.position, row.code, row.required, row.active) for row in rows.values()]
    return rows, nodes, {row.id: row.entries for row in rows.values()}


async def read_contents(
    session: AnySession, *, scope: Scope, book_id: UUID, missing_only: bool = False, filled_only: bool = False
) -> BookContents:
    """The table of contents in the order of the catalogue, with what is wanting; two statements."""
    book = await find_book(session, book_id, scope=scope)
    rows, nodes, counts = await _nodes(session, book)
    standing = completeness(nodes, counts)
    lines = [
        BookContentsLine(
            node_id=node.id,
            **{name: getattr(rows[node.id], name) for name in ("parent_id", "code", "name", "depth", "leaf")},
            required=node.required,
            have=standing[node.id].have,
            missing=standing[node.id].missing,
        )
        for node in in_catalogue_order(nodes)
        if (node.active or standing[node.id].have)
        and (standing[node.id].missing or not missing_only)
        and (standing[node.id].have or not filled_only)
    ]
    tops = [standing[node.id] for node in nodes if node.parent_id is None]
    return BookContents(
        book_id=book_id,
        entries=sum(counts.values()),
        missing=sum(top.missing for top in tops),
        incomplete=sum(top.incomplete for top in tops),
        items=lines,
    )


def shown_entries(book: Any) -> tuple[Select[Any], Any]:
    """The entries of a book with all that lists show, and the key that makes their order certain."""
    entries = entries_of(book)
    sender, receiver, author = aliased(Unit), aliased(Unit), aliased(Unit)
    statement = (
        select(
            *(entries.c[name] for name in _COLUMNS),
            CatalogueNode.code.label("node_code"),
            CatalogueNode.name.label("node_name"),
            Submission.record_title.label("title"),
            Submission.record_unit_id,
            author.name.label("record_unit_name"),
            sender.name.label("sender_unit_name"),
            receiver.name.label("receiver_unit_name"),
            Submission.submitted_at,
        )
        .select_from(entries)
        .join(Submission, Submission.id == entries.c.submission_id)
        .join(CatalogueNode, CatalogueNode.id == entries.c.node_id)
        .join(author, author.id == Submission.record_unit_id)
        .join(sender, sender.id == Submission.unit_id)
        .join(receiver, receiver.id == Submission.receiver_unit_id)
    )
    return statement, entries


async def list_entries(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    book_id: UUID,
    sort: BookEntrySort = BookEntrySort.DECIDED,
    node_id: UUID | None = None,
    q: str | None = None,
) -> Page[BookEntryOut]:
    """One page of the entries, of one node with all below it when `node_id` is given; three statements."""
    book = await find_book(session, book_id, scope=scope)
    statement, entries = shown_entries(book)
    if node_id is not None:
        top = aliased(CatalogueNode)
        within = select(top.path).where(top.id == node_id, top.catalogue_id == book.catalogue_id).scalar_subquery()
        statement = statement.where(func.starts_with(CatalogueNode.path, within))
    if q is not None:
        statement = statement.where(contains(Submission.record_title, q))
    columns = {"decided_at": entries.c.decided_at, "title": Submission.record_title}
    # Submission and node make the key; the node decides between two entries of one submission.
    key = func.concat(entries.c.submission_id, entries.c.node_id)
    return await page(session, statement, params, sort=sort, columns=columns, key=key, into=BookEntryOut)


async def read_book(session: AnySession, *, caller: Principal, book_id: UUID) -> BookDetail:
    """One book with its completeness and what the caller may do; three statements."""
    book = await find_book(session, book_id, scope=caller.scope)
    _, nodes, counts = await _nodes(session, book)
    entries = entries_of(book)
    records = await session.scalar(select(func.count(func.distinct(entries.c.record_id))))
    standing = completeness(nodes, counts)
    tops = [standing[node.id] for node in nodes if node.parent_id is None]
    total = sum(counts.values())
    live = (book.state is BookState.LIVE, f"台账册{book.state.label}，只读")
    some = (total > 0, "台账册中没有条目")
    manages = (caller.may(Permission.BOOKS_MANAGE), f"需要“{Permission.BOOKS_MANAGE.label}”权限")
    return BookDetail(
        **{name: getattr(book, name) for name in _PLAIN},
        **{name: getattr(book, name) for name in ("region_path", "hash", "archived_by_name", "archive_reason")},
        entries=total,
        records=records or 0,
        missing=sum(top.missing for top in tops),
        incomplete=sum(top.incomplete for top in tops),
        allowed_actions=[
            action("update", "修改册名", manages, live),
            action("merge", "归并", manages, live),
            action("distribute", "分发", manages, live, some),
            action(
                "archive",
                "归档",
                (caller.may(Permission.BOOKS_ARCHIVE), f"需要“{Permission.BOOKS_ARCHIVE.label}”权限"),
                live,
                some,
            ),
        ],
    )


_CONTENTS_HEADERS = ("编号", "名称", "层级", "应有", "已有", "还缺")
_ENTRY_HEADERS = (
    "小类编号",
    "小类名称",
    "记录标题",
    "记录单位",
    "报送单位",
    "接收单位",
    "报送时间",
    "通过时间",
    "版本",
)


async def export_book(database: Database, *, scope: Scope, book_id: UUID) -> AsyncIterator[bytes]:
    """The workbook in pieces: cover, contents with completeness, every entry. The caller has checked that the scope
    shows the book; it is read in one snapshot of its own, since it is sent after the request's session has ended.
    """
    with tempfile.TemporaryFile() as file:
        async with database.snapshot() as session:
            await _write(session, file, scope, book_id)
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, 1 << 16):
            yield piece


async def _write(session: AnySession, file: BinaryIO, scope: Scope, book_id: UUID) -> None:
    book = await find_book(session, book_id, scope=scope)
    contents = await read_contents(session, scope=scope, book_id=book_id)
    with WorkbookWriter(file) as workbook:
        workbook.begin_plain("说明", ("项目", "内容"))
        for line in (
            ("册名", book.title),
            ("立册单位", book.unit_name),
            ("目录", book.catalogue_name),
            ("年度", book.year),
            ("种类", book.kind.label),
            ("状态", book.state.label),
            ("条目数", contents.entries),
            ("还缺条目数", contents.missing),
            ("归档哈希（SHA-256）", book.hash),
        ):
            workbook.add_cells(line)
        workbook.begin_plain("目录", _CONTENTS_HEADERS)
        for each in contents.items:
            workbook.add_cells((each.code, each.name, each.depth, each.required, each.have, each.missing))
        workbook.begin_plain("条目", _ENTRY_HEADERS)
        statement, entries = shown_entries(book)
        found = await session.stream(
            statement.order_by(CatalogueNode.path, entries.c.decided_at, entries.c.submission_id)
        )
        async for rows in found.partitions(500):
            await asyncio.to_thread(_add, workbook, rows)


def _add(workbook: WorkbookWriter, rows: Iterable[Any]) -> None:
    for row in rows:
        times = (at_the_edge(row.submitted_at), at_the_edge(row.decided_at))
        names = (row.record_unit_name, row.sender_unit_name, row.receiver_unit_name)
        workbook.add_cells((row.node_code, row.node_name, row.title, *names, *times, row.version_no))
