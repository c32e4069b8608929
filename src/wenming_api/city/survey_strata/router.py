"""问卷样本层 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.questionnaires.service import QuestionnaireFixed
from wenming_api.city.survey_strata import queries, service
from wenming_api.city.survey_strata.schemas import (
    QuotaChange,
    StrataIn,
    StrataOut,
    StratumDetail,
    StratumOut,
    StratumSort,
)
from wenming_api.city.survey_strata.service import QuotaBelowTaken
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)

router = Router(
    prefix="/assessments/{assessment_id}/questionnaires/{questionnaire_id}/strata",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayRead = Annotated[
    Principal,
    Depends(may(Permission.QUESTIONNAIRES_READ, Permission.QUESTIONNAIRES_MANAGE, Permission.QUESTIONNAIRES_ANSWER)),
]
MayManage = Annotated[Principal, Depends(may(Permission.QUESTIONNAIRES_MANAGE))]


@router.get("", summary="查询样本层与配额进度")
async def list_(
    caller: MayRead,
    assessment_id: UUID,
    questionnaire_id: UUID,
    session: Reads,
    paging: Paging,
    sort: StratumSort = StratumSort.POSITION,
    open_only: Annotated[bool, Query(description="只列出配额未满的层")] = False,
) -> Page[StratumOut]:
    """各层的配额与此刻已收的有效答卷数。"""
    return await queries.list_strata(
        session,
        scope=caller.scope,
        params=paging,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        sort=sort,
        open_only=open_only,
    )


@router.put(
    "",
    summary="设置样本层与配额",
    responses=problems(NotFound, EntryFrozen, QuestionnaireFixed, StaleVersion, VersionRequired),
)
async def replace(
    caller: MayManage,
    assessment_id: UUID,
    questionnaire_id: UUID,
    body: StrataIn,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> StrataOut:
    """整体替换草稿的样本层；If-Match 为问卷的版本。"""
    made = await service.replace_strata(
        session,
        caller=caller,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        version=version,
        strata=body.strata,
    )
    etag(response, made.version)
    return made


@router.get("/{stratum_id}", summary="查看样本层", responses=problems(NotFound))
async def read(
    caller: MayRead,
    assessment_id: UUID,
    questionnaire_id: UUID,
    stratum_id: UUID,
    session: Reads,
    response: Response,
) -> StratumDetail:
    """配额、进度与可用操作。"""
    detail = await queries.read_stratum(
        session,
        caller=caller,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        stratum_id=stratum_id,
    )
    etag(response, detail.version)
    return detail


@router.post(
    "/{stratum_id}/requota",
    summary="变更样本层配额",
    responses=problems(NotFound, EntryFrozen, QuotaBelowTaken, VersionMoved),
)
async def requota(
    caller: MayManage,
    assessment_id: UUID,
    questionnaire_id: UUID,
    stratum_id: UUID,
    body: QuotaChange,
    session: Writes,
    response: Response,
) -> StratumDetail:
    """问卷结束前可变更，不得低于已收答卷数，须说明原因。"""
    changed = await service.change_quota(
        session,
        caller=caller,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        stratum_id=stratum_id,
        change=body,
    )
    etag(response, changed.version)
    return await queries.read_stratum(
        session,
        caller=caller,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        stratum_id=stratum_id,
    )
