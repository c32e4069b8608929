"""文件 over HTTP: announcing, completing, looking up. Bytes go straight between clients and the object store."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Store, Writes, etag, no_replay
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, VersionRequired, problems
from wenming_api.system.files import queries, service
from wenming_api.system.files.rules import FileKind, FileState
from wenming_api.system.files.schemas import (
    FileItem,
    FileOut,
    FileSort,
    Link,
)

router = Router(prefix="/files", tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayUpload = Annotated[Principal, Depends(may(Permission.FILES_UPLOAD))]
MayTakeOriginals = Annotated[Principal, Depends(may(Permission.FILES_ORIGINALS, Permission.FILES_UPLOAD))]
MayLook = Annotated[Principal, Depends(may(Permission.FILES_READ, Permission.FILES_UPLOAD))]


@router.get("", summary="查询文件")
async def list_(
    caller: MayLook,
    session: Reads,
    store: Store,
    paging: Paging,
    sort: FileSort = FileSort.NEWEST,
    kind: FileKind | None = None,
    state: FileState | None = None,
    owner_id: UUID | None = None,
    upload_id: Annotated[UUID | None, Query(description="上传批次")] = None,
) -> Page[FileItem]:
    """按类型、状态、上传者与批次筛选；缩略图为限时地址。"""
    return await queries.list_files(
        session,
        store=store,
        scope=queries.visible(caller),
        params=paging,
        sort=sort,
        kind=kind,
        state=state,
        owner_id=owner_id,
        upload_session_id=upload_id,
    )


@router.get("/{file_id}", summary="查看文件", responses=problems(NotFound))
async def read(caller: MayLook, session: Reads, store: Store, response: Response, file_id: UUID) -> FileOut:
    """文件的检查结果、拍摄信息与限时下载地址；公开副本不含照片自带的拍摄信息。"""
    found = await queries.show_file(session, file_id, store=store, caller=caller)
    etag(response, found.version)
    return found


@router.post(
    "/{file_id}/original",
    summary="取得原件的下载地址",
    responses=problems(NotFound, queries.FileNotReady),
)
@no_replay
async def link_original(caller: MayTakeOriginals, session: Writes, store: Store, file_id: UUID) -> Link:
    """原件含拍摄时间、地点等信息，只给上传者与有权者，并记入审计日志。"""
    return await service.link_original(session, file_id, caller=caller, store=store)


@router.delete(
    "/{file_id}",
    status_code=204,
    summary="删除文件",
    responses=problems(NotFound, service.FileHeld, StaleVersion, VersionRequired),
)
async def delete(caller: MayUpload, session: Writes, file_id: UUID, version: IfMatch) -> None:
    """只能删除自己上传且未被引用的文件。"""
    await service.delete_file(session, file_id, caller=caller, version=version)
