"""点位库 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.sites import queries, service
from wenming_api.city.sites.queries import SiteNotFound
from wenming_api.city.sites.rules import MAX_MAP_FEATURES, SiteAction
from wenming_api.city.sites.schemas import (
    HistorySort,
    SiteCounts,
    SiteCreate,
    SiteFilter,
    SiteMap,
    SiteOut,
    SiteRow,
    SiteSort,
    SiteUpdate,
    SiteVersionOut,
)
from wenming_api.city.sites.service import SiteCodeTaken
from wenming_api.kit.answers import answer, answer_page
from wenming_api.kit.fields import Transition
from wenming_api.kit.geo import Box, Crs
from wenming_api.kit.http import HotReads, IfMatch, Paging, Reads, Router, Writes, etag, inline
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)

router = Router(prefix="/sites", tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayReadSites = Annotated[Principal, Depends(may(Permission.SITES_READ))]
MayManageSites = Annotated[Principal, Depends(may(Permission.SITES_MANAGE))]


Wanted = Annotated[SiteFilter, inline(SiteFilter)]


async def _box(
    box: Annotated[
        str,
        Query(max_length=200, description="地图范围：西,南,东,北（度）", examples=["117.9,36.7,118.1,36.9"]),
    ],
) -> Box:
    try:
        return Box.parse(box)
    except ValueError as wrong:
        raise InvalidInput(errors=[FieldError("/query/box", str(wrong))]) from None


@router.get("", summary="查询点位", response_model=Page[SiteRow])
async def list_(
    caller: MayReadSites, reader: HotReads, paging: Paging, wanted: Wanted, sort: SiteSort = SiteSort.CODE
) -> Response:
    """只列出数据范围内的点位。"""
    return answer_page(await queries.list_sites(reader, scope=caller.scope, wanted=wanted, params=paging, sort=sort))


@router.post("", status_code=201, summary="新增点位", responses=problems(SiteCodeTaken))
async def create(caller: MayManageSites, session: Writes, response: Response, body: SiteCreate) -> SiteOut:
    """编号不填时由系统编号；区域须在本人数据范围内。"""
    made = await service.create_site(session, body, caller=caller)
    etag(response, made.version)
    return made


@router.get("/counts", summary="点位统计")
async def counts(caller: MayReadSites, session: Reads, wanted: Wanted) -> SiteCounts:
    """按类型与下一级区域统计，筛选条件与列表相同。"""
    return await queries.count_sites(session, scope=caller.scope, wanted=wanted)


@router.get("/map", summary="地图范围内的点位")
async def map_(
    caller: MayReadSites,
    session: Reads,
    wanted: Wanted,
    box: Annotated[Box, Depends(_box)],
    crs: Annotated[Crs, Query(description="请求范围与返回坐标所用的坐标系")] = Crs.WGS84,
    most: Annotated[int, Query(ge=1, le=MAX_MAP_FEATURES, description="单个点位的上限，超过则聚合")] = 1_000,
) -> SiteMap:
    """GeoJSON；范围内点位超过上限时返回聚合点，clustered 为 true。"""
    return await queries.sites_on_map(session, scope=caller.scope, wanted=wanted, box=box, crs=crs, most=most)


@router.get("/{site_id}", summary="点位详情", response_model=SiteOut, responses=problems(SiteNotFound))
async def read(caller: MayReadSites, reader: HotReads, site_id: UUID) -> Response:
    """含当前用户可做的操作。"""
    found = await queries.get_site(reader, site_id, scope=caller.scope, caller=caller)
    return answer(found, version=found["version"])


@router.patch(
    "/{site_id}",
    summary="修改点位",
    responses=problems(SiteNotFound, StaleVersion, VersionRequired, IllegalTransition),
)
async def update(
    caller: MayManageSites,
    session: Writes,
    response: Response,
    site_id: UUID,
    body: SiteUpdate,
    version: IfMatch,
) -> SiteOut:
    """须在 If-Match 中带上所编辑的版本；停用的点位须先启用。"""
    changed = await service.update_site(session, site_id, body, version=version, caller=caller)
    etag(response, changed.version)
    return changed


@router.post(
    "/{site_id}/disable",
    summary="停用点位",
    responses=problems(SiteNotFound, VersionMoved, IllegalTransition),
)
async def disable(
    caller: MayManageSites, session: Writes, response: Response, site_id: UUID, body: Transition
) -> SiteOut:
    """停用后不参加抽选，历史与成绩不受影响。"""
    changed = await service.change_state(
        session,
        site_id,
        SiteAction.DISABLE,
        version=body.version,
        reason=body.reason,
        caller=caller,
    )
    etag(response, changed.version)
    return changed


@router.post(
    "/{site_id}/enable",
    summary="启用点位",
    responses=problems(SiteNotFound, VersionMoved, IllegalTransition),
)
async def enable(
    caller: MayManageSites, session: Writes, response: Response, site_id: UUID, body: Transition
) -> SiteOut:
    """恢复已停用的点位。"""
    changed = await service.change_state(
        session,
        site_id,
        SiteAction.ENABLE,
        version=body.version,
        reason=body.reason,
        caller=caller,
    )
    etag(response, changed.version)
    return changed


@router.get("/{site_id}/history", summary="点位变更历史", responses=problems(SiteNotFound))
async def history(
    caller: MayReadSites,
    session: Reads,
    site_id: UUID,
    paging: Paging,
    sort: HistorySort = HistorySort.NEWEST,
) -> Page[SiteVersionOut]:
    """何人何时改了哪些字段。"""
    return await queries.list_history(session, site_id, scope=caller.scope, params=paging, sort=sort)
