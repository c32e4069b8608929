"""单位 over HTTP."""

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
    Conflict,
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.system.units import queries, service
from wenming_api.system.units.schemas import (
    ItemCode,
    UnitCreate,
    UnitDetail,
    UnitMove,
    UnitOut,
    UnitSort,
    UnitUpdate,
)

router = Router(prefix="/units", tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayReadUnits = Annotated[Principal, Depends(may(Permission.UNITS_READ))]
MayManageUnits = Annotated[Principal, Depends(may(Permission.UNITS_MANAGE))]


@router.get("", summary="查询单位")
async def list_(
    caller: MayReadUnits,
    session: Reads,
    paging: Paging,
    sort: UnitSort = UnitSort.NUMBER,
    under: Annotated[
        str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="所在区域路径", examples=["370300000000/"])
    ] = None,
    managing_unit_id: Annotated[UUID | None, Query(description="直属于该单位")] = None,
    below: Annotated[
        str | None, Query(pattern=r"^(\d{1,18}/){1,20}$", description="该单位路径及其下级", examples=["1/15/"])
    ] = None,
    category_code: Annotated[ItemCode | None, Query(description="单位类别")] = None,
    industry_code: Annotated[ItemCode | None, Query(description="行业")] = None,
    civility_level_code: Annotated[ItemCode | None, Query(description="文明级别")] = None,
    q: Annotated[Search | None, Query(description="名称、简称或统一社会信用代码")] = None,
    active: bool | None = None,
) -> Page[UnitOut]:
    """数据范围内的单位，按区域、类别、行业、管理单位、文明级别、名称筛选。"""
    return await queries.list_units(
        session,
        scope=caller.scope,
        params=paging,
        sort=sort,
        under=under,
        managing_unit_id=managing_unit_id,
        below=below,
        category_code=category_code,
        industry_code=industry_code,
        civility_level_code=civility_level_code,
        q=q,
        active=active,
    )


@router.post("", summary="新增单位", status_code=201, responses=problems(Conflict))
async def create(caller: MayManageUnits, body: UnitCreate, session: Writes, response: Response) -> UnitDetail:
    """同一区域内名称不重复；统一社会信用代码须通过校验。"""
    unit = await service.create_unit(session, caller=caller, new=body)
    etag(response, unit.version)
    return await queries.read_unit(session, caller=caller, unit_id=unit.id)


@router.get("/{unit_id}", summary="查看单位", responses=problems(NotFound))
async def read(caller: MayReadUnits, unit_id: UUID, session: Reads, response: Response) -> UnitDetail:
    """单位详情、直属单位数、处室数与可用操作。"""
    detail = await queries.read_unit(session, caller=caller, unit_id=unit_id)
    etag(response, detail.version)
    return detail


@router.patch("/{unit_id}", summary="修改单位", responses=problems(NotFound, StaleVersion, VersionRequired, Conflict))
async def update(
    caller: MayManageUnits, unit_id: UUID, body: UnitUpdate, version: IfMatch, session: Writes, response: Response
) -> UnitDetail:
    """只修改给出的字段；改变所在区域时，单位用户随之调整。"""
    unit = await service.update_unit(session, caller=caller, unit_id=unit_id, version=version, changes=body)
    etag(response, unit.version)
    return await queries.read_unit(session, caller=caller, unit_id=unit_id)


@router.post("/{unit_id}/move", summary="调整管理单位", responses=problems(NotFound, VersionMoved))
async def move(
    caller: MayManageUnits, unit_id: UUID, body: UnitMove, session: Writes, response: Response
) -> UnitDetail:
    """该单位及其全部下级随之移动，其用户与业务数据的单位归属同时调整。"""
    unit = await service.move_unit(session, caller=caller, unit_id=unit_id, move=body)
    etag(response, unit.version)
    return await queries.read_unit(session, caller=caller, unit_id=unit_id)


@router.post("/{unit_id}/disable", summary="停用单位", responses=problems(NotFound, VersionMoved, IllegalTransition))
async def disable(
    caller: MayManageUnits, unit_id: UUID, body: Transition, session: Writes, response: Response
) -> UnitDetail:
    """停用后不再出现在选择列表中，历史数据保留；仍管理着在用单位时不能停用。"""
    unit = await service.set_active(session, caller=caller, unit_id=unit_id, judged=body, active=False)
    etag(response, unit.version)
    return await queries.read_unit(session, caller=caller, unit_id=unit_id)


@router.post("/{unit_id}/enable", summary="启用单位", responses=problems(NotFound, VersionMoved, IllegalTransition))
async def enable(
    caller: MayManageUnits, unit_id: UUID, body: Transition, session: Writes, response: Response
) -> UnitDetail:
    """重新启用已停用的单位。"""
    unit = await service.set_active(session, caller=caller, unit_id=unit_id, judged=body, active=True)
    etag(response, unit.version)
    return await queries.read_unit(session, caller=caller, unit_id=unit_id)
