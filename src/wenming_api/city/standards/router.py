"""测评标准 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.standards import queries, service
from wenming_api.city.standards.queries import StandardNotFound, SystemNotFound
from wenming_api.city.standards.rules import ListKind
from wenming_api.city.standards.schemas import (
    MethodCode,
    SiteTypeCode,
    StandardMove,
    StandardOut,
    StandardRow,
    StandardSort,
    StandardUpdate,
    StandardWrite,
)
from wenming_api.city.standards.service import CodeTaken, SystemNotDraft
from wenming_api.kit.fields import Search
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)

router = Router(
    prefix="/indicator-systems/{system_id}/standards",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayRead = Annotated[Principal, Depends(may(Permission.STANDARDS_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.STANDARDS_MANAGE))]


@router.get("", summary="查询测评标准", responses=problems(SystemNotFound))
async def list_(
    caller: MayRead,
    system_id: UUID,
    session: Reads,
    paging: Paging,
    sort: StandardSort = StandardSort.ORDER,
    q: Annotated[Search | None, Query(description="编号或内容包含")] = None,
    indicator_id: Annotated[UUID | None, Query(description="该指标及其各级下级")] = None,
    list_kind: Annotated[ListKind | None, Query(description="基本、特色加分或负面清单")] = None,
    method: Annotated[MethodCode | None, Query(description="测评方法")] = None,
    site_type_code: Annotated[SiteTypeCode | None, Query(description="适用于该点位类型（含适用所有类型的）")] = None,
    unit_id: Annotated[UUID | None, Query(description="责任单位（牵头或配合）")] = None,
) -> Page[StandardRow]:
    """按指标、类别、方法、点位类型、责任单位筛选，默认按文件次序。"""
    return await queries.list_standards(
        session,
        system_id=system_id,
        params=paging,
        sort=sort,
        q=q,
        indicator_id=indicator_id,
        list_kind=list_kind,
        method=method,
        site_type_code=site_type_code,
        unit_id=unit_id,
    )


@router.post("", status_code=201, summary="新增测评标准", responses=problems(SystemNotFound, SystemNotDraft, CodeTaken))
async def create(
    caller: MayManage, system_id: UUID, body: StandardWrite, session: Writes, response: Response
) -> StandardOut:
    """放在最末一级指标之下；评分方式须与分值相容，责任单位第一个为牵头。"""
    made = await service.create_standard(session, system_id=system_id, request=body, caller=caller)
    etag(response, made.version)
    return made


@router.get("/{standard_id}", summary="测评标准详情", responses=problems(StandardNotFound))
async def read(caller: MayRead, system_id: UUID, standard_id: UUID, session: Reads, response: Response) -> StandardOut:
    """含评分方式、适用点位类型、责任单位、所需材料与当前用户可做的操作。"""
    found = await queries.get_standard(session, system_id=system_id, standard_id=standard_id, caller=caller)
    etag(response, found.version)
    return found


@router.patch(
    "/{standard_id}",
    summary="修改测评标准",
    responses=problems(StandardNotFound, SystemNotDraft, CodeTaken, StaleVersion, VersionRequired),
)
async def update(
    caller: MayManage,
    system_id: UUID,
    standard_id: UUID,
    body: StandardUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> StandardOut:
    """只修改给出的字段；列表字段整体替换。"""
    changed = await service.update_standard(
        session, system_id=system_id, standard_id=standard_id, request=body, version=version, caller=caller
    )
    etag(response, changed.version)
    return changed


@router.post(
    "/{standard_id}/move",
    summary="移动测评标准",
    responses=problems(StandardNotFound, SystemNotDraft, VersionMoved),
)
async def move(
    caller: MayManage,
    system_id: UUID,
    standard_id: UUID,
    body: StandardMove,
    session: Writes,
    response: Response,
) -> StandardOut:
    """移到另一最末级指标之下，或改变次序。"""
    moved = await service.move_standard(
        session, system_id=system_id, standard_id=standard_id, request=body, caller=caller
    )
    etag(response, moved.version)
    return moved


@router.delete(
    "/{standard_id}",
    status_code=204,
    summary="删除测评标准",
    responses=problems(StandardNotFound, SystemNotDraft, StaleVersion, VersionRequired),
)
async def delete(caller: MayManage, system_id: UUID, standard_id: UUID, version: IfMatch, session: Writes) -> None:
    """只能删除草稿中的标准。"""
    await service.delete_standard(session, system_id=system_id, standard_id=standard_id, version=version, caller=caller)
