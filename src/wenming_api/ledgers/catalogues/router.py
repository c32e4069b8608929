"""分类目录 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import WriteSession
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
from wenming_api.ledgers.catalogues import queries, service
from wenming_api.ledgers.catalogues.queries import CatalogueNotFound
from wenming_api.ledgers.catalogues.rules import CatalogueAction, CatalogueKind, CatalogueState
from wenming_api.ledgers.catalogues.schemas import (
    CatalogueClone,
    CatalogueCreate,
    CatalogueOut,
    CatalogueRow,
    CatalogueSort,
    CatalogueUpdate,
    Year,
)

router = Router(prefix="/catalogues", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.CATALOGUES_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.CATALOGUES_MANAGE))]
_EDITED = problems(CatalogueNotFound, IllegalTransition, StaleVersion, VersionRequired)


@router.get("", summary="查询分类目录")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: CatalogueSort = CatalogueSort.NAME,
    q: Annotated[Search | None, Query(description="名称或代码")] = None,
    kind: Annotated[CatalogueKind | None, Query(description="种类")] = None,
    state: Annotated[CatalogueState | None, Query(description="状态")] = None,
    year: Annotated[Year | None, Query(description="适用年度，含不限年度的目录")] = None,
) -> Page[CatalogueRow]:
    """已发布和已停用的目录人人可见；草稿只列出本人数据范围内的。"""
    return await queries.list_catalogues(
        session, scope=caller.scope, params=paging, sort=sort, q=q, kind=kind, state=state, year=year
    )


@router.post("", summary="新建分类目录", status_code=201, responses=problems(service.CatalogueCodeTaken))
async def create(caller: MayManage, body: CatalogueCreate, session: Writes, response: Response) -> CatalogueOut:
    """新建草稿，由本单位维护。"""
    made = await service.create_catalogue(session, caller=caller, new=body)
    return await _answer(session, caller, made.id, response)


@router.get("/{catalogue_id}", summary="查看分类目录", responses=problems(CatalogueNotFound))
async def read(caller: MayRead, catalogue_id: UUID, session: Reads, response: Response) -> CatalogueOut:
    """含当前用户可做的操作。"""
    found = await queries.read_catalogue(session, caller=caller, catalogue_id=catalogue_id)
    etag(response, found.version)
    return found


@router.patch("/{catalogue_id}", summary="修改分类目录", responses=_EDITED)
async def update(
    caller: MayManage,
    catalogue_id: UUID,
    body: CatalogueUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> CatalogueOut:
    """仅草稿可以修改。"""
    await service.update_catalogue(session, caller=caller, catalogue_id=catalogue_id, version=version, changes=body)
    return await _answer(session, caller, catalogue_id, response)


@router.delete("/{catalogue_id}", summary="删除分类目录草稿", status_code=204, responses=_EDITED)
async def delete(caller: MayManage, catalogue_id: UUID, version: IfMatch, session: Writes) -> None:
    """仅草稿可以删除，连同其全部分类。"""
    await service.delete_catalogue(session, caller=caller, catalogue_id=catalogue_id, version=version)


@router.post(
    "/{catalogue_id}/clone",
    summary="复制分类目录",
    status_code=201,
    responses=problems(CatalogueNotFound, service.CatalogueCodeTaken),
)
async def clone(
    caller: MayManage, catalogue_id: UUID, body: CatalogueClone, session: Writes, response: Response
) -> CatalogueOut:
    """以既有目录新建草稿，由本单位维护。"""
    made = await service.clone_catalogue(session, caller=caller, catalogue_id=catalogue_id, new=body)
    return await _answer(session, caller, made.id, response)


@router.post(
    "/{catalogue_id}/publish",
    summary="发布分类目录",
    responses=problems(CatalogueNotFound, IllegalTransition, VersionMoved, service.CatalogueIncomplete),
)
async def publish(
    caller: MayManage, catalogue_id: UUID, body: Transition, session: Writes, response: Response
) -> CatalogueOut:
    """草稿 → 已发布；发布后分类不再改变。"""
    return await _step(session, caller, catalogue_id, CatalogueAction.PUBLISH, body, response)


@router.post(
    "/{catalogue_id}/retire",
    summary="停用分类目录",
    responses=problems(CatalogueNotFound, IllegalTransition, VersionMoved),
)
async def retire(
    caller: MayManage, catalogue_id: UUID, body: Transition, session: Writes, response: Response
) -> CatalogueOut:
    """已发布 → 已停用；已归入的记录不受影响，新的记录不能再归入。"""
    return await _step(session, caller, catalogue_id, CatalogueAction.RETIRE, body, response)


async def _step(
    session: WriteSession,
    caller: Principal,
    catalogue_id: UUID,
    step: CatalogueAction,
    body: Transition,
    response: Response,
) -> CatalogueOut:
    await service.change_state(
        session, caller=caller, catalogue_id=catalogue_id, step=step, version=body.version, reason=body.reason
    )
    return await _answer(session, caller, catalogue_id, response)


async def _answer(session: WriteSession, caller: Principal, catalogue_id: UUID, response: Response) -> CatalogueOut:
    await session.flush()  # the answer carries the new version
    found = await queries.read_catalogue(session, caller=caller, catalogue_id=catalogue_id)
    etag(response, found.version)
    return found
