"""用户 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Search, Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag, no_replay
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
from wenming_api.system.accounts import queries, service
from wenming_api.system.accounts.schemas import (
    IssuedPassword,
    RolesChange,
    UserCreate,
    UserDetail,
    UserOut,
    UserSort,
    UserUpdate,
)
from wenming_api.system.roles.service import MayNotGrant

router = Router(prefix="/users", tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayReadUsers = Annotated[Principal, Depends(may(Permission.USERS_READ))]
MayManageUsers = Annotated[Principal, Depends(may(Permission.USERS_MANAGE))]
MayManageRoles = Annotated[Principal, Depends(may(Permission.ROLES_MANAGE))]

_TRANSITION = problems(
    NotFound, VersionMoved, IllegalTransition, service.OwnAccount, service.OtherAdministrator, Forbidden
)


@router.get("", summary="查询用户")
async def list_(
    caller: MayReadUsers,
    session: Reads,
    paging: Paging,
    sort: UserSort = UserSort.USERNAME,
    unit_id: UUID | None = None,
    below: Annotated[str | None, Query(pattern=r"^(\d{1,18}/){1,20}$", description="该单位路径及其下级")] = None,
    under: Annotated[str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="所在区域路径")] = None,
    role_id: Annotated[UUID | None, Query(description="持有该角色")] = None,
    q: Annotated[Search | None, Query(description="用户名或姓名")] = None,
    active: bool | None = None,
) -> Page[UserOut]:
    """数据范围内的用户及其角色。"""
    return await queries.list_users(
        session,
        scope=caller.scope,
        params=paging,
        sort=sort,
        unit_id=unit_id,
        below=below,
        under=under,
        role_id=role_id,
        q=q,
        active=active,
    )


@router.post("", summary="新增用户", status_code=201, responses=problems(Conflict, MayNotGrant))
@no_replay
async def create(caller: MayManageUsers, body: UserCreate, session: Writes, response: Response) -> IssuedPassword:
    """返回系统生成的初始密码，只此一次；首次登录须修改。"""
    user, password = await service.create_user(session, caller=caller, new=body)
    etag(response, user.version)
    return IssuedPassword(id=user.id, username=user.username, password=password, version=user.version)


@router.get("/{user_id}", summary="查看用户", responses=problems(NotFound))
async def read(caller: MayReadUsers, user_id: UUID, session: Reads, response: Response) -> UserDetail:
    """用户详情、角色、登录与锁定情况、可用操作。"""
    detail = await queries.read_user(session, caller=caller, user_id=user_id)
    etag(response, detail.version)
    return detail


@router.patch("/{user_id}", summary="修改用户", responses=problems(NotFound, StaleVersion, VersionRequired))
async def update(
    caller: MayManageUsers, user_id: UUID, body: UserUpdate, version: IfMatch, session: Writes, response: Response
) -> UserDetail:
    """姓名、单位、处室；数据范围随单位立即改变。"""
    user = await service.update_user(session, caller=caller, user_id=user_id, version=version, changes=body)
    etag(response, user.version)
    return await queries.read_user(session, caller=caller, user_id=user_id)


@router.put(
    "/{user_id}/roles",
    summary="分配角色",
    responses=problems(NotFound, StaleVersion, VersionRequired, MayNotGrant, service.OwnAccount),
)
async def change_roles(
    caller: MayManageRoles, user_id: UUID, body: RolesChange, version: IfMatch, session: Writes, response: Response
) -> UserDetail:
    """以所给角色替换原有角色，立即生效；不能超出自己的权限和范围，三员互斥。"""
    user = await service.change_roles(session, caller=caller, user_id=user_id, version=version, change=body)
    etag(response, user.version)
    return await queries.read_user(session, caller=caller, user_id=user_id)


@router.post("/{user_id}/disable", summary="停用用户", responses=_TRANSITION)
async def disable(
    caller: MayManageUsers, user_id: UUID, body: Transition, session: Writes, response: Response
) -> UserDetail:
    """停用后不能登录，已有的登录立即失效。"""
    user = await service.set_active(session, caller=caller, user_id=user_id, judged=body, active=False)
    etag(response, user.version)
    return await queries.read_user(session, caller=caller, user_id=user_id)


@router.post("/{user_id}/enable", summary="启用用户", responses=_TRANSITION)
async def enable(
    caller: MayManageUsers, user_id: UUID, body: Transition, session: Writes, response: Response
) -> UserDetail:
    """重新启用已停用的用户。"""
    user = await service.set_active(session, caller=caller, user_id=user_id, judged=body, active=True)
    etag(response, user.version)
    return await queries.read_user(session, caller=caller, user_id=user_id)


@router.post("/{user_id}/reset-password", summary="重置密码", responses=_TRANSITION)
@no_replay
async def reset_password(
    caller: MayManageUsers, user_id: UUID, body: Transition, session: Writes, response: Response
) -> IssuedPassword:
    """返回系统生成的新密码，只此一次；该用户已有的登录立即失效，并解除锁定。"""
    user, password = await service.reset_password(session, caller=caller, user_id=user_id, judged=body)
    etag(response, user.version)
    return IssuedPassword(id=user.id, username=user.username, password=password, version=user.version)


@router.post("/{user_id}/unlock", summary="解除锁定", responses=problems(NotFound, VersionMoved))
async def unlock(caller: MayManageUsers, user_id: UUID, body: Transition, session: Writes) -> UserDetail:
    """清除连续登录失败的记录。"""
    await service.unlock_user(session, caller=caller, user_id=user_id, judged=body)
    return await queries.read_user(session, caller=caller, user_id=user_id)


@router.post("/{user_id}/logout", summary="强制下线", responses=_TRANSITION)
async def force_out(caller: MayManageUsers, user_id: UUID, body: Transition, session: Writes) -> UserDetail:
    """该用户在所有设备上的登录五秒内失效。"""
    await service.force_out(session, caller=caller, user_id=user_id, judged=body)
    return await queries.read_user(session, caller=caller, user_id=user_id)
