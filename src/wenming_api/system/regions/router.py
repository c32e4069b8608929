"""区域 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, Query, Response, UploadFile

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Search
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.imports import ImportReport
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Conflict,
    Forbidden,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.kit.workbooks import MEDIA_TYPE, WorkbookProblem, WorkbookTooLarge
from wenming_api.system.regions import queries, service
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.regions.schemas import (
    RegionCreate,
    RegionDetail,
    RegionMove,
    RegionOut,
    RegionSort,
    RegionUpdate,
)

router = Router(prefix="/regions", tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayReadRegions = Annotated[Principal, Depends(may(Permission.REGIONS_READ))]
MayManageRegions = Annotated[Principal, Depends(may(Permission.REGIONS_MANAGE))]


@router.get("", summary="查询区域")
async def list_(
    caller: MayReadRegions,
    session: Reads,
    paging: Paging,
    sort: RegionSort = RegionSort.TREE,
    level: RegionLevel | None = None,
    parent_id: Annotated[UUID | None, Query(description="直属于该区域")] = None,
    under: Annotated[
        str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="该路径及其下级", examples=["370300000000/"])
    ] = None,
    q: Annotated[Search | None, Query(description="名称或代码前缀")] = None,
    active: bool | None = None,
) -> Page[RegionOut]:
    """按级别、上级、路径、名称筛选；默认按区划树排序。"""
    return await queries.list_regions(
        session,
        params=paging,
        sort=sort,
        level=level,
        parent_id=parent_id,
        under=under,
        q=q,
        active=active,
    )


@router.post("", summary="新增区域", status_code=201, responses=problems(NotFound, Conflict))
async def create(caller: MayManageRegions, body: RegionCreate, session: Writes, response: Response) -> RegionDetail:
    """级别须与代码一致，且低于上级。"""
    region = await service.create_region(session, caller=caller, new=body)
    etag(response, region.version)
    return await queries.read_region(session, caller=caller, region_id=region.id)


@router.get("/{region_id}", summary="查看区域", responses=problems(NotFound))
async def read(caller: MayReadRegions, region_id: UUID, session: Reads, response: Response) -> RegionDetail:
    """区域详情、直属下级数与可用操作。"""
    detail = await queries.read_region(session, caller=caller, region_id=region_id)
    etag(response, detail.version)
    return detail


@router.patch("/{region_id}", summary="修改区域", responses=problems(NotFound, StaleVersion, VersionRequired, Conflict))
async def update(
    caller: MayManageRegions,
    region_id: UUID,
    body: RegionUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> RegionDetail:
    """只修改给出的字段；改名后下级的全名随之更新。"""
    region = await service.update_region(session, caller=caller, region_id=region_id, version=version, changes=body)
    await session.flush()  # the answer carries the new version
    etag(response, region.version)
    return await queries.read_region(session, caller=caller, region_id=region_id)


@router.post("/{region_id}/move", summary="调整上级", responses=problems(NotFound, VersionMoved))
async def move(
    caller: MayManageRegions, region_id: UUID, body: RegionMove, session: Writes, response: Response
) -> RegionDetail:
    """管理隶属自今日起变更，下级和其中的单位、点位随之调整；历史隶属保留。"""
    region = await service.move_region(session, caller=caller, region_id=region_id, move=body)
    etag(response, region.version)
    return await queries.read_region(session, caller=caller, region_id=region_id)


@router.post(
    "/imports",
    summary="导入区域",
    response_model=ImportReport,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(NotFound, WorkbookProblem, WorkbookTooLarge),
    },
)
async def import_(
    caller: MayManageRegions,
    session: Writes,
    file: Annotated[UploadFile, File(description="XLSX 或 CSV：区划代码、名称、级别、上级代码")],
    dry_run: Annotated[bool, Query(description="只校验，不保存")] = False,
    partial: Annotated[bool, Query(description="有误的行跳过，其余保存；否则有误则全部不保存")] = False,
    workbook: Annotated[bool, Query(description="有误时返回标出错误的工作簿，而不是 JSON")] = False,
) -> Response | ImportReport:
    """一次导入全市四级区域。名称可以重复，以代码为准。"""
    report, marked = await service.import_regions(
        session, caller=caller, data=await file.read(), dry_run=dry_run, partial=partial
    )
    if workbook and marked is not None:
        return Response(marked, media_type=MEDIA_TYPE)
    return report
