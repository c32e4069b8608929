"""上传 over HTTP: announcing and completing. Bytes go straight between clients and the object store."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Router, Store, Writes, no_replay
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems
from wenming_api.kit.storage import StoreUnavailable
from wenming_api.system.uploads import service
from wenming_api.system.uploads.schemas import Arrival, ArrivalsOut, UploadOut, UploadRequested

router = Router(prefix="/files", tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayUpload = Annotated[Principal, Depends(may(Permission.FILES_UPLOAD))]


@router.post(
    "/uploads",
    status_code=201,
    summary="登记一批要上传的文件",
    responses=problems(service.UploadTaken, StoreUnavailable),
)
@no_replay
async def open_upload(caller: MayUpload, session: Writes, store: Store, body: UploadRequested) -> UploadOut:
    """逐个文件给出直传对象存储的表单或分片地址，最多 50 个；不接受的文件单独说明原因，不影响其他文件。

    用相同的 id 重新请求不会重复建立，只为尚未收到的文件给出新的地址。
    """
    return await service.open_upload(session, caller=caller, store=store, request=body)


@router.post(
    "/uploads/{upload_id}/complete",
    summary="确认一批文件已上传",
    responses=problems(NotFound, StoreUnavailable),
)
async def complete_upload(caller: MayUpload, session: Writes, store: Store, upload_id: UUID) -> ArrivalsOut:
    """逐个核对对象存储中的大小与类型；已收到的进入检查，未收到的说明原因，可重复调用。"""
    return await service.complete_upload(session, upload_id, caller=caller, store=store)


@router.post(
    "/{file_id}/complete",
    summary="确认一个文件已上传",
    responses=problems(NotFound, service.NotArrived, StoreUnavailable),
)
async def complete_file(caller: MayUpload, session: Writes, store: Store, file_id: UUID) -> Arrival:
    """核对对象存储中的大小与类型，随后进入检查；可重复调用。"""
    return await service.complete_file(session, file_id, caller=caller, store=store)
