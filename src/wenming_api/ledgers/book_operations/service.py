"""Merging books and distributing their entries (S2.3): every entry is in exactly one book before and after."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, select, update

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession, copy_rows
from wenming_api.kit.fields import Transition
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_judged,
)
from wenming_api.ledgers.book_operations.queries import depending_on, visible
from wenming_api.ledgers.book_operations.rules import EntryKey, TwiceGiven, dealt, once
from wenming_api.ledgers.book_operations.schemas import BookDistribute, BookMerge, BookTarget
from wenming_api.ledgers.books.models import Book, BookMove, BookOperation
from wenming_api.ledgers.books.queries import BookNotFound, entries_of
from wenming_api.ledgers.books.rules import MAX_ENTRIES, BookState, OperationKind
from wenming_api.ledgers.books.service import BookEmpty, TooManyEntries, check_live
from wenming_api.system.audit.service import record
from wenming_api.system.units.models import Unit


class CannotUndo(Conflict):
    """Something later depends on the operation; `depending` names the operations, `books` the archived books."""

    code = "cannot_undo"
    title = "不能撤销"


async def _lock(session: WriteSession, caller: Principal, book_ids: Iterable[UUID]) -> dict[UUID, Book]:
    """The books, locked in one order for everybody. Acceptances do not wait for this lock: they share the key."""
    wanted = set(book_ids)
    found = await session.execute(
        select(Book)
        .where(Book.id.in_(wanted), caller.scope.where(Book))
        .order_by(Book.id)
        .with_for_update(key_share=True)
    )
    books = {book.id: book for book in found.scalars()}
    if wanted - books.keys():
        raise BookNotFound
    return books


async def _entries(session: WriteSession, book: Book) -> list[EntryKey]:
    entries = entries_of(book)
    found = await session.execute(select(entries.c.submission_id, entries.c.node_id).limit(MAX_ENTRIES + 1))
    keys = [(row.submission_id, row.node_id) for row in found]
    if len(keys) > MAX_ENTRIES:
        raise TooManyEntries(f"一次最多移动 {MAX_ENTRIES} 条。")
    return keys


async def _goal(
    session: WriteSession, caller: Principal, books: dict[UUID, Book], target: BookTarget, like: Book, pointer: str
) -> Book:
    """The book to move into: one of the locked ones, or a new one like the source."""
    if target.book_id is not None:
        book = books[target.book_id]
        if (book.catalogue_id, book.kind) != (like.catalogue_id, like.kind):
            raise InvalidInput(errors=[FieldError(f"{pointer}/book_id", "须与来源册同一目录、同一种类")])
        return book
    unit_id, unit_path, region_path = like.unit_id, like.unit_path, like.region_path
    if target.unit_id is not None and target.unit_id != like.unit_id:
        unit = await session.scalar(select(Unit).where(Unit.id == target.unit_id, caller.scope.where(Unit)))
        if unit is None or not unit.active:
            raise InvalidInput(errors=[FieldError(f"{pointer}/unit_id", "单位不存在、已停用，或不在您的数据范围内")])
        unit_id, unit_path, region_path = unit.id, unit.unit_path, unit.region_path
    book = Book(
        id=uuid7(),
        unit_id=unit_id,
        unit_path=unit_path,
        region_path=region_path,
        catalogue_id=like.catalogue_id,
        year=like.year,
        kind=like.kind,
        natural=False,
        title=target.title,
    )
    session.add(book)
    return book


async def merge_books(session: WriteSession, *, caller: Principal, wanted: BookMerge) -> UUID:
    """Move all entries of several books into one; returns the operation.

    Moves what is there now: what is accepted later appears in the books where it belongs by itself.

    Raises:
        BookNotFound, VersionMoved (a source was changed since), BookReadOnly, BookEmpty, TooManyEntries.
        InvalidInput: a source twice, the target among them, another catalogue or kind.
    """
    judged = {source.book_id: source.version for source in wanted.sources}
    if len(judged) < len(wanted.sources):
        raise InvalidInput(errors=[FieldError("/sources", "来源有重复")])
    if wanted.target.book_id in judged:
        raise InvalidInput(errors=[FieldError("/target/book_id", "不能归并到来源之一自身")])
    extra = [wanted.target.book_id] if wanted.target.book_id else []
    books = await _lock(session, caller, [*judged, *extra])
    sources = [books[source.book_id] for source in wanted.sources]
    for no, source in enumerate(sources):
        check_judged(judged[source.id], source.version)
        if (source.catalogue_id, source.kind) != (sources[0].catalogue_id, sources[0].kind):
            raise InvalidInput(errors=[FieldError(f"/sources/{no}/book_id", "来源须为同一目录、同一种类")])
    for book in books.values():
        check_live(book)
    goal = await _goal(session, caller, books, wanted.target, sources[0], "/target")
    moves = [(source, goal, key) for source in sources for key in await _entries(session, source)]
    return await _move(session, caller, OperationKind.MERGE, moves, wanted.reason)


async def distribute_book(session: WriteSession, *, caller: Principal, book_id: UUID, wanted: BookDistribute) -> UUID:
    """Move entries of a book to several others; what is not named stays. Returns the operation.

    Raises:
        BookNotFound, VersionMoved, BookReadOnly, BookEmpty (nothing to be moved), TooManyEntries.
        InvalidInput: an entry given to two, or not in the book; a target that does not fit.
    """
    goals = [portion.target.book_id for portion in wanted.portions]
    named = [goal for goal in goals if goal is not None]
    if book_id in named or len(set(named)) < len(named):
        raise InvalidInput(errors=[FieldError("/portions", "去向册有重复，或就是原册")])
    books = await _lock(session, caller, [book_id, *named])
    source = books[book_id]
    check_judged(wanted.version, source.version)
    for book in books.values():
        check_live(book)
    there = await _entries(session, source)
    given = _dealt(there, wanted)
    targets = [
        await _goal(session, caller, books, portion.target, source, f"/portions/{no}/target")
        for no, portion in enumerate(wanted.portions)
    ]
    moves = [(source, targets[no], key) for key, no in given.items()]
    return await _move(session, caller, OperationKind.DISTRIBUTE, moves, wanted.reason)


def _dealt(there: Sequence[EntryKey], wanted: BookDistribute) -> dict[EntryKey, int]:
    named = [
        ((entry.submission_id, entry.node_id), no)
        for no, portion in enumerate(wanted.portions)
        for entry in portion.entries
    ]
    nodes = [((node_id, node_id), no) for no, portion in enumerate(wanted.portions) for node_id in portion.node_ids]
    try:
        by_entry, by_node = once(named), once(nodes)
    except TwiceGiven as error:
        raise InvalidInput("同一条目或小类分给了两册。", errors=[FieldError("/portions", "有重复")]) from error
    known = set(there)
    for no, portion in enumerate(wanted.portions):
        for position, entry in enumerate(portion.entries):
            if (entry.submission_id, entry.node_id) not in known:
                raise InvalidInput(errors=[FieldError(f"/portions/{no}/entries/{position}", "不在这一册中")])
    return dealt(there, by_node={key[0]: no for key, no in by_node.items()}, by_entry=by_entry)


async def _move(
    session: WriteSession,
    caller: Principal,
    kind: OperationKind,
    moves: Sequence[tuple[Book, Book, EntryKey]],
    reason: str,
) -> UUID:
    if not moves:
        raise BookEmpty("没有可以移动的条目。")
    if len(moves) > MAX_ENTRIES:
        raise TooManyEntries(f"一次最多移动 {MAX_ENTRIES} 条。")
    books = {book.id: book for source, goal, _ in moves for book in (source, goal)}
    operation = BookOperation(
        unit_id=caller.unit_id,
        unit_path=caller.unit_path,
        region_path=caller.region_path,
        kind=kind,
        moved=len(moves),
        reason=reason,
        made_by=caller.user_id,
    )
    session.add(operation)
    for book in books.values():
        book.updated_at = clock.now()  # raises the version: whoever judged the former state is told
    await session.flush()  # the moves refer to the operation and to new books
    for source in {source.id for source, _, _ in moves}:
        gone = [key for origin, _, key in moves if origin.id == source]
        await _supersede(session, operation.id, source, gone)
    rows = [
        {
            "id": uuid7(),
            "operation_id": operation.id,
            "kind": source.kind.value,
            "submission_id": submission_id,
            "node_id": node_id,
            "from_book_id": source.id,
            "to_book_id": goal.id,
            "current": True,
        }
        for source, goal, (submission_id, node_id) in moves
    ]
    await copy_rows(session, BookMove, rows)
    titles = {str(book.id): book.title for book in books.values()}
    await record(
        session,
        caller=caller,
        action=f"books.{kind.value}",
        target=("book_operation", operation.id),
        after={"moved": len(moves), "books": titles},
        reason=reason,
    )
    return operation.id


async def _supersede(session: WriteSession, operation_id: UUID, book_id: UUID, keys: Sequence[EntryKey]) -> None:
    """Entries that are in the book by a move are there no longer."""
    found = await session.execute(
        select(BookMove.id, BookMove.submission_id, BookMove.node_id).where(
            BookMove.to_book_id == book_id, BookMove.current
        )
    )
    wanted = set(keys)
    gone = [row.id for row in found if (row.submission_id, row.node_id) in wanted]
    await session.execute(
        update(BookMove)
        .where(BookMove.id == _any(gone))
        .values(current=False, superseded_by=operation_id)
        .execution_options(synchronize_session=False)
    )


def _any(ids: Sequence[UUID]) -> Any:
    return any_(literal(list(ids), ARRAY(Uuid())))


async def undo_operation(session: WriteSession, *, caller: Principal, operation_id: UUID, judged: Transition) -> None:
    """Put every entry back where it came from; books that the operation made are dissolved when they are empty.

    Raises:
        NotFound: the operation or one of its books lies outside the scope.
        VersionMoved, IllegalTransition (undone already).
        CannotUndo: entries were moved on since, or one of the books is archived.
    """
    found = await session.execute(
        select(BookOperation).where(BookOperation.id == operation_id, visible(caller.scope)).with_for_update()
    )
    operation = found.scalar_one_or_none()
    if operation is None:
        raise NotFound
    check_judged(judged.version, operation.version)
    if operation.undone_at is not None:
        raise IllegalTransition("这次操作已经撤销。", allowed=[])
    pairs = await session.execute(
        select(BookMove.from_book_id, BookMove.to_book_id).where(BookMove.operation_id == operation_id).distinct()
    )
    ids = [(row.from_book_id, row.to_book_id) for row in pairs]
    books = await _lock(session, caller, {each for pair in ids for each in pair})
    archived = [book for book in books.values() if book.state is not BookState.LIVE]
    depending = await depending_on(session, operation_id)
    if archived or depending:
        names = "、".join(f"“{book.title}”{book.state.label}" for book in archived)
        later = f"其中的条目后来又经 {len(depending)} 次操作移动，须先撤销那些操作" if depending else ""
        raise CannotUndo(
            "；".join(part for part in (names, later) if part) + "。",
            depending=[str(each) for each in depending],
            books=[str(book.id) for book in archived],
        )
    await session.execute(
        update(BookMove)
        .where(BookMove.operation_id == operation_id)
        .values(current=False)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(BookMove)
        .where(BookMove.superseded_by == operation_id)
        .values(current=True, superseded_by=None)
        .execution_options(synchronize_session=False)
    )
    operation.undone_at, operation.undone_by, operation.undo_reason = clock.now(), caller.user_id, judged.reason
    await _dissolve_empty(session, [books[goal] for _, goal in ids])
    for book in books.values():
        book.updated_at = clock.now()
    await session.flush()  # the answer carries the new versions
    await record(
        session,
        caller=caller,
        action="books.undo",
        target=("book_operation", operation.id),
        before={"undone": False},
        after={"undone": True},
        reason=judged.reason,
    )


async def _dissolve_empty(session: WriteSession, goals: Sequence[Book]) -> None:
    made = [book.id for book in goals if not book.natural]
    used = await session.execute(
        select(BookMove.to_book_id).where(BookMove.to_book_id.in_(made), BookMove.current).distinct()
    )
    kept = set(used.scalars())
    for book in goals:
        if not book.natural and book.id not in kept:
            book.state = BookState.DISSOLVED
