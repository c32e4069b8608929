"""问卷答卷 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.answers import queries, service
from wenming_api.city.answers.rules import AnswerOutcome, AnswerSource
from wenming_api.city.answers.schemas import AnswerOut, AnswerRow, AnswersIn, AnswerSort, AnswersOut
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.kit.http import Paging, Reads, Router, Writes
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems

router = Router(
    prefix="/assessments/{assessment_id}/questionnaires/{questionnaire_id}/answers",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MayRead = Annotated[
    Principal,
    Depends(may(Permission.QUESTIONNAIRES_READ, Permission.QUESTIONNAIRES_MANAGE, Permission.QUESTIONNAIRES_ANSWER)),
]
MayAnswer = Annotated[Principal, Depends(may(Permission.QUESTIONNAIRES_ANSWER))]


@router.get("", summary="查询答卷")
async def list_(
    caller: MayRead,
    assessment_id: UUID,
    questionnaire_id: UUID,
    session: Reads,
    paging: Paging,
    sort: AnswerSort = AnswerSort.NEWEST,
    stratum_id: Annotated[UUID | None, Query(description="样本层")] = None,
    source: Annotated[AnswerSource | None, Query(description="来源")] = None,
    outcome: Annotated[AnswerOutcome | None, Query(description="是否计入样本")] = None,
) -> Page[AnswerRow]:
    """收到的答卷，不含作答内容；测评员只见本人录入的。"""
    return await queries.list_answers(
        session,
        scope=caller.scope,
        params=paging,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        sort=sort,
        stratum_id=stratum_id,
        source=source,
        outcome=outcome,
    )


@router.post("", summary="批量录入答卷", responses=problems(NotFound, EntryFrozen))
async def enter(
    caller: MayAnswer, assessment_id: UUID, questionnaire_id: UUID, body: AnswersIn, session: Writes
) -> AnswersOut:
    """测评员入户或街头访问所得，可离线积攒后一并发送；每份各自处理，重复发送只记一次，配额满后不再接收。"""
    return await service.enter_answers(
        session,
        caller=caller,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        items=body.items,
    )


@router.get("/{answer_id}", summary="查看答卷", responses=problems(NotFound))
async def read(
    caller: MayRead, assessment_id: UUID, questionnaire_id: UUID, answer_id: UUID, session: Reads
) -> AnswerOut:
    """作答内容，只有录入者本人与问卷编制人员可以查看。"""
    return await queries.read_answer(
        session,
        caller=caller,
        assessment_id=assessment_id,
        questionnaire_id=questionnaire_id,
        answer_id=answer_id,
    )
