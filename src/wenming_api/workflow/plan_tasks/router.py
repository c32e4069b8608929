"""计划任务 over HTTP. Every change answers the whole tree: numbers and lights of other tasks follow."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import IfMatch, Router, Writes
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionRequired,
    problems,
)
from wenming_api.workflow.plan_tasks import service
from wenming_api.workflow.plan_tasks.schemas import PlanTaskCreate, PlanTaskMove, PlanTaskPatch
from wenming_api.workflow.plans.queries import read_tree
from wenming_api.workflow.plans.schemas import PlanTree

router = Router(prefix="/plans/{plan_id}/tasks", tags=["流程"], raises=(Unauthenticated, Forbidden))

MayManage = Annotated[Principal, Depends(may(Permission.PLANS_MANAGE))]
_EDIT = problems(NotFound, IllegalTransition, StaleVersion, VersionRequired, service.ReceivedTask, service.PlanTooLarge)


@router.post(
    "",
    summary="新增任务",
    status_code=201,
    responses=problems(NotFound, IllegalTransition, service.PlanTooLarge),
)
async def add(caller: MayManage, plan_id: UUID, body: PlanTaskCreate, session: Writes) -> PlanTree:
    """加在同级末尾；上级下发的任务可在其下分解。"""
    await service.add_task(session, caller=caller, plan_id=plan_id, new=body)
    return await read_tree(session, caller=caller, plan_id=plan_id)


@router.patch("/{task_id}", summary="修改任务", responses=_EDIT)
async def update(
    caller: MayManage, plan_id: UUID, task_id: UUID, body: PlanTaskPatch, version: IfMatch, session: Writes
) -> PlanTree:
    """给出的字段整体替换；If-Match 为该任务的版本。"""
    await service.update_task(session, caller=caller, plan_id=plan_id, task_id=task_id, version=version, changes=body)
    return await read_tree(session, caller=caller, plan_id=plan_id)


@router.put("/{task_id}/place", summary="移动任务", responses=_EDIT)
async def move(
    caller: MayManage, plan_id: UUID, task_id: UUID, body: PlanTaskMove, version: IfMatch, session: Writes
) -> PlanTree:
    """移到另一任务之下，或调整同级次序。"""
    await service.move_task(session, caller=caller, plan_id=plan_id, task_id=task_id, version=version, to=body)
    return await read_tree(session, caller=caller, plan_id=plan_id)


@router.delete("/{task_id}", summary="删除任务", responses=_EDIT)
async def remove(caller: MayManage, plan_id: UUID, task_id: UUID, version: IfMatch, session: Writes) -> PlanTree:
    """连同下级任务一并删除；已下发或已有汇报的任务只作取消标记，留有痕迹。"""
    await service.remove_task(session, caller=caller, plan_id=plan_id, task_id=task_id, version=version)
    return await read_tree(session, caller=caller, plan_id=plan_id)
