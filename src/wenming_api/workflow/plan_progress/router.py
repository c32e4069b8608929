"""计划进展 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Paging, Reads, Router, Writes
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, IllegalTransition, NotFound, Unauthenticated, problems
from wenming_api.workflow.plan_progress import queries, service
from wenming_api.workflow.plan_progress.schemas import PlanComparison, PlanReportCreate, PlanReportOut, PlanReportSort

router = Router(prefix="/plans/{plan_id}", tags=["流程"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.PLANS_READ))]
MayReport = Annotated[Principal, Depends(may(Permission.PLANS_REPORT))]


@router.get("/comparison", summary="计划与实际比较", responses=problems(NotFound))
async def comparison(caller: MayRead, plan_id: UUID, session: Reads) -> PlanComparison:
    """逐项任务的时限、完成日期与逾期天数，以及各接收单位的完成情况。"""
    return await queries.compare(session, caller=caller, plan_id=plan_id)


@router.get("/tasks/{task_id}/reports", summary="查询汇报", responses=problems(NotFound))
async def list_(
    caller: MayRead,
    plan_id: UUID,
    task_id: UUID,
    session: Reads,
    paging: Paging,
    sort: PlanReportSort = PlanReportSort.NEWEST,
) -> Page[PlanReportOut]:
    """本计划单位及各接收单位对此任务的汇报。"""
    return await queries.list_reports(
        session, caller=caller, plan_id=plan_id, task_id=task_id, params=paging, sort=sort
    )


@router.post(
    "/tasks/{task_id}/reports",
    summary="汇报进展",
    status_code=201,
    responses=problems(NotFound, IllegalTransition, service.ReportedElsewhere),
)
async def report(
    caller: MayReport, plan_id: UUID, task_id: UUID, body: PlanReportCreate, session: Writes
) -> PlanReportOut:
    """汇报后逐级汇总到上级任务与下发单位的计划；100 表示完成。"""
    report_id = await service.report(session, caller=caller, plan_id=plan_id, task_id=task_id, new=body)
    return await queries.read_report(session, report_id=report_id)
