"""角色与权限 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Search
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Conflict,
    Forbidden,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionRequired,
    problems,
)
from wenming_api.system.roles import queries, service
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.roles.schemas import PermissionItem, RoleCreate, RoleDetail, RoleOut, RoleSort, RoleUpdate

router = Router(tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayReadRoles = Annotated[Principal, Depends(may(Permission.ROLES_READ))]
MayManageRoles = Annotated[Principal, Depends(may(Permission.ROLES_MANAGE))]


@router.get("/permissions", summary="全部权限")
async def permissions(caller: MayReadRoles) -> list[PermissionItem]:
    """系统的全部权限，以及当前用户能授予其中哪些。"""
    return queries.list_permissions(caller)


@router.get("/roles", summary="查询角色")
async def list_(
    caller: MayReadRoles,
    session: Reads,
    paging: Paging,
    sort: RoleSort = RoleSort.CODE,
    q: Annotated[Search | None, Query(description="名称或代码")] = None,
    data_scope: DataScope | None = None,
    builtin: Annotated[bool | None, Query(description="是否内置")] = None,
) -> Page[RoleOut]:
    """角色及其权限和数据范围。"""
    return await queries.list_roles(session, params=paging, sort=sort, q=q, data_scope=data_scope, builtin=builtin)


@router.post("/roles", summary="新增角色", status_code=201, responses=problems(Conflict, service.MayNotGrant))
async def create(caller: MayManageRoles, body: RoleCreate, session: Writes, response: Response) -> RoleDetail:
    """只能由自己持有或可授予的权限组成；三类管理权限不能并存。"""
    role = await service.create_role(session, caller=caller, new=body)
    etag(response, role.version)
    return await queries.read_role(session, caller=caller, role_id=role.id)


@router.get("/roles/{role_id}", summary="查看角色", responses=problems(NotFound))
async def read(caller: MayReadRoles, role_id: UUID, session: Reads, response: Response) -> RoleDetail:
    """角色详情、持有人数与可用操作。"""
    detail = await queries.read_role(session, caller=caller, role_id=role_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/roles/{role_id}",
    summary="修改角色",
    responses=problems(
        NotFound,
        StaleVersion,
        VersionRequired,
        Conflict,
        service.BuiltinRoleFixed,
        service.MayNotGrant,
        service.OwnRole,
    ),
)
async def update(
    caller: MayManageRoles, role_id: UUID, body: RoleUpdate, version: IfMatch, session: Writes, response: Response
) -> RoleDetail:
    """立即对所有持有人生效；内置角色和自己持有的角色不能修改。"""
    role = await service.update_role(session, caller=caller, role_id=role_id, version=version, changes=body)
    etag(response, role.version)
    return await queries.read_role(session, caller=caller, role_id=role_id)


@router.delete(
    "/roles/{role_id}",
    summary="删除角色",
    status_code=204,
    responses=problems(
        NotFound,
        StaleVersion,
        VersionRequired,
        service.BuiltinRoleFixed,
        service.RoleInUse,
        service.MayNotGrant,
        service.OwnRole,
    ),
)
async def delete(caller: MayManageRoles, role_id: UUID, version: IfMatch, session: Writes) -> None:
    """只能删除无人持有的角色。"""
    await service.delete_role(session, caller=caller, role_id=role_id, version=version)
