"""Reads of merges and distributions: lineage, and what stands in the way of undoing."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.ledgers.book_operations.schemas import (
    BookFlow,
    BookMoveOut,
    BookMoveSort,
    BookOperationDetail,
    BookOperationOut,
    BookOperationSort,
)
from wenming_api.ledgers.books.models import Book, BookMove, BookOperation
from wenming_api.ledgers.books.rules import BookState
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.submissions.models import Submission
from wenming_api.system.users.models import User

_Undoer = aliased(User)
_JOINED: dict[str, Any] = {"made_by_name": User.display_name, "undone_by_name": _Undoer.display_name}
_ROW = [
    _JOINED[name].label(name) if name in _JOINED else getattr(BookOperation, name)
    for name in BookOperationOut.model_fields
]


def visible(scope: Scope) -> Any:
    """An operation is seen by whoever sees one of its books, or the unit of him who did it."""
    there = exists().where(
        BookMove.operation_id == BookOperation.id,
        or_(Book.id == BookMove.from_book_id, Book.id == BookMove.to_book_id),
        scope.where(Book),
    )
    return scope.where(BookOperation, also=[there])


def _operations(scope: Scope) -> Select[Any]:
    return (
        select(*_ROW)
        .join(User, User.id == BookOperation.made_by)
        .outerjoin(_Undoer, _Undoer.id == BookOperation.undone_by)
        .where(visible(scope))
    )


async def list_operations(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    sort: BookOperationSort = BookOperationSort.NEWEST,
    book_id: UUID | None = None,
) -> Page[BookOperationOut]:
    """Merges and distributions, of one book when `book_id` is given."""
    statement = _operations(scope)
    if book_id is not None:
        statement = statement.where(
            exists().where(
                BookMove.operation_id == BookOperation.id,
                or_(BookMove.from_book_id == book_id, BookMove.to_book_id == book_id),
            )
        )
    columns = {"made_at": BookOperation.made_at}
    return await page(
        session, statement, params, sort=sort, columns=columns, key=BookOperation.id, into=BookOperationOut
    )


async def depending_on(session: AnySession, operation_id: UUID) -> list[UUID]:
    """Operations that moved on what this one moved, the oldest first."""
    found = await session.execute(
        select(BookMove.superseded_by)
        .where(BookMove.operation_id == operation_id, BookMove.superseded_by.is_not(None))
        .distinct()
        .order_by(BookMove.superseded_by)
    )
    return [each for each in found.scalars() if each is not None]


async def read_operation(session: AnySession, *, caller: Principal, operation_id: UUID) -> BookOperationDetail:
    """One operation with its lineage and whether it can be undone; three statements."""
    found = await session.execute(_operations(caller.scope).where(BookOperation.id == operation_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    origin, goal = aliased(Book), aliased(Book)
    flows = await session.execute(
        select(
            BookMove.from_book_id,
            origin.title.label("from_title"),
            BookMove.to_book_id,
            goal.title.label("to_title"),
            func.count().label("entries"),
            func.bool_or((origin.state == BookState.ARCHIVED) | (goal.state == BookState.ARCHIVED)).label("archived"),
        )
        .join(origin, origin.id == BookMove.from_book_id)
        .join(goal, goal.id == BookMove.to_book_id)
        .where(BookMove.operation_id == operation_id)
        .group_by(BookMove.from_book_id, origin.title, BookMove.to_book_id, goal.title)
        .order_by(origin.title, goal.title, BookMove.to_book_id)
    )
    moved = flows.all()
    depending = await depending_on(session, operation_id)
    return BookOperationDetail(
        **row,
        flows=[BookFlow.model_validate(each) for each in moved],
        depending=depending,
        allowed_actions=[
            action(
                "undo",
                "撤销",
                (caller.may(Permission.BOOKS_MANAGE), f"需要“{Permission.BOOKS_MANAGE.label}”权限"),
                (row["undone_at"] is None, "已经撤销"),
                (not any(each.archived for each in moved), "涉及的台账册已归档"),
                (not depending, f"其中的条目后来又被移动（{len(depending)} 次操作），须先撤销那些操作"),
            )
        ],
    )


async def list_moves(
    session: AnySession, *, scope: Scope, params: PageParams, operation_id: UUID, sort: BookMoveSort = BookMoveSort.NODE
) -> Page[BookMoveOut]:
    """The entries that an operation moved; `NotFound` for an operation outside the scope."""
    known = await session.scalar(select(BookOperation.id).where(BookOperation.id == operation_id, visible(scope)))
    if known is None:
        raise NotFound
    columns = {"node_code": CatalogueNode.code, "title": Submission.record_title}
    columns_shown: tuple[Any, ...] = (
        BookMove.id,
        BookMove.submission_id,
        BookMove.node_id,
        CatalogueNode.code.label("node_code"),
        Submission.record_title.label("title"),
        BookMove.from_book_id,
        BookMove.to_book_id,
        BookMove.current,
    )
    statement = (
        select(*columns_shown)
        .join(CatalogueNode, CatalogueNode.id == BookMove.node_id)
        .join(Submission, Submission.id == BookMove.submission_id)
        .where(BookMove.operation_id == operation_id)
    )
    return await page(session, statement, params, sort=sort, columns=columns, key=BookMove.id, into=BookMoveOut)
