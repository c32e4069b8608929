"""代理 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Transition
from wenming_api.kit.http import Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    Unauthenticated,
    VersionMoved,
    problems,
)
from wenming_api.workflow.calendars.queries import today
from wenming_api.workflow.stand_ins import queries, service
from wenming_api.workflow.stand_ins.schemas import StandInCreate, StandInDetail, StandInOut, StandInSort
from wenming_api.workflow.stand_ins.service import StandInClash

router = Router(prefix="/stand-ins", tags=["流程"], raises=(Unauthenticated, Forbidden))

MayStandIn = Annotated[Principal, Depends(may(Permission.APPROVALS_READ, Permission.STAND_INS_MANAGE))]


@router.get("", summary="查询代理")
async def list_(
    caller: MayStandIn,
    session: Reads,
    paging: Paging,
    sort: StandInSort = StandInSort.NEWEST,
    user_id: Annotated[UUID | None, Query(description="委托人")] = None,
    deputy_id: Annotated[UUID | None, Query(description="代理人")] = None,
    effective: Annotated[bool | None, Query(description="今天是否有效")] = None,
) -> Page[StandInOut]:
    """本人委托的和代理的；有“登记他人代理”权限的，还有数据范围内他人的。"""
    return await queries.list_stand_ins(
        session,
        caller=caller,
        day=today(),
        params=paging,
        sort=sort,
        user_id=user_id,
        deputy_id=deputy_id,
        effective=effective,
    )


@router.post("", summary="登记代理", status_code=201, responses=problems(StandInClash))
async def create(caller: MayStandIn, session: Writes, body: StandInCreate, response: Response) -> StandInDetail:
    """委托期间本人仍可审批，外出期间只由代理人审批；代理人不能再转委托。"""
    made = await service.create_stand_in(session, caller=caller, new=body)
    etag(response, made.version)
    return await queries.read_stand_in(session, caller=caller, day=today(), stand_in_id=made.id)


@router.get("/{stand_in_id}", summary="查看代理", responses=problems(NotFound))
async def read(caller: MayStandIn, stand_in_id: UUID, session: Reads, response: Response) -> StandInDetail:
    """代理的起止、原因与可用操作。"""
    detail = await queries.read_stand_in(session, caller=caller, day=today(), stand_in_id=stand_in_id)
    etag(response, detail.version)
    return detail


@router.post(
    "/{stand_in_id}/end", summary="提前结束代理", responses=problems(NotFound, VersionMoved, IllegalTransition)
)
async def end(
    caller: MayStandIn, stand_in_id: UUID, session: Writes, body: Transition, response: Response
) -> StandInDetail:
    """即刻生效，代理人不能再审批。"""
    ended = await service.end_stand_in(session, caller=caller, stand_in_id=stand_in_id, judged=body)
    etag(response, ended.version)
    return await queries.read_stand_in(session, caller=caller, day=today(), stand_in_id=stand_in_id)
