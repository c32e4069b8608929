"""问卷与材料得分 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, Query, Response, UploadFile

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.surveys import queries, service
from wenming_api.city.surveys.schemas import (
    MethodScoreCreate,
    MethodScoreDetail,
    MethodScoreOut,
    MethodScoreSort,
    MethodScoreUpdate,
)
from wenming_api.city.surveys.service import ScoreComputed
from wenming_api.kit.fields import Code
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.imports import ImportReport
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Conflict,
    Forbidden,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionRequired,
    problems,
)
from wenming_api.kit.workbooks import MEDIA_TYPE, WorkbookProblem, WorkbookTooLarge, write_template

router = Router(
    prefix="/assessments/{assessment_id}/method-scores",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayReadScores = Annotated[Principal, Depends(may(Permission.METHOD_SCORES_READ, Permission.METHOD_SCORES_MANAGE))]
MayManageScores = Annotated[Principal, Depends(may(Permission.METHOD_SCORES_MANAGE))]
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.get("", summary="查询问卷与材料得分")
async def list_(
    caller: MayReadScores,
    assessment_id: UUID,
    session: Reads,
    paging: Paging,
    sort: MethodScoreSort = MethodScoreSort.REGION,
    method_code: Annotated[Code | None, Query(description="测评方法代码")] = None,
    region_id: UUID | None = None,
    unit_id: UUID | None = None,
) -> Page[MethodScoreOut]:
    """问卷调查、材料审核等方法按区域或单位的得分。"""
    return await queries.list_method_scores(
        session,
        scope=caller.scope,
        params=paging,
        assessment_id=assessment_id,
        sort=sort,
        method_code=method_code,
        region_id=region_id,
        unit_id=unit_id,
    )


@router.post("", summary="录入得分", status_code=201, responses=problems(NotFound, Conflict, EntryFrozen))
async def create(
    caller: MayManageScores, assessment_id: UUID, body: MethodScoreCreate, session: Writes, response: Response
) -> MethodScoreDetail:
    """测评进行中、暂停或复核时可录入；同一方法、同一对象只有一个得分。"""
    made = await service.create_method_score(session, caller=caller, assessment_id=assessment_id, new=body)
    etag(response, made.version)
    return await queries.read_method_score(session, caller=caller, assessment_id=assessment_id, score_id=made.id)


@router.get(
    "/template",
    summary="下载得分导入模板",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: _BINARY}}},
)
async def template(caller: MayManageScores, assessment_id: UUID) -> Response:
    """空白 XLSX 模板，含填写说明。"""
    return Response(
        write_template([service.TABLE]),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="method-score-template.xlsx"'},
    )


@router.post(
    "/imports",
    summary="导入得分",
    response_model=ImportReport,
    responses={
        200: {"content": {MEDIA_TYPE: _BINARY}},
        **problems(NotFound, EntryFrozen, WorkbookProblem, WorkbookTooLarge),
    },
)
async def import_(
    caller: MayManageScores,
    assessment_id: UUID,
    session: Writes,
    file: Annotated[UploadFile, File(description="XLSX 或 CSV：测评方法、区划代码或单位、得分、满分、备注")],
    dry_run: Annotated[bool, Query(description="只校验，不保存")] = False,
    partial: Annotated[bool, Query(description="有误的行跳过，其余保存；否则有误则全部不保存")] = False,
    workbook: Annotated[bool, Query(description="有误时返回标出错误的工作簿，而不是 JSON")] = False,
) -> Response | ImportReport:
    """已有的得分以文件为准更新。"""
    report, marked = await service.import_method_scores(
        session, caller=caller, assessment_id=assessment_id, data=await file.read(), dry_run=dry_run, partial=partial
    )
    if workbook and marked is not None:
        return Response(marked, media_type=MEDIA_TYPE)
    return report


@router.get("/{score_id}", summary="查看得分", responses=problems(NotFound))
async def read(
    caller: MayReadScores, assessment_id: UUID, score_id: UUID, session: Reads, response: Response
) -> MethodScoreDetail:
    """得分与可用操作。"""
    detail = await queries.read_method_score(session, caller=caller, assessment_id=assessment_id, score_id=score_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/{score_id}",
    summary="修改得分",
    responses=problems(NotFound, EntryFrozen, ScoreComputed, StaleVersion, VersionRequired),
)
async def update(
    caller: MayManageScores,
    assessment_id: UUID,
    score_id: UUID,
    body: MethodScoreUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> MethodScoreDetail:
    """只修改给出的字段。"""
    row = await service.update_method_score(
        session, caller=caller, assessment_id=assessment_id, score_id=score_id, version=version, changes=body
    )
    await session.flush()  # the answer carries the new version
    etag(response, row.version)
    return await queries.read_method_score(session, caller=caller, assessment_id=assessment_id, score_id=score_id)


@router.delete(
    "/{score_id}",
    summary="删除得分",
    status_code=204,
    responses=problems(NotFound, EntryFrozen, ScoreComputed, StaleVersion, VersionRequired),
)
async def delete(
    caller: MayManageScores, assessment_id: UUID, score_id: UUID, version: IfMatch, session: Writes
) -> None:
    """撤回录入的得分。"""
    await service.delete_method_score(
        session, caller=caller, assessment_id=assessment_id, score_id=score_id, version=version
    )
