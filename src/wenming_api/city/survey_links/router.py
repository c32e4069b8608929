"""答题链接 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.survey_links import queries, service
from wenming_api.city.survey_links.schemas import (
    BatchDetail,
    BatchRow,
    BatchSort,
    LinkFormat,
    LinkRevocation,
    SurveyLinksIn,
)
from wenming_api.city.survey_links.service import QuestionnaireNotPublished
from wenming_api.kit.http import Paging, Reads, Router, Writes, etag, no_replay
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, VersionMoved, problems
from wenming_api.kit.workbooks import MEDIA_TYPE

router = Router(
    prefix="/assessments/{assessment_id}/questionnaires/{questionnaire_id}/link-batches",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayManage = Annotated[Principal, Depends(may(Permission.QUESTIONNAIRES_MANAGE))]
_FILES = {LinkFormat.XLSX: MEDIA_TYPE, LinkFormat.CSV: "text/csv"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.get("", summary="查询链接批次")
async def list_(
    caller: MayManage,
    assessment_id: UUID,
    questionnaire_id: UUID,
    session: Reads,
    paging: Paging,
    sort: BatchSort = BatchSort.NEWEST,
) -> Page[BatchRow]:
    """各批链接的数量与使用情况。"""
    return await queries.list_batches(
        session,
        scope=caller.scope,
        params=paging,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        sort=sort,
    )


@router.post(
    "",
    summary="生成答题链接",
    status_code=201,
    response_class=Response,
    responses={
        201: {"content": dict.fromkeys(_FILES.values(), _BINARY)},
        **problems(NotFound, QuestionnaireNotPublished),
    },
)
@no_replay
async def create(
    caller: MayManage, assessment_id: UUID, questionnaire_id: UUID, body: SurveyLinksIn, session: Writes
) -> Response:
    """答案即链接清单，只给出这一次；系统只保存令牌的摘要。Location 指向该批次。"""
    batch_id, data = await service.make_links(
        session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id, new=body
    )
    batches = f"/api/v1/assessments/{assessment_id}/questionnaires/{questionnaire_id}/link-batches"
    return Response(
        data,
        status_code=201,
        media_type=_FILES[body.format],
        headers={
            "Content-Disposition": f'attachment; filename="survey-links.{body.format.value}"',
            "Location": f"{batches}/{batch_id}",
        },
    )


@router.get("/{batch_id}", summary="查看链接批次", responses=problems(NotFound))
async def read(
    caller: MayManage,
    assessment_id: UUID,
    questionnaire_id: UUID,
    batch_id: UUID,
    session: Reads,
    response: Response,
) -> BatchDetail:
    """使用情况与可用操作。"""
    detail = await queries.read_batch(
        session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id, batch_id=batch_id
    )
    etag(response, detail.version)
    return detail


@router.post("/{batch_id}/revoke", summary="作废答题链接", responses=problems(NotFound, VersionMoved))
async def revoke(
    caller: MayManage,
    assessment_id: UUID,
    questionnaire_id: UUID,
    batch_id: UUID,
    body: LinkRevocation,
    session: Writes,
    response: Response,
) -> BatchDetail:
    """作废整批或其中若干未使用的链接；已使用的不受影响。"""
    await service.revoke_links(
        session,
        caller=caller,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        batch_id=batch_id,
        step=body,
    )
    detail = await queries.read_batch(
        session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id, batch_id=batch_id
    )
    etag(response, detail.version)
    return detail
