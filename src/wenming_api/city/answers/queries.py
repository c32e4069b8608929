"""Reads of answers: who entered one sees it; others by the region of its stratum."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.answers.models import Answer, AnswerLine
from wenming_api.city.answers.rules import AnswerOutcome, AnswerSource
from wenming_api.city.answers.schemas import AnswerLineOut, AnswerOut, AnswerRow, AnswerSort
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.questionnaires.models import Questionnaire, QuestionRow, SurveyStratum
from wenming_api.city.questionnaires.queries import seen
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import Forbidden, NotFound


class _ByPlace:
    """Grants by the stratum's region, and to the assessor himself."""

    region_path = SurveyStratum.region_path
    owner_id = Answer.owner_id


_ROW: list[Any] = [
    SurveyStratum.name.label(name) if name == "stratum_name" else getattr(Answer, name)
    for name in AnswerRow.model_fields
]


def _rows(scope: Scope, assessment_id: UUID, questionnaire_id: UUID) -> Select[Any]:
    return (
        select(*_ROW)
        .join(SurveyStratum, SurveyStratum.id == Answer.stratum_id)
        .join(Questionnaire, Questionnaire.id == Answer.questionnaire_id)
        .join(Assessment, Assessment.id == Questionnaire.assessment_id)
        .where(
            Questionnaire.id == questionnaire_id,
            Questionnaire.assessment_id == assessment_id,
            seen(scope),
            scope.where(_ByPlace),
        )
    )


async def list_answers(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    assessment_id: UUID,
    questionnaire_id: UUID,
    sort: AnswerSort = AnswerSort.NEWEST,
    stratum_id: UUID | None = None,
    source: AnswerSource | None = None,
    outcome: AnswerOutcome | None = None,
) -> Page[AnswerRow]:
    """Answers without what was answered. Two statements."""
    statement = _rows(scope, assessment_id, questionnaire_id)
    for column, wanted in ((Answer.stratum_id, stratum_id), (Answer.source, source), (Answer.outcome, outcome)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    columns = {"received_at": Answer.received_at}
    return await page(session, statement, params, sort=sort, columns=columns, key=Answer.id, into=AnswerRow)


async def read_answer(
    session: AnySession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID, answer_id: UUID
) -> AnswerOut:
    """One answer with its content: for its assessor, and for whoever manages questionnaires. Two statements.

    Raises:
        Forbidden: the caller sees that it is there, but not what was said.
        NotFound: there is none in the caller's scope.
    """
    found = await session.execute(_rows(caller.scope, assessment_id, questionnaire_id).where(Answer.id == answer_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    if row["owner_id"] != caller.user_id and not caller.may(Permission.QUESTIONNAIRES_MANAGE):
        raise Forbidden("作答内容只有录入者本人与问卷编制人员可以查看。")
    lines = await session.execute(
        select(AnswerLine, QuestionRow)
        .join(QuestionRow, QuestionRow.id == AnswerLine.question_id)
        .where(AnswerLine.answer_id == answer_id)
        .order_by(QuestionRow.position)
    )
    return AnswerOut(
        **row,
        lines=[
            AnswerLineOut(
                question=question.code,
                kind=question.kind,
                text=question.text,
                choices=line.choices,
                labels=[option["text"] for option in question.options if option["code"] in line.choices],
                number=line.number,
                written=line.text,
            )
            for line, question in lines
        ],
    )
