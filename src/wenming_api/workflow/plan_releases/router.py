"""计划发布与修订 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Reads, Router, Writes, etag
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    Unauthenticated,
    VersionMoved,
    problems,
)
from wenming_api.workflow.plan_releases import queries, service
from wenming_api.workflow.plan_releases.schemas import PlanPublish, PlanRevisionDetail, PlanRevisionOut
from wenming_api.workflow.plans.queries import read_plan
from wenming_api.workflow.plans.schemas import PlanOut

router = Router(prefix="/plans/{plan_id}", tags=["流程"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.PLANS_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.PLANS_MANAGE))]


@router.post(
    "/publish", summary="发布计划", responses=problems(NotFound, IllegalTransition, VersionMoved, service.PlanEmpty)
)
async def publish(caller: MayManage, plan_id: UUID, body: PlanPublish, session: Writes, response: Response) -> PlanOut:
    """下发到各接收单位：列名的单位只收到与其有关的任务，未列单位的任务人人有份；修订后再发布会更新各单位的计划。"""
    await service.publish_plan(session, caller=caller, plan_id=plan_id, judged=body)
    await session.flush()  # the answer is read from the database
    detail = await read_plan(session, caller=caller, plan_id=plan_id)
    etag(response, detail.version)
    return detail


@router.get("/revisions", summary="查询版次", responses=problems(NotFound))
async def list_(caller: MayRead, plan_id: UUID, session: Reads) -> list[PlanRevisionOut]:
    """历次发布与修订，最近的在前。"""
    return await queries.list_revisions(session, caller=caller, plan_id=plan_id)


@router.get("/revisions/{no}", summary="查看版次", responses=problems(NotFound))
async def read(
    caller: MayRead, plan_id: UUID, no: Annotated[int, Path(ge=1, le=100_000)], session: Reads
) -> PlanRevisionDetail:
    """该版次的任务全文，以及较上一版次的变化。"""
    return await queries.read_revision(session, caller=caller, plan_id=plan_id, no=no)
