"""Result tables of a questionnaire, as JSON and as a workbook."""

import asyncio
import io
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, select

from wenming_api.access.scope import Scope
from wenming_api.city.answers.models import Answer, AnswerLine
from wenming_api.city.answers.rules import AnswerOutcome
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.questionnaires.models import Questionnaire, SurveyStratum
from wenming_api.city.questionnaires.queries import QuestionnaireNotFound, load_questions, seen
from wenming_api.city.survey_scores.rules import FEWEST_SHOWN
from wenming_api.city.survey_tables.rules import ALL, Count, TablesBy, tabulate
from wenming_api.city.survey_tables.schemas import CellOut, QuestionTable, SurveyTables, TableGroup
from wenming_api.kit import clock
from wenming_api.kit.clock import at_the_edge
from wenming_api.kit.db import AnySession
from wenming_api.kit.exact import shown
from wenming_api.kit.workbooks import WorkbookWriter
from wenming_api.system.regions.models import Region

_EVERYBODY = "全部受访者"
_HEADERS = ("题号", "题目", "题型", "分组", "作答人数", "选项", "人数", "占比（%）", "平均值", "得分率（%）", "说明")


async def read_tables(
    session: AnySession, *, scope: Scope, assessment_id: UUID, questionnaire_id: UUID, by: TablesBy
) -> SurveyTables:
    """Counts, shares and means of the counted answers in scope. Four statements at most; `QuestionnaireNotFound`."""
    name = await session.scalar(
        select(Questionnaire.name)
        .join(Assessment, Assessment.id == Questionnaire.assessment_id)
        .where(Questionnaire.id == questionnaire_id, Questionnaire.assessment_id == assessment_id, seen(scope))
    )
    if name is None:
        raise QuestionnaireNotFound
    questions = await load_questions(session, questionnaire_id=questionnaire_id)
    group = {
        TablesBy.NONE: cast(ALL, Text),
        TablesBy.COUNTY: func.split_part(SurveyStratum.region_path, "/", 2),
        TablesBy.STRATUM: SurveyStratum.code,
    }[by]
    keys: tuple[Any, ...] = (group.label("group"), AnswerLine.question_id, AnswerLine.choices, AnswerLine.number)
    inside = (SurveyStratum.questionnaire_id == questionnaire_id, scope.where(SurveyStratum))
    found = await session.execute(
        select(*keys, func.count().label("people"))
        .select_from(AnswerLine)
        .join(Answer, Answer.id == AnswerLine.answer_id)
        .join(SurveyStratum, SurveyStratum.id == Answer.stratum_id)
        .where(*inside, Answer.outcome == AnswerOutcome.COUNTED)
        .group_by("group", *keys[1:])
    )
    groups = await _groups(session, by, inside)
    counts = [
        Count(row.group, questions[row.question_id].code, tuple(row.choices), row.number, row.people) for row in found
    ]
    if by is TablesBy.NONE:  # all together is a group of its own in every table
        counts = [Count("-", each.question, each.choices, each.number, each.count) for each in counts]
    tables = tabulate(list(questions.values()), counts, [each.key for each in groups])
    return SurveyTables(
        questionnaire_id=questionnaire_id,
        name=name,
        by=by,
        as_of=clock.now(),
        groups=groups,
        questions=[
            QuestionTable(
                code=question.code,
                kind=question.kind,
                text=question.text,
                cells=[CellOut.model_validate(cell) for cell in tables[question.code]],
            )
            for question in questions.values()
        ],
    )


async def _groups(session: AnySession, by: TablesBy, inside: tuple[Any, ...]) -> list[TableGroup]:
    if by is TablesBy.NONE:
        return []
    if by is TablesBy.STRATUM:
        strata = await session.execute(
            select(SurveyStratum.code, SurveyStratum.name).where(*inside).order_by(SurveyStratum.position)
        )
        return [TableGroup(key=row.code, name=row.name) for row in strata]
    county = func.split_part(SurveyStratum.region_path, "/", 2)
    counties = select(county).where(*inside).distinct().scalar_subquery()
    found = await session.execute(
        select(Region.code, Region.name).where(Region.code.in_(counties)).order_by(Region.code)
    )
    return [TableGroup(key=row.code, name=row.name) for row in found]


async def export_tables(
    session: AnySession, *, scope: Scope, assessment_id: UUID, questionnaire_id: UUID, by: TablesBy
) -> bytes:
    """The same as a workbook."""
    tables = await read_tables(
        session, scope=scope, assessment_id=assessment_id, questionnaire_id=questionnaire_id, by=by
    )
    return await asyncio.to_thread(_write, tables)


def _write(tables: SurveyTables) -> bytes:
    output = io.BytesIO()
    names = {group.key: group.name for group in tables.groups} | {ALL: _EVERYBODY}
    with WorkbookWriter(output) as book:
        book.begin_plain("说明", ("项目", "内容"))
        book.add_cells(("问卷", tables.name))
        book.add_cells(("分组方式", tables.by.label))
        book.add_cells(("统计时间", at_the_edge(tables.as_of).strftime("%Y-%m-%d %H:%M:%S")))
        book.add_cells(("不显示的数据", f"不足 {FEWEST_SHOWN} 人的分组，及由它可推知这些分组的数据，均不显示"))
        book.begin_plain("结果表", _HEADERS)
        for question in tables.questions:
            for cell in question.cells:
                head = (question.code, question.text, question.kind.label, names[cell.group], cell.respondents)
                tail = (_two(cell.mean), _two(cell.score), "人数过少，不显示" if cell.hidden else None)
                if not cell.options:
                    book.add_cells((*head, None, None, None, *tail))
                for option in cell.options:
                    book.add_cells((*head, option.text, option.count, _two(option.share), *tail))
    return output.getvalue()


def _two(value: Any) -> Any:
    return None if value is None else shown(value)
