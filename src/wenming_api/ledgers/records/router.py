"""台账记录 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.answers import answer
from wenming_api.kit.db import WriteSession
from wenming_api.kit.http import HotReads, IfMatch, Paging, Reads, Router, Store, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    StaleVersion,
    Unauthenticated,
    VersionRequired,
    problems,
)
from wenming_api.kit.storage import ObjectStore
from wenming_api.ledgers.records import queries, service
from wenming_api.ledgers.records.queries import RecordNotFound
from wenming_api.ledgers.records.schemas import (
    Comparison,
    RecordCopy,
    RecordCreate,
    RecordOut,
    RecordSave,
    RecordVersionOut,
    RecordVersionRow,
    RecordVersionSort,
)

router = Router(prefix="/ledgers/records", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.RECORDS_READ))]
MayWrite = Annotated[Principal, Depends(may(Permission.RECORDS_WRITE))]
No = Annotated[int, Path(ge=1, le=1_000_000, description="第几版")]
FromNo = Annotated[int, Query(ge=1, le=1_000_000, description="比较的起点是第几版")]
ToNo = Annotated[int, Query(ge=1, le=1_000_000, description="比较的终点是第几版")]


@router.post("", summary="新增台账记录", status_code=201, responses=problems(service.RecordIdTaken))
async def create(caller: MayWrite, body: RecordCreate, session: Writes, store: Store, response: Response) -> RecordOut:
    """新建本单位的草稿，保存第一版并给出质控结果。标识可由客户端生成，重发不会重复新增。"""
    made = await service.create_record(session, caller=caller, new=body)
    return await detail(session, caller, made.id, store, response)


@router.get("/{record_id}", summary="查看台账记录", response_model=RecordOut, responses=problems(RecordNotFound))
async def read(caller: MayRead, record_id: UUID, reader: HotReads, session: Reads, store: Store) -> Response:
    """当前版本的内容、质控结果与可做的操作。"""
    found = await queries.get_record(reader, session, record_id, caller=caller, store=store)
    return answer(found, version=found["version"])


@router.put(
    "/{record_id}",
    summary="保存台账记录",
    responses=problems(RecordNotFound, service.StaleRecord, VersionRequired, IllegalTransition),
)
async def save(
    caller: MayWrite,
    record_id: UUID,
    body: RecordSave,
    version: IfMatch,
    session: Writes,
    store: Store,
    response: Response,
) -> RecordOut:
    """整体替换内容，成为新的版本；已审核的记录再次保存后回到草稿，已审核的版本仍然有效。

    他人已先保存时答 412，并在 merge 中逐项列出共同的起点、他人的修改与您的修改。
    """
    await service.save_record(session, caller=caller, record_id=record_id, version=version, save=body)
    return await detail(session, caller, record_id, store, response)


@router.delete(
    "/{record_id}",
    summary="删除台账记录草稿",
    status_code=204,
    responses=problems(RecordNotFound, StaleVersion, VersionRequired, IllegalTransition),
)
async def delete(caller: MayWrite, record_id: UUID, version: IfMatch, session: Writes) -> None:
    """仅从未提交过审核的草稿可以删除。"""
    await service.delete_record(session, caller=caller, record_id=record_id, version=version)


@router.post(
    "/{record_id}/copy",
    summary="复制到下一期",
    status_code=201,
    responses=problems(RecordNotFound, service.RecordIdTaken),
)
async def copy(
    caller: MayWrite, record_id: UUID, body: RecordCopy, session: Writes, store: Store, response: Response
) -> RecordOut:
    """沿用标题、正文、分类、工作领域、地点与参加人员，新建本单位的草稿；时间、照片、视频、附件不沿用。"""
    made = await service.copy_record(session, caller=caller, record_id=record_id, new=body)
    return await detail(session, caller, made.id, store, response)


@router.get("/{record_id}/versions", summary="查询台账记录的版本", responses=problems(RecordNotFound))
async def list_versions(
    caller: MayRead, record_id: UUID, session: Reads, paging: Paging, sort: RecordVersionSort = RecordVersionSort.NEWEST
) -> Page[RecordVersionRow]:
    """每次保存一版，不可更改。"""
    return await queries.list_versions(session, record_id, scope=caller.scope, params=paging, sort=sort)


@router.get("/{record_id}/versions/{no}", summary="查看台账记录的一版", responses=problems(RecordNotFound))
async def read_version(caller: MayRead, record_id: UUID, no: No, session: Reads) -> RecordVersionOut:
    """当时的内容与质控结果。"""
    return await queries.read_version(session, record_id, no, scope=caller.scope)


@router.get("/{record_id}/comparison", summary="比较台账记录的两版", responses=problems(RecordNotFound))
async def compare(caller: MayRead, record_id: UUID, session: Reads, from_no: FromNo, to_no: ToNo) -> Comparison:
    """逐项列出两个版本之间的变化。"""
    return await queries.compare_versions(session, record_id, from_no=from_no, to_no=to_no, scope=caller.scope)


async def detail(
    session: WriteSession, caller: Principal, record_id: UUID, store: ObjectStore, response: Response
) -> RecordOut:
    """The record as it is after a change in this transaction."""
    await session.flush()  # the answer carries the new version
    found = RecordOut.model_validate(await queries.get_record(session, session, record_id, caller=caller, store=store))
    etag(response, found.version)
    return found
