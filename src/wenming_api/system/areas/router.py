"""自定义区域 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

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
from wenming_api.system.areas import queries, service
from wenming_api.system.areas.queries import AreaNotFound
from wenming_api.system.areas.rules import AreaKind
from wenming_api.system.areas.schemas import AreaCreate, AreaOut, AreaRow, AreaSort, AreaUpdate
from wenming_api.system.areas.service import AreaCodeTaken

router = Router(prefix="/areas", tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayReadRegions = Annotated[Principal, Depends(may(Permission.REGIONS_READ))]
MayManageRegions = Annotated[Principal, Depends(may(Permission.REGIONS_MANAGE))]


@router.get("", summary="查询自定义区域")
async def list_(
    caller: MayReadRegions,
    session: Reads,
    paging: Paging,
    sort: AreaSort = AreaSort.CODE,
    q: Annotated[Search | None, Query(description="名称或代码包含")] = None,
    kind: Annotated[AreaKind | None, Query(description="类型：城区、城乡结合部、网格等")] = None,
    active: Annotated[bool | None, Query(description="是否启用")] = None,
) -> Page[AreaRow]:
    """只列出数据范围内的自定义区域。"""
    return await queries.list_areas(
        session, scope=caller.scope, params=paging, sort=sort, q=q, kind=kind, active=active
    )


@router.post("", status_code=201, summary="新增自定义区域", responses=problems(AreaCodeTaken))
async def create(caller: MayManageRegions, session: Writes, response: Response, body: AreaCreate) -> AreaOut:
    """所含区域须在所在区域内，各含其全部下级。"""
    made = await service.create_area(session, body, caller=caller)
    etag(response, made.version)
    return made


@router.get("/{area_id}", summary="自定义区域详情", responses=problems(AreaNotFound))
async def read(caller: MayReadRegions, session: Reads, response: Response, area_id: UUID) -> AreaOut:
    """含所含区域与当前用户可做的操作。"""
    found = await queries.get_area(session, area_id, scope=caller.scope, caller=caller)
    etag(response, found.version)
    return found


@router.patch(
    "/{area_id}",
    summary="修改自定义区域",
    responses=problems(AreaNotFound, StaleVersion, VersionRequired, IllegalTransition),
)
async def update(
    caller: MayManageRegions,
    session: Writes,
    response: Response,
    area_id: UUID,
    body: AreaUpdate,
    version: IfMatch,
) -> AreaOut:
    """须在 If-Match 中带上所编辑的版本；member_ids 整体替换。"""
    changed = await service.update_area(session, area_id, body, version=version, caller=caller)
    etag(response, changed.version)
    return changed


@router.post(
    "/{area_id}/disable",
    summary="停用自定义区域",
    responses=problems(AreaNotFound, VersionMoved, IllegalTransition),
)
async def disable(
    caller: MayManageRegions, session: Writes, response: Response, area_id: UUID, body: Transition
) -> AreaOut:
    """停用后不再供选用。"""
    changed = await service.set_active(
        session, area_id, active=False, version=body.version, reason=body.reason, caller=caller
    )
    etag(response, changed.version)
    return changed


@router.post(
    "/{area_id}/enable",
    summary="启用自定义区域",
    responses=problems(AreaNotFound, VersionMoved, IllegalTransition),
)
async def enable(
    caller: MayManageRegions, session: Writes, response: Response, area_id: UUID, body: Transition
) -> AreaOut:
    """恢复已停用的自定义区域。"""
    changed = await service.set_active(
        session, area_id, active=True, version=body.version, reason=body.reason, caller=caller
    )
    etag(response, changed.version)
    return changed
