"""台账列表的常用筛选 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, VersionRequired, problems
from wenming_api.ledgers.saved_filters import queries, service
from wenming_api.ledgers.saved_filters.schemas import FilterIn, FilterOut, FilterSort

router = Router(prefix="/ledgers/filters", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.RECORDS_READ))]


@router.get("", summary="查询本人的常用筛选")
async def list_(caller: MayRead, session: Reads, paging: Paging, sort: FilterSort = FilterSort.NAME) -> Page[FilterOut]:
    """每人只看到自己保存的。"""
    return await queries.list_filters(session, caller=caller, params=paging, sort=sort)


@router.post(
    "",
    summary="保存常用筛选",
    status_code=201,
    responses=problems(service.FilterNameTaken, service.TooManyFilters),
)
async def create(caller: MayRead, body: FilterIn, session: Writes, response: Response) -> FilterOut:
    """以名称保存台账列表的一组查询参数。"""
    made = await service.create_filter(session, caller=caller, new=body)
    etag(response, made.version)
    return made


@router.put(
    "/{filter_id}",
    summary="修改常用筛选",
    responses=problems(NotFound, StaleVersion, VersionRequired, service.FilterNameTaken),
)
async def update(
    caller: MayRead, filter_id: UUID, body: FilterIn, version: IfMatch, session: Writes, response: Response
) -> FilterOut:
    """整体替换名称与查询参数。"""
    changed = await service.update_filter(session, caller=caller, filter_id=filter_id, version=version, changes=body)
    etag(response, changed.version)
    return changed


@router.delete(
    "/{filter_id}",
    summary="删除常用筛选",
    status_code=204,
    responses=problems(NotFound, StaleVersion, VersionRequired),
)
async def delete(caller: MayRead, filter_id: UUID, version: IfMatch, session: Writes) -> None:
    """只能删除本人的。"""
    await service.delete_filter(session, caller=caller, filter_id=filter_id, version=version)
