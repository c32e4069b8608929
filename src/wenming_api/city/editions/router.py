"""测评体系 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.editions import queries, service
from wenming_api.city.editions.schemas import (
    EditionPublishIn,
    PublicationCheck,
    SystemClone,
    SystemCreate,
    SystemOut,
    SystemRow,
    SystemSort,
    SystemUpdate,
)
from wenming_api.city.editions.service import SystemCodeTaken, SystemIncomplete
from wenming_api.city.standards.queries import SystemNotFound
from wenming_api.city.standards.rules import SystemState
from wenming_api.city.standards.service import SystemNotDraft
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

router = Router(prefix="/indicator-systems", tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.STANDARDS_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.STANDARDS_MANAGE))]
MayPublish = Annotated[Principal, Depends(may(Permission.STANDARDS_PUBLISH))]


@router.get("", summary="查询测评体系")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: SystemSort = SystemSort.NEWEST,
    q: Annotated[Search | None, Query(description="名称或编号包含")] = None,
    state: Annotated[SystemState | None, Query(description="状态")] = None,
) -> Page[SystemRow]:
    """各版本测评体系及其指标数、标准数、总分，默认新建的在前。"""
    return await queries.list_systems(session, params=paging, sort=sort, q=q, state=state)


@router.post("", status_code=201, summary="新建测评体系", responses=problems(SystemCodeTaken))
async def create(caller: MayManage, body: SystemCreate, session: Writes, response: Response) -> SystemOut:
    """新建空的草稿；层级与测评方法可以自定。"""
    made = await service.create_system(session, caller=caller, new=body)
    etag(response, made.version)
    return await queries.read_system(session, caller=caller, system_id=made.id)


@router.get("/{system_id}", summary="测评体系详情", responses=problems(SystemNotFound))
async def read(caller: MayRead, system_id: UUID, session: Reads, response: Response) -> SystemOut:
    """含各级指标数、各类标准的数量与分值，以及当前用户可做的操作。"""
    found = await queries.read_system(session, caller=caller, system_id=system_id)
    etag(response, found.version)
    return found


@router.patch(
    "/{system_id}",
    summary="修改测评体系",
    responses=problems(SystemNotFound, SystemNotDraft, SystemCodeTaken, StaleVersion, VersionRequired),
)
async def update(
    caller: MayManage,
    system_id: UUID,
    body: SystemUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> SystemOut:
    """只能修改草稿；已有指标时层级数不变，仍在使用的测评方法不能去掉。"""
    changed = await service.update_system(session, caller=caller, system_id=system_id, version=version, changes=body)
    etag(response, changed.version)
    return await queries.read_system(session, caller=caller, system_id=system_id)


@router.delete(
    "/{system_id}",
    status_code=204,
    summary="删除测评体系草稿",
    responses=problems(SystemNotFound, SystemNotDraft, StaleVersion, VersionRequired),
)
async def delete(caller: MayManage, system_id: UUID, version: IfMatch, session: Writes) -> None:
    """连同其中的指标与标准一并删除；已发布的不能删除。"""
    await service.delete_system(session, caller=caller, system_id=system_id, version=version)


@router.get("/{system_id}/publish-check", summary="发布前检查", responses=problems(SystemNotFound))
async def check(caller: MayRead, system_id: UUID, session: Reads) -> PublicationCheck:
    """列出发布前须改正之处，并给出当前内容的校验值。"""
    return await queries.check_publication(session, system_id=system_id)


@router.post(
    "/{system_id}/publish",
    summary="发布测评体系",
    responses=problems(SystemNotFound, VersionMoved, IllegalTransition, SystemIncomplete),
)
async def publish(
    caller: MayPublish, system_id: UUID, body: EditionPublishIn, session: Writes, response: Response
) -> SystemOut:
    """发布后内容不再变化，可用于测评；须先补正发布前检查列出的各处。"""
    changed = await service.publish_system(
        session, caller=caller, system_id=system_id, version=body.version, reason=body.reason
    )
    etag(response, changed.version)
    return await queries.read_system(session, caller=caller, system_id=system_id)


@router.post(
    "/{system_id}/retire",
    summary="停用测评体系",
    responses=problems(SystemNotFound, VersionMoved, IllegalTransition),
)
async def retire(
    caller: MayPublish, system_id: UUID, body: Transition, session: Writes, response: Response
) -> SystemOut:
    """停用后不能再用于新的测评；已使用它的测评不受影响。"""
    changed = await service.retire_system(
        session, caller=caller, system_id=system_id, version=body.version, reason=body.reason
    )
    etag(response, changed.version)
    return await queries.read_system(session, caller=caller, system_id=system_id)


@router.post(
    "/{system_id}/clone",
    status_code=201,
    summary="克隆测评体系",
    responses=problems(SystemNotFound, SystemCodeTaken, IllegalTransition),
)
async def clone(
    caller: MayManage, system_id: UUID, body: SystemClone, session: Writes, response: Response
) -> SystemOut:
    """以已发布或已停用的体系为底本，建立内容相同的新草稿。"""
    made = await service.clone_system(session, caller=caller, system_id=system_id, new=body)
    etag(response, made.version)
    return await queries.read_system(session, caller=caller, system_id=made.id)
