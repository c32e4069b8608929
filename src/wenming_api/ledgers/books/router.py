"""台账册 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Search, Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.kit.workbooks import MEDIA_TYPE
from wenming_api.ledgers.books import queries, service
from wenming_api.ledgers.books.queries import BookNotFound
from wenming_api.ledgers.books.rules import BookKind, BookState
from wenming_api.ledgers.books.schemas import (
    BookContents,
    BookDetail,
    BookEntryOut,
    BookEntrySort,
    BookOut,
    BookSort,
    BookUpdate,
    Year,
)
from wenming_api.ledgers.books.service import BookEmpty, BookReadOnly, TooManyEntries

router = Router(prefix="/ledgers/books", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayReadBooks = Annotated[Principal, Depends(may(Permission.BOOKS_READ))]
MayManageBooks = Annotated[Principal, Depends(may(Permission.BOOKS_MANAGE))]
MayArchiveBooks = Annotated[Principal, Depends(may(Permission.BOOKS_ARCHIVE))]


@router.get("", summary="查询台账册")
async def list_(
    caller: MayReadBooks,
    session: Reads,
    paging: Paging,
    sort: BookSort = BookSort.NEWEST_YEAR,
    unit_id: Annotated[UUID | None, Query(description="立册单位")] = None,
    under: Annotated[
        str | None, Query(pattern=r"^([0-9A-Za-z-]{1,32}/){1,10}$", description="区域路径，含下级")
    ] = None,
    catalogue_id: Annotated[UUID | None, Query(description="目录")] = None,
    year: Annotated[Year | None, Query(description="年度")] = None,
    kind: Annotated[BookKind | None, Query(description="本单位台账或汇集台账")] = None,
    state: Annotated[BookState | None, Query(description="状态")] = None,
    q: Annotated[Search | None, Query(description="册名或单位名称包含")] = None,
) -> Page[BookOut]:
    """每个单位、目录、年度有审核通过的报送即自动成册，无需建立。"""
    return await queries.list_books(
        session,
        scope=caller.scope,
        params=paging,
        sort=sort,
        unit_id=unit_id,
        under=under,
        catalogue_id=catalogue_id,
        year=year,
        kind=kind,
        state=state,
        q=q,
    )


@router.get("/{book_id}", summary="查看台账册", responses=problems(BookNotFound))
async def read(caller: MayReadBooks, book_id: UUID, session: Reads, response: Response) -> BookDetail:
    """条目数、目录完整度与可用操作。"""
    detail = await queries.read_book(session, caller=caller, book_id=book_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/{book_id}", summary="修改册名", responses=problems(BookNotFound, BookReadOnly, StaleVersion, VersionRequired)
)
async def update(
    caller: MayManageBooks, book_id: UUID, body: BookUpdate, version: IfMatch, session: Writes, response: Response
) -> BookDetail:
    """已归档的册不能修改。"""
    await service.update_book(session, caller=caller, book_id=book_id, version=version, changes=body)
    detail = await queries.read_book(session, caller=caller, book_id=book_id)
    etag(response, detail.version)
    return detail


@router.get("/{book_id}/contents", summary="查看台账册目录", responses=problems(BookNotFound))
async def contents(
    caller: MayReadBooks,
    book_id: UUID,
    session: Reads,
    missing_only: Annotated[bool, Query(description="只列还缺条目的节点")] = False,
    filled_only: Annotated[bool, Query(description="只列已有条目的节点")] = False,
) -> BookContents:
    """按目录顺序列出各节点应有、已有与还缺的条目数。"""
    return await queries.read_contents(
        session, scope=caller.scope, book_id=book_id, missing_only=missing_only, filled_only=filled_only
    )


@router.get("/{book_id}/entries", summary="查询台账册条目", responses=problems(BookNotFound))
async def entries(
    caller: MayReadBooks,
    book_id: UUID,
    session: Reads,
    paging: Paging,
    sort: BookEntrySort = BookEntrySort.DECIDED,
    node_id: Annotated[UUID | None, Query(description="目录节点，含下级")] = None,
    q: Annotated[Search | None, Query(description="记录标题包含")] = None,
) -> Page[BookEntryOut]:
    """审核通过的报送随时进入，不需要重新生成；已归档的册为归档时的条目。"""
    return await queries.list_entries(
        session, scope=caller.scope, params=paging, book_id=book_id, sort=sort, node_id=node_id, q=q
    )


@router.get(
    "/{book_id}/workbook",
    summary="导出台账册目录",
    response_class=StreamingResponse,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(BookNotFound),
    },
)
async def workbook(caller: MayReadBooks, book_id: UUID, session: Reads, request: Request) -> StreamingResponse:
    """目录、完整度与全部条目，一个 XLSX 文件。"""
    await queries.find_book(session, book_id, scope=caller.scope)
    pieces = queries.export_book(request.app.state.resources.database, scope=caller.scope, book_id=book_id)
    return StreamingResponse(
        pieces,
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="book-{book_id}.xlsx"'},
    )


@router.post(
    "/{book_id}/archive",
    summary="归档台账册",
    responses=problems(BookNotFound, VersionMoved, IllegalTransition, BookEmpty, TooManyEntries),
)
async def archive(
    caller: MayArchiveBooks, book_id: UUID, body: Transition, session: Writes, response: Response
) -> BookDetail:
    """固定全部条目并对其作哈希，此后只读，不能撤回；以后通过的条目进入下一册。"""
    await service.archive_book(session, caller=caller, book_id=book_id, judged=body)
    detail = await queries.read_book(session, caller=caller, book_id=book_id)
    etag(response, detail.version)
    return detail
