"""批量打印 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Judged
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Store, Writes, etag, no_replay
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
from wenming_api.ledgers.books.queries import BookNotFound
from wenming_api.ledgers.documents import queries, service
from wenming_api.ledgers.documents.queries import DocumentNotFound
from wenming_api.ledgers.documents.rules import DocumentState
from wenming_api.ledgers.documents.schemas import DocumentOut, DocumentRow, DocumentSort, PrintRequest
from wenming_api.ledgers.documents.service import BookEmpty

router = Router(prefix="/ledgers/documents", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayPrint = Annotated[Principal, Depends(may(Permission.DOCUMENTS_PRINT))]


@router.get("", summary="查询打印文档")
async def list_(
    caller: MayPrint,
    session: Reads,
    paging: Paging,
    sort: DocumentSort = DocumentSort.NEWEST,
    state: Annotated[DocumentState | None, Query(description="状态")] = None,
) -> Page[DocumentRow]:
    """本人的打印文档与进度。"""
    return await queries.list_documents(session, caller=caller, params=paging, sort=sort, state=state)


@router.post("", status_code=202, summary="批量打印", responses=problems(BookNotFound, BookEmpty))
@no_replay
async def create(
    caller: MayPrint, body: PrintRequest, session: Writes, store: Store, response: Response
) -> DocumentOut:
    """把选定的记录或一本台账册排成一个 PDF：封面、目录、登记表、照片页、书签与页码；在后台进行。"""
    made = await service.request(session, caller=caller, wanted=body)
    etag(response, made.version)
    return await queries.read_document(session, made.id, caller=caller, store=store)


@router.get("/{document_id}", summary="打印文档详情", responses=problems(DocumentNotFound))
async def read(caller: MayPrint, document_id: UUID, session: Reads, store: Store, response: Response) -> DocumentOut:
    """进度；完成后含下载地址。"""
    found = await queries.read_document(session, document_id, caller=caller, store=store)
    etag(response, found.version)
    return found


@router.delete(
    "/{document_id}",
    status_code=204,
    summary="删除打印文档",
    responses=problems(DocumentNotFound, IllegalTransition, StaleVersion, VersionRequired),
)
async def delete(caller: MayPrint, document_id: UUID, version: IfMatch, session: Writes) -> None:
    """删除已结束的打印文档。"""
    await service.delete(session, caller=caller, document_id=document_id, version=version)


@router.post(
    "/{document_id}/cancel",
    summary="取消打印",
    responses=problems(DocumentNotFound, VersionMoved, IllegalTransition),
)
@no_replay
async def cancel(
    caller: MayPrint, document_id: UUID, body: Judged, session: Writes, store: Store, response: Response
) -> DocumentOut:
    """停止正在进行的打印。"""
    await service.cancel(session, caller=caller, document_id=document_id, version=body.version)
    found = await queries.read_document(session, document_id, caller=caller, store=store)
    etag(response, found.version)
    return found


@router.post(
    "/{document_id}/retry",
    summary="继续打印",
    responses=problems(DocumentNotFound, VersionMoved, IllegalTransition),
)
@no_replay
async def retry(
    caller: MayPrint, document_id: UUID, body: Judged, session: Writes, store: Store, response: Response
) -> DocumentOut:
    """从未完成的部分继续失败的打印。"""
    await service.retry(session, caller=caller, document_id=document_id, version=body.version)
    found = await queries.read_document(session, document_id, caller=caller, store=store)
    etag(response, found.version)
    return found
