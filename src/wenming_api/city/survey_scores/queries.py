"""Reads of questionnaire scores, and of the answers that they come from."""

from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, case, cast, distinct, func, null, select

from wenming_api.access.scope import Scope
from wenming_api.city.answers.models import Answer, AnswerLine
from wenming_api.city.answers.rules import AnswerOutcome
from wenming_api.city.assessments.models import RankingGroup, RankingGroupMember
from wenming_api.city.questionnaires.models import Questionnaire, QuestionRow, SurveyStratum
from wenming_api.city.questionnaires.queries import as_question
from wenming_api.city.questionnaires.rules import QuestionnaireState
from wenming_api.city.standards.models import Standard
from wenming_api.city.survey_scores.models import SurveyScore
from wenming_api.city.survey_scores.rules import FEWEST_SHOWN, Tally
from wenming_api.city.survey_scores.schemas import SurveyScoreOut, SurveyScoreSort
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.system.regions.models import Region

_SHOWN = SurveyScore.respondents >= FEWEST_SHOWN


def _if_shown(column: Any) -> Any:
    return case((_SHOWN, column), else_=null())


_OTHER: dict[str, Any] = {
    "region_name": Region.name.label("region_name"),
    "standard_code": Standard.code.label("standard_code"),
    "respondents": cast(_if_shown(SurveyScore.respondents), Integer).label("respondents"),
    "score": _if_shown(SurveyScore.score).label("score"),
    "exact": _if_shown(SurveyScore.exact).label("exact"),
}
_ROW: list[Any] = [_OTHER.get(name, getattr(SurveyScore, name, None)) for name in SurveyScoreOut.model_fields]
_SORTS = {"region_path": SurveyScore.region_path, "score": _if_shown(SurveyScore.score)}


async def list_scores(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    assessment_id: UUID,
    sort: SurveyScoreSort = SurveyScoreSort.REGION,
    method_code: str | None = None,
    region_id: UUID | None = None,
    standard_id: UUID | None = None,
) -> Page[SurveyScoreOut]:
    """Scores by region and standard as computed last; those of few respondents without figures. Two statements."""
    statement = (
        select(*_ROW)
        .join(Region, Region.id == SurveyScore.region_id)
        .join(Standard, Standard.id == SurveyScore.standard_id)
        .where(SurveyScore.assessment_id == assessment_id, scope.where(SurveyScore))
    )
    for column, wanted in (
        (SurveyScore.method_code, method_code),
        (SurveyScore.region_id, region_id),
        (SurveyScore.standard_id, standard_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=SurveyScore.id, into=SurveyScoreOut)


def _counted_lines(assessment_id: UUID, method_code: str, *columns: Any) -> Select[Any]:
    """Lines of counted answers to scored questions of the versions that feed a method."""
    return (
        select(*columns)
        .select_from(AnswerLine)
        .join(Answer, Answer.id == AnswerLine.answer_id)
        .join(SurveyStratum, SurveyStratum.id == Answer.stratum_id)
        .join(QuestionRow, QuestionRow.id == AnswerLine.question_id)
        .join(Questionnaire, Questionnaire.id == Answer.questionnaire_id)
        .where(
            Questionnaire.assessment_id == assessment_id,
            Questionnaire.method_code == method_code,
            Questionnaire.state != QuestionnaireState.DRAFT,
            Questionnaire.counted,
            Answer.outcome == AnswerOutcome.COUNTED,
            QuestionRow.standard_id.is_not(None),
        )
    )


async def gather_tallies(session: AnySession, *, assessment_id: UUID, method_code: str) -> list[Tally]:
    """Equal answers counted together: as many rows as there are different answers. Two statements."""
    keys = (SurveyStratum.region_path, AnswerLine.question_id, AnswerLine.choices, AnswerLine.number)
    found = (
        await session.execute(
            _counted_lines(assessment_id, method_code, *keys, func.count().label("count")).group_by(*keys)
        )
    ).all()
    rows = await session.scalars(select(QuestionRow).where(QuestionRow.id.in_({row.question_id for row in found})))
    questions = {row.id: as_question(row) for row in rows}
    return [
        Tally(row.region_path, questions[row.question_id], tuple(row.choices), row.number, row[-1]) for row in found
    ]


async def count_respondents(
    session: AnySession, *, assessment_id: UUID, method_code: str
) -> dict[tuple[str, str], int]:
    """(stratum's region path, standard) → how many answered a question of the standard."""
    keys = (SurveyStratum.region_path, QuestionRow.standard_id)
    counted = func.count(distinct(AnswerLine.answer_id))
    found = await session.execute(_counted_lines(assessment_id, method_code, *keys, counted).group_by(*keys))
    return {(path, str(standard)): count for path, standard, count in found}


async def ranked_regions(session: AnySession, *, assessment_id: UUID, method_code: str) -> dict[str, UUID]:
    """Path → id of every region whose ranking group asks for the method."""
    found = await session.execute(
        select(Region.path, Region.id)
        .join(RankingGroupMember, RankingGroupMember.region_id == Region.id)
        .join(RankingGroup, RankingGroup.id == RankingGroupMember.group_id)
        .where(RankingGroup.assessment_id == assessment_id, RankingGroup.methods.has_key(method_code))
    )
    return {row.path: row.id for row in found}
