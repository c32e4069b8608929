"""年度行动计划 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Search, Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.workflow.plans import queries, service
from wenming_api.workflow.plans.rules import PlanAction, PlanState
from wenming_api.workflow.plans.schemas import (
    PlanBox,
    PlanCreate,
    PlanOut,
    PlanPatch,
    PlanRow,
    PlanSort,
    PlanTree,
)

router = Router(prefix="/plans", tags=["流程"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.PLANS_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.PLANS_MANAGE))]
_MOVED = problems(NotFound, IllegalTransition, VersionMoved)


@router.get("", summary="查询计划")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: PlanSort = PlanSort.NEWEST,
    year: Annotated[int | None, Query(ge=2000, le=2100, description="年度")] = None,
    state: Annotated[list[PlanState], Query(description="状态，可多选")] = [],  # noqa: B006 - FastAPI copies it
    unit_id: Annotated[UUID | None, Query(description="编制或接收单位")] = None,
    source_plan_id: Annotated[UUID | None, Query(description="由此计划下发的各单位计划")] = None,
    box: Annotated[PlanBox | None, Query(description="own 自行编制，received 上级下发")] = None,
    q: Annotated[Search | None, Query(description="标题")] = None,
) -> Page[PlanRow]:
    """数据范围内的计划，以及已发布、任务中列有本单位的计划。"""
    return await queries.list_plans(
        session,
        caller=caller,
        params=paging,
        sort=sort,
        year=year,
        states=state,
        unit_id=unit_id,
        source_plan_id=source_plan_id,
        box=box,
        q=q,
    )


@router.post("", summary="新建计划", status_code=201)
async def create(caller: MayManage, body: PlanCreate, session: Writes, response: Response) -> PlanOut:
    """为本单位新建计划草稿，随后编制任务并发布。"""
    plan = await service.create_plan(session, caller=caller, new=body)
    return await _answer(session, caller, plan.id, response)


@router.get("/{plan_id}", summary="查看计划", responses=problems(NotFound))
async def read(caller: MayRead, plan_id: UUID, session: Reads, response: Response) -> PlanOut:
    """计划概况、完成情况与可用操作。"""
    detail = await queries.read_plan(session, caller=caller, plan_id=plan_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/{plan_id}",
    summary="修改计划",
    responses=problems(NotFound, IllegalTransition, StaleVersion, VersionRequired),
)
async def update(
    caller: MayManage, plan_id: UUID, body: PlanPatch, version: IfMatch, session: Writes, response: Response
) -> PlanOut:
    """修改标题、说明与亮灯天数。"""
    await service.update_plan(session, caller=caller, plan_id=plan_id, version=version, changes=body)
    return await _answer(session, caller, plan_id, response)


@router.delete(
    "/{plan_id}",
    summary="删除计划",
    status_code=204,
    responses=problems(NotFound, IllegalTransition, StaleVersion, VersionRequired),
)
async def delete(caller: MayManage, plan_id: UUID, version: IfMatch, session: Writes) -> None:
    """仅从未发布过的自编计划可以删除。"""
    await service.delete_plan(session, caller=caller, plan_id=plan_id, version=version)


@router.get("/{plan_id}/tree", summary="查看任务树", responses=problems(NotFound))
async def tree(caller: MayRead, plan_id: UUID, session: Reads) -> PlanTree:
    """全部任务，按序号排列，带完成百分比与红黄绿灯。"""
    return await queries.read_tree(session, caller=caller, plan_id=plan_id)


@router.post("/{plan_id}/revise", summary="修订计划", responses=_MOVED)
async def revise(caller: MayManage, plan_id: UUID, body: Transition, session: Writes, response: Response) -> PlanOut:
    """已发布 → 修订中；接收单位在再次发布前看到的仍是上一版。"""
    return await _step(session, caller, plan_id, PlanAction.REVISE, body, response)


@router.post("/{plan_id}/close", summary="办结计划", responses=_MOVED)
async def close(caller: MayManage, plan_id: UUID, body: Transition, session: Writes, response: Response) -> PlanOut:
    """已发布 → 已办结；之后不再汇报。"""
    return await _step(session, caller, plan_id, PlanAction.CLOSE, body, response)


async def _step(
    session: WriteSession,
    caller: Principal,
    plan_id: UUID,
    action: PlanAction,
    judged: Transition,
    response: Response,
) -> PlanOut:
    await service.change_state(session, caller=caller, plan_id=plan_id, action=action, judged=judged)
    return await _answer(session, caller, plan_id, response)


async def _answer(session: WriteSession, caller: Principal, plan_id: UUID, response: Response) -> PlanOut:
    await session.flush()  # the answer is read from the database
    detail = await queries.read_plan(session, caller=caller, plan_id=plan_id)
    etag(response, detail.version)
    return detail
