"""问卷得分 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.survey_scores import queries, service
from wenming_api.city.survey_scores.schemas import ComputeIn, ComputeOut, SurveyScoreOut, SurveyScoreSort
from wenming_api.kit.fields import Code
from wenming_api.kit.http import Paging, Reads, Router, Writes
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems

router = Router(
    prefix="/assessments/{assessment_id}/survey-scores",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayRead = Annotated[Principal, Depends(may(Permission.QUESTIONNAIRES_READ, Permission.QUESTIONNAIRES_MANAGE))]
MayManage = Annotated[Principal, Depends(may(Permission.QUESTIONNAIRES_MANAGE))]


@router.get("", summary="查询问卷得分")
async def list_(
    caller: MayRead,
    assessment_id: UUID,
    session: Reads,
    paging: Paging,
    sort: SurveyScoreSort = SurveyScoreSort.REGION,
    method_code: Annotated[Code | None, Query(description="测评方法代码")] = None,
    region_id: UUID | None = None,
    standard_id: UUID | None = None,
) -> Page[SurveyScoreOut]:
    """最近一次计算的各区域、各标准得分；各区域总分见“问卷与材料得分”。作答少于 5 人的不显示。"""
    return await queries.list_scores(
        session,
        scope=caller.scope,
        params=paging,
        assessment_id=assessment_id,
        sort=sort,
        method_code=method_code,
        region_id=region_id,
        standard_id=standard_id,
    )


@router.post("/compute", summary="计算问卷得分", responses=problems(NotFound, EntryFrozen))
async def compute(caller: MayManage, assessment_id: UUID, body: ComputeIn, session: Writes) -> ComputeOut:
    """按已收答卷精确计算，写入各区域的方法得分，供成绩汇总使用；可重复计算，测评结束后不再变动。"""
    return await service.compute_scores(
        session, caller=caller, assessment_id=assessment_id, method_code=body.method_code
    )
