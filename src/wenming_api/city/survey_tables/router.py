"""问卷结果表 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.survey_tables import queries
from wenming_api.city.survey_tables.rules import TablesBy
from wenming_api.city.survey_tables.schemas import SurveyTables
from wenming_api.kit.http import Reads, Router
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems
from wenming_api.kit.workbooks import MEDIA_TYPE

router = Router(
    prefix="/assessments/{assessment_id}/questionnaires/{questionnaire_id}/tables",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayRead = Annotated[Principal, Depends(may(Permission.QUESTIONNAIRES_READ, Permission.QUESTIONNAIRES_MANAGE))]
By = Annotated[TablesBy, Query(description="分组方式：none 不分组；county 按区县；stratum 按样本层")]


@router.get("", summary="查看问卷结果表", responses=problems(NotFound))
async def read(
    caller: MayRead, assessment_id: UUID, questionnaire_id: UUID, session: Reads, by: By = TablesBy.NONE
) -> SurveyTables:
    """各题的人数、占比与平均值；不足 5 人的分组及可推知它们的数据不显示。"""
    return await queries.read_tables(
        session, scope=caller.scope, assessment_id=assessment_id, questionnaire_id=questionnaire_id, by=by
    )


@router.get(
    "/workbook",
    summary="导出问卷结果表",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(NotFound),
    },
)
async def export(
    caller: MayRead, assessment_id: UUID, questionnaire_id: UUID, session: Reads, by: By = TablesBy.NONE
) -> Response:
    """与结果表相同的内容，一个 XLSX 文件。"""
    data = await queries.export_tables(
        session, scope=caller.scope, assessment_id=assessment_id, questionnaire_id=questionnaire_id, by=by
    )
    return Response(
        data,
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="survey-tables-{questionnaire_id}.xlsx"'},
    )
