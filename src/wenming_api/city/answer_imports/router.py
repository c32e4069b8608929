"""答卷导入 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, Query, Response, UploadFile

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.answer_imports import service
from wenming_api.city.answers.service import QuestionnaireNotOpen
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.kit.http import Reads, Router, Writes
from wenming_api.kit.imports import ImportReport
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems
from wenming_api.kit.workbooks import MEDIA_TYPE, WorkbookProblem, WorkbookTooLarge

router = Router(
    prefix="/assessments/{assessment_id}/questionnaires/{questionnaire_id}/answer-imports",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayManage = Annotated[Principal, Depends(may(Permission.QUESTIONNAIRES_MANAGE))]
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "/template",
    summary="下载答卷导入模板",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: _BINARY}}, **problems(NotFound)},
)
async def template(caller: MayManage, assessment_id: UUID, questionnaire_id: UUID, session: Reads) -> Response:
    """空白 XLSX 模板，每题一列，含选项与填写说明。"""
    data = await service.write_answer_template(
        session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id
    )
    return Response(
        data,
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="survey-answers-template.xlsx"'},
    )


@router.post(
    "",
    summary="导入答卷",
    response_model=ImportReport,
    responses={
        200: {"content": {MEDIA_TYPE: _BINARY}},
        **problems(NotFound, EntryFrozen, QuestionnaireNotOpen, WorkbookProblem, WorkbookTooLarge),
    },
)
async def import_(
    caller: MayManage,
    assessment_id: UUID,
    questionnaire_id: UUID,
    session: Writes,
    file: Annotated[UploadFile, File(description="XLSX 或 CSV：编号、层代码，以及每题一列")],
    dry_run: Annotated[bool, Query(description="只校验，不保存")] = False,
    partial: Annotated[bool, Query(description="有误的行跳过，其余保存；否则有误则全部不保存")] = False,
    workbook: Annotated[bool, Query(description="有误时返回标出错误的工作簿，而不是 JSON")] = False,
) -> Response | ImportReport:
    """纸质问卷录成表格后导入；按编号识别，重复导入不会重复计数；配额满后的行算作有误。"""
    report, marked = await service.import_answers(
        session,
        caller=caller,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        data=await file.read(),
        dry_run=dry_run,
        partial=partial,
    )
    if workbook and marked is not None:
        return Response(marked, media_type=MEDIA_TYPE)
    return report
