"""点位类型 over HTTP."""

from typing import Annotated

from fastapi import Depends, Path, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.site_types import queries, service
from wenming_api.city.site_types.queries import SiteTypeNotFound
from wenming_api.city.site_types.rules import CODE_PATTERN
from wenming_api.city.site_types.schemas import (
    SiteTypeCreate,
    SiteTypeOut,
    SiteTypeRow,
    SiteTypeSort,
    SiteTypeUpdate,
)
from wenming_api.city.site_types.service import SiteTypeCodeTaken
from wenming_api.kit.fields import Name, Search, Transition
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

router = Router(prefix="/site-types", tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayReadSites = Annotated[Principal, Depends(may(Permission.SITES_READ))]
MayManageSites = Annotated[Principal, Depends(may(Permission.SITES_MANAGE))]
TypeCodePath = Annotated[str, Path(pattern=CODE_PATTERN, description="点位类型代码", examples=["37"])]


@router.get("", summary="查询点位类型")
async def list_(
    caller: MayReadSites,
    session: Reads,
    paging: Paging,
    sort: SiteTypeSort = SiteTypeSort.POSITION,
    q: Annotated[Search | None, Query(description="名称或代码包含")] = None,
    category: Annotated[Name | None, Query(description="类别")] = None,
    active: Annotated[bool | None, Query(description="是否启用")] = None,
) -> Page[SiteTypeRow]:
    """按名称、类别与是否启用筛选，默认按排序号。"""
    return await queries.list_types(session, params=paging, sort=sort, q=q, category=category, active=active)


@router.post("", status_code=201, summary="新增点位类型", responses=problems(SiteTypeCodeTaken))
async def create(caller: MayManageSites, session: Writes, response: Response, body: SiteTypeCreate) -> SiteTypeOut:
    """代码不可重复，建立后不可修改。"""
    made = await service.create_type(session, body, caller=caller)
    etag(response, made.version)
    return made


@router.get("/{code}", summary="点位类型详情", responses=problems(SiteTypeNotFound))
async def read(caller: MayReadSites, session: Reads, response: Response, code: TypeCodePath) -> SiteTypeOut:
    """含当前用户可做的操作。"""
    found = await queries.get_type(session, code, caller=caller)
    etag(response, found.version)
    return found


@router.patch(
    "/{code}",
    summary="修改点位类型",
    responses=problems(SiteTypeNotFound, StaleVersion, VersionRequired),
)
async def update(
    caller: MayManageSites,
    session: Writes,
    response: Response,
    code: TypeCodePath,
    body: SiteTypeUpdate,
    version: IfMatch,
) -> SiteTypeOut:
    """须在 If-Match 中带上所编辑的版本。"""
    changed = await service.update_type(session, code, body, version=version, caller=caller)
    etag(response, changed.version)
    return changed


@router.post(
    "/{code}/disable",
    summary="停用点位类型",
    responses=problems(SiteTypeNotFound, VersionMoved, IllegalTransition),
)
async def disable(
    caller: MayManageSites, session: Writes, response: Response, code: TypeCodePath, body: Transition
) -> SiteTypeOut:
    """停用后不能再用于新点位，已有点位不受影响。"""
    changed = await service.set_active(
        session, code, active=False, version=body.version, reason=body.reason, caller=caller
    )
    etag(response, changed.version)
    return changed


@router.post(
    "/{code}/enable",
    summary="启用点位类型",
    responses=problems(SiteTypeNotFound, VersionMoved, IllegalTransition),
)
async def enable(
    caller: MayManageSites, session: Writes, response: Response, code: TypeCodePath, body: Transition
) -> SiteTypeOut:
    """恢复已停用的类型。"""
    changed = await service.set_active(
        session, code, active=True, version=body.version, reason=body.reason, caller=caller
    )
    etag(response, changed.version)
    return changed
