"""问卷 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.questionnaires import queries, service
from wenming_api.city.questionnaires.rules import QuestionnaireState
from wenming_api.city.questionnaires.schemas import (
    QuestionnaireClose,
    QuestionnaireCreate,
    QuestionnaireOut,
    QuestionnaireRow,
    QuestionnaireSort,
    QuestionnaireUpdate,
    QuestionsIn,
    Reschedule,
)
from wenming_api.city.questionnaires.service import (
    QuestionnaireCodeTaken,
    QuestionnaireFixed,
    QuestionnaireIncomplete,
)
from wenming_api.kit.fields import Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)

router = Router(
    prefix="/assessments/{assessment_id}/questionnaires",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayRead = Annotated[
    Principal,
    Depends(may(Permission.QUESTIONNAIRES_READ, Permission.QUESTIONNAIRES_MANAGE, Permission.QUESTIONNAIRES_ANSWER)),
]
MayManage = Annotated[Principal, Depends(may(Permission.QUESTIONNAIRES_MANAGE))]
MayPublish = Annotated[Principal, Depends(may(Permission.QUESTIONNAIRES_PUBLISH))]
_EDITS = problems(NotFound, EntryFrozen, QuestionnaireFixed, StaleVersion, VersionRequired)
_STEPS = problems(NotFound, EntryFrozen, IllegalTransition, VersionMoved)


@router.get("", summary="查询问卷")
async def list_(
    caller: MayRead,
    assessment_id: UUID,
    session: Reads,
    paging: Paging,
    sort: QuestionnaireSort = QuestionnaireSort.NEWEST,
    state: Annotated[list[QuestionnaireState], Query(max_length=3, description="状态，可多选")] = [],  # noqa: B006
) -> Page[QuestionnaireRow]:
    """测评的各份问卷及其各版本，含配额与已收答卷数。"""
    return await queries.list_questionnaires(
        session, scope=caller.scope, params=paging, assessment_id=assessment_id, sort=sort, states=state
    )


@router.post("", summary="新建问卷", status_code=201, responses=problems(NotFound, EntryFrozen, QuestionnaireCodeTaken))
async def create(
    caller: MayManage, assessment_id: UUID, body: QuestionnaireCreate, session: Writes, response: Response
) -> QuestionnaireOut:
    """建立第一版的草稿，再设置题目、样本层与配额。"""
    made = await service.create_questionnaire(session, caller=caller, assessment_id=assessment_id, new=body)
    return await _detail(caller, assessment_id, made.id, session, response)


@router.get("/{questionnaire_id}", summary="查看问卷", responses=problems(NotFound))
async def read(
    caller: MayRead, assessment_id: UUID, questionnaire_id: UUID, session: Reads, response: Response
) -> QuestionnaireOut:
    """题目与可用操作。"""
    return await _detail(caller, assessment_id, questionnaire_id, session, response)


@router.patch("/{questionnaire_id}", summary="修改问卷", responses=_EDITS)
async def update(
    caller: MayManage,
    assessment_id: UUID,
    questionnaire_id: UUID,
    body: QuestionnaireUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> QuestionnaireOut:
    """只能修改草稿；只修改给出的字段。"""
    await service.update_questionnaire(
        session,
        caller=caller,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        version=version,
        changes=body,
    )
    return await _detail(caller, assessment_id, questionnaire_id, session, response)


@router.put("/{questionnaire_id}/questions", summary="设置题目", responses=_EDITS)
async def replace_questions(
    caller: MayManage,
    assessment_id: UUID,
    questionnaire_id: UUID,
    body: QuestionsIn,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> QuestionnaireOut:
    """整体替换草稿的题目；有误则全部不保存，并一次列出所有错误。"""
    await service.replace_questions(
        session,
        caller=caller,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        version=version,
        questions=body.questions,
    )
    return await _detail(caller, assessment_id, questionnaire_id, session, response)


@router.delete("/{questionnaire_id}", summary="删除问卷草稿", status_code=204, responses=_EDITS)
async def delete(
    caller: MayManage, assessment_id: UUID, questionnaire_id: UUID, version: IfMatch, session: Writes
) -> None:
    """只能删除草稿，连同其题目与样本层。"""
    await service.delete_questionnaire(
        session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id, version=version
    )


@router.post(
    "/{questionnaire_id}/publish",
    summary="发布问卷",
    responses=problems(
        NotFound, EntryFrozen, IllegalTransition, VersionMoved, QuestionnaireIncomplete, QuestionnaireCodeTaken
    ),
)
async def publish(
    caller: MayPublish,
    assessment_id: UUID,
    questionnaire_id: UUID,
    body: Transition,
    session: Writes,
    response: Response,
) -> QuestionnaireOut:
    """发布后内容固定，在开放时间内接收答卷；同一问卷同时只有一个版本在进行。"""
    await service.publish_questionnaire(
        session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id, step=body
    )
    return await _detail(caller, assessment_id, questionnaire_id, session, response)


@router.post("/{questionnaire_id}/close", summary="结束问卷", responses=_STEPS)
async def close(
    caller: MayPublish,
    assessment_id: UUID,
    questionnaire_id: UUID,
    body: QuestionnaireClose,
    session: Writes,
    response: Response,
) -> QuestionnaireOut:
    """不再接收答卷，并清除防重复用的设备与网络地址特征。"""
    await service.close_questionnaire(
        session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id, step=body
    )
    return await _detail(caller, assessment_id, questionnaire_id, session, response)


@router.post("/{questionnaire_id}/reschedule", summary="变更问卷时间", responses=_STEPS)
async def reschedule(
    caller: MayPublish,
    assessment_id: UUID,
    questionnaire_id: UUID,
    body: Reschedule,
    session: Writes,
    response: Response,
) -> QuestionnaireOut:
    """变更已发布问卷的开放与截止时间，须说明原因。"""
    await service.reschedule_questionnaire(
        session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id, step=body
    )
    return await _detail(caller, assessment_id, questionnaire_id, session, response)


@router.post(
    "/{questionnaire_id}/revise",
    summary="修订问卷",
    status_code=201,
    responses=problems(NotFound, EntryFrozen, IllegalTransition),
)
async def revise(
    caller: MayManage, assessment_id: UUID, questionnaire_id: UUID, session: Writes, response: Response
) -> QuestionnaireOut:
    """以此版本为底本建立下一版的草稿，题目、样本层与配额相同。"""
    made = await service.revise_questionnaire(
        session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id
    )
    return await _detail(caller, assessment_id, made.id, session, response)


async def _detail(
    caller: Principal, assessment_id: UUID, questionnaire_id: UUID, session: Reads | Writes, response: Response
) -> QuestionnaireOut:
    detail = await queries.read_questionnaire(
        session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id
    )
    etag(response, detail.version)
    return detail
