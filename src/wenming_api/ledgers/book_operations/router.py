"""台账归并与分发 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Transition
from wenming_api.kit.http import Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    Unauthenticated,
    VersionMoved,
    problems,
)
from wenming_api.ledgers.book_operations import queries, service
from wenming_api.ledgers.book_operations.schemas import (
    BookDistribute,
    BookMerge,
    BookMoveOut,
    BookMoveSort,
    BookOperationDetail,
    BookOperationOut,
    BookOperationSort,
)
from wenming_api.ledgers.book_operations.service import CannotUndo
from wenming_api.ledgers.books.queries import BookNotFound
from wenming_api.ledgers.books.service import BookEmpty, BookReadOnly, TooManyEntries

router = Router(prefix="/ledgers", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayReadBooks = Annotated[Principal, Depends(may(Permission.BOOKS_READ))]
MayManageBooks = Annotated[Principal, Depends(may(Permission.BOOKS_MANAGE))]
_REFUSALS = (BookNotFound, VersionMoved, BookReadOnly, BookEmpty, TooManyEntries)


@router.post("/books/merge", summary="归并台账册", status_code=201, responses=problems(*_REFUSALS))
async def merge(caller: MayManageBooks, body: BookMerge, session: Writes, response: Response) -> BookOperationDetail:
    """把几册现有的全部条目移入一册（已有的或新立的）；来龙去脉保留，可以撤销。"""
    operation_id = await service.merge_books(session, caller=caller, wanted=body)
    detail = await queries.read_operation(session, caller=caller, operation_id=operation_id)
    etag(response, detail.version)
    return detail


@router.post("/books/{book_id}/distribute", summary="分发台账册", status_code=201, responses=problems(*_REFUSALS))
async def distribute(
    caller: MayManageBooks, book_id: UUID, body: BookDistribute, session: Writes, response: Response
) -> BookOperationDetail:
    """把一册的条目按小类或逐条分到几册，未指明的留在原册；可以撤销。"""
    operation_id = await service.distribute_book(session, caller=caller, book_id=book_id, wanted=body)
    detail = await queries.read_operation(session, caller=caller, operation_id=operation_id)
    etag(response, detail.version)
    return detail


@router.get("/book-operations", summary="查询归并与分发")
async def list_(
    caller: MayReadBooks,
    session: Reads,
    paging: Paging,
    sort: BookOperationSort = BookOperationSort.NEWEST,
    book_id: Annotated[UUID | None, Query(description="涉及的台账册")] = None,
) -> Page[BookOperationOut]:
    """数据范围内台账册的归并与分发记录，含已撤销的。"""
    return await queries.list_operations(session, scope=caller.scope, params=paging, sort=sort, book_id=book_id)


@router.get("/book-operations/{operation_id}", summary="查看归并或分发", responses=problems(NotFound))
async def read(caller: MayReadBooks, operation_id: UUID, session: Reads, response: Response) -> BookOperationDetail:
    """从哪册到哪册各移动了多少，能否撤销。"""
    detail = await queries.read_operation(session, caller=caller, operation_id=operation_id)
    etag(response, detail.version)
    return detail


@router.get("/book-operations/{operation_id}/moves", summary="查询移动的条目", responses=problems(NotFound))
async def moves(
    caller: MayReadBooks, operation_id: UUID, session: Reads, paging: Paging, sort: BookMoveSort = BookMoveSort.NODE
) -> Page[BookMoveOut]:
    """这次操作移动的每一条。"""
    return await queries.list_moves(session, scope=caller.scope, params=paging, operation_id=operation_id, sort=sort)


@router.post(
    "/book-operations/{operation_id}/undo",
    summary="撤销归并或分发",
    responses=problems(NotFound, VersionMoved, IllegalTransition, CannotUndo),
)
async def undo(
    caller: MayManageBooks, operation_id: UUID, body: Transition, session: Writes, response: Response
) -> BookOperationDetail:
    """条目各回原册；条目后来又被移动，或涉及的册已归档时不能撤销，并说明是哪些。"""
    await service.undo_operation(session, caller=caller, operation_id=operation_id, judged=body)
    detail = await queries.read_operation(session, caller=caller, operation_id=operation_id)
    etag(response, detail.version)
    return detail
