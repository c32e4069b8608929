"""处室 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Conflict,
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionRequired,
    problems,
)
from wenming_api.system.departments import queries, service
from wenming_api.system.departments.schemas import (
    DepartmentCreate,
    DepartmentDetail,
    DepartmentOut,
    DepartmentSort,
    DepartmentUpdate,
)

router = Router(tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayReadUnits = Annotated[Principal, Depends(may(Permission.UNITS_READ))]
MayManageUnits = Annotated[Principal, Depends(may(Permission.UNITS_MANAGE))]


@router.get("/units/{unit_id}/departments", summary="查询处室")
async def list_(
    caller: MayReadUnits,
    unit_id: UUID,
    session: Reads,
    paging: Paging,
    sort: DepartmentSort = DepartmentSort.POSITION,
    active: bool | None = None,
) -> Page[DepartmentOut]:
    """一个单位的处室。"""
    return await queries.list_departments(
        session, scope=caller.scope, unit_id=unit_id, params=paging, sort=sort, active=active
    )


@router.post(
    "/units/{unit_id}/departments",
    summary="新增处室",
    status_code=201,
    responses=problems(NotFound, Conflict, IllegalTransition),
)
async def create(
    caller: MayManageUnits, unit_id: UUID, body: DepartmentCreate, session: Writes, response: Response
) -> DepartmentDetail:
    """同一单位内名称不重复。"""
    made = await service.create_department(session, caller=caller, unit_id=unit_id, new=body)
    etag(response, made.version)
    return await queries.read_department(session, caller=caller, department_id=made.id)


@router.get("/departments/{department_id}", summary="查看处室", responses=problems(NotFound))
async def read(caller: MayReadUnits, department_id: UUID, session: Reads, response: Response) -> DepartmentDetail:
    """处室详情与可用操作。"""
    detail = await queries.read_department(session, caller=caller, department_id=department_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/departments/{department_id}",
    summary="修改处室",
    responses=problems(NotFound, StaleVersion, VersionRequired, Conflict),
)
async def update(
    caller: MayManageUnits,
    department_id: UUID,
    body: DepartmentUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> DepartmentDetail:
    """只修改给出的字段；停用的处室不再出现在选择列表中。"""
    made = await service.update_department(
        session, caller=caller, department_id=department_id, version=version, changes=body
    )
    etag(response, made.version)
    return await queries.read_department(session, caller=caller, department_id=department_id)
