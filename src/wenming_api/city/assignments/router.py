"""测评任务分配 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assignments import service
from wenming_api.city.assignments.schemas import AssignIn, AssignmentResult, DistributeIn
from wenming_api.city.assignments.service import AssignmentClosed
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

router = Router(
    prefix="/assessments/{assessment_id}/sheets",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayAssign = Annotated[Principal, Depends(may(Permission.SHEETS_ASSIGN))]


@router.post("", summary="分配测评任务", status_code=201, responses=problems(NotFound, AssignmentClosed))
async def assign(caller: MayAssign, assessment_id: UUID, body: AssignIn, session: Writes) -> AssignmentResult:
    """为指定的点位和测评人员建立测评表；已有的保持不变。任何人不得测评本单位及其下属单位的点位。"""
    return await service.assign_sheets(session, caller=caller, assessment_id=assessment_id, wanted=body)


@router.post("/distribute", summary="平均分配测评任务", responses=problems(NotFound, AssignmentClosed))
async def distribute(caller: MayAssign, assessment_id: UUID, body: DistributeIn, session: Writes) -> AssignmentResult:
    """把抽中的点位平均分给测评人员，避开本单位，兼顾同一区域；可先试算。"""
    return await service.distribute_sheets(session, caller=caller, assessment_id=assessment_id, wanted=body)


@router.delete(
    "/{sheet_id}",
    summary="撤销测评任务",
    status_code=204,
    responses=problems(NotFound, IllegalTransition, StaleVersion, VersionRequired),
)
async def unassign(caller: MayAssign, assessment_id: UUID, sheet_id: UUID, version: IfMatch, session: Writes) -> None:
    """仅限尚未提交过的测评表；草稿一并删除。"""
    await service.unassign_sheet(
        session, caller=caller, assessment_id=assessment_id, sheet_id=sheet_id, version=version
    )
