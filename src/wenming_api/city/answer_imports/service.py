"""Importing answers from XLSX or CSV: row by row, exactly once by their numbers (C3.7)."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.city.answers.models import Answer
from wenming_api.city.answers.rules import LONGEST_TEXT, AnswerSource, Line, fingerprint
from wenming_api.city.answers.service import Given, QuestionnaireNotOpen, check_open, record_answers, visible_survey
from wenming_api.city.assessments.service import lock_for_entry
from wenming_api.city.questionnaires.models import Questionnaire, SurveyStratum
from wenming_api.city.questionnaires.queries import load_questions, strata_of
from wenming_api.city.questionnaires.rules import CHOSEN, Question, QuestionKind
from wenming_api.kit import clock
from wenming_api.kit.db import AnySession, WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.imports import ImportReport, failed_rows, faults_of
from wenming_api.kit.problems import Problem
from wenming_api.kit.workbooks import (
    Cell,
    CellError,
    Column,
    ReadTable,
    Table,
    integer,
    read_table,
    text,
    text_list,
    write_errors,
    write_template,
)

LONGEST_HEADER = 120


def table_of(questions: list[Question]) -> Table:
    """The columns of a questionnaire: number, stratum, and one for each question."""
    return Table(
        name="答卷",
        columns=(
            Column(
                key="number", header="编号", required=True, max_length=64, hint="本问卷内不重复，再次导入时据此识别"
            ),
            Column(key="stratum", header="层代码", required=True, max_length=64, hint="样本层的代码"),
            *map(_column, questions),
        ),
    )


def _column(question: Question) -> Column:
    header = f"{question.code} {' '.join(question.text.split())}"[:LONGEST_HEADER].rstrip("* ")
    chosen = question.kind is QuestionKind.SINGLE
    return Column(
        key=f"question:{question.code}",
        header=header,
        parse=_PARSERS[question.kind](question),
        max_length=LONGEST_TEXT,
        choices=tuple(option.text for option in question.options) if chosen else (),
        hint=_hint(question),
    )


def _hint(question: Question) -> str:
    listed = "；".join(f"{option.code} {option.text}" for option in question.options)
    return {
        QuestionKind.SINGLE: f"填一个选项的代码或文字：{listed}",
        QuestionKind.MULTIPLE: f"填选项的代码或文字，以顿号分隔：{listed}",
        QuestionKind.SCALE: f"填 {question.low} 至 {question.high} 的整数",
        QuestionKind.TEXT: "填文字",
    }[question.kind]


def _one(question: Question) -> Callable[[Cell], object]:
    codes = _codes(question)

    def parse(cell: Cell) -> tuple[str, ...]:
        return (_code(codes, text(cell)),)

    return parse


def _several(question: Question) -> Callable[[Cell], object]:
    codes = _codes(question)

    def parse(cell: Cell) -> tuple[str, ...]:
        return tuple(_code(codes, part) for part in text_list(cell))

    return parse


def _codes(question: Question) -> dict[str, str]:
    """Codes by what may be typed; a code goes before a text that looks like it."""
    return {option.text: option.code for option in question.options} | {code: code for code in question.option_codes}


def _code(codes: Mapping[str, str], typed: str) -> str:
    if typed not in codes:
        raise CellError(f"没有这个选项：{typed[:50]}")
    return codes[typed]


_PARSERS: dict[QuestionKind, Callable[[Question], Callable[[Cell], object]]] = {
    QuestionKind.SINGLE: _one,
    QuestionKind.MULTIPLE: _several,
    QuestionKind.SCALE: lambda question: integer(question.low, question.high),
    QuestionKind.TEXT: lambda _: text,
}


async def write_answer_template(
    session: AnySession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID
) -> bytes:
    """An empty workbook with the questionnaire's columns; `QuestionnaireNotFound`."""
    survey = await visible_survey(session, caller, assessment_id, questionnaire_id)
    questions = await load_questions(session, questionnaire_id=survey.id)
    return await asyncio.to_thread(write_template, [table_of(list(questions.values()))])


async def import_answers(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    questionnaire_id: UUID,
    data: bytes,
    dry_run: bool,
    partial: bool,
) -> tuple[ImportReport, bytes | None]:
    """Import answers of an open questionnaire, its window apart: paper is typed later than it is written.

    A number that is there already with the same content is left alone. Nothing is saved on a dry run, nor when a row is
    wrong unless `partial`: what was tried is taken back. Returns the report and, when rows were wrong, the workbook
    that marks them.
    """
    await lock_for_entry(session, assessment_id)
    survey = await visible_survey(session, caller, assessment_id, questionnaire_id)
    if closed := check_open(survey.state, None, None, clock.now()):
        raise QuestionnaireNotOpen(closed.detail)
    questions = list((await load_questions(session, questionnaire_id=survey.id)).values())
    read = await asyncio.to_thread(read_table, data, table_of(questions))
    given = await _given(session, survey, read, questions)
    numbers = await _numbers(session, survey.id, given)
    new: dict[int, Given] = {}
    unchanged = 0
    for row, each in given.items():
        before = numbers.get(each.number or "")
        if before is None:
            new[row] = each
        elif before == fingerprint(str(each.stratum_id), each.lines):
            unchanged += 1
        else:
            read.reject(row, "此编号已用于内容不同的答卷", "number")
    async with session.begin_nested() as tried:
        results = await record_answers(
            session,
            caller=caller,
            survey=survey,
            source=AnswerSource.IMPORT,
            given=list(new.values()),
            at=clock.now(),
            strata=strata_of(caller.scope),
        )
        for (row, each), result in zip(new.items(), results, strict=True):
            if isinstance(result, Problem):
                _reject(read, row, each, result)
        failed = failed_rows(read)
        applied = not dry_run and (partial or not failed)
        if not applied:
            await tried.rollback()
    report = ImportReport(
        dry_run=dry_run,
        applied=applied,
        total=len(read.original),
        created=sum(not isinstance(result, Problem) for result in results),
        updated=0,
        unchanged=unchanged,
        failed=failed,
        faults=faults_of(read),
    )
    return report, await asyncio.to_thread(write_errors, [read]) if failed else None


async def _given(
    session: WriteSession, survey: Questionnaire, read: ReadTable, questions: list[Question]
) -> dict[int, Given]:
    """The answers of the good rows, by row."""
    found = await session.execute(
        select(SurveyStratum.code, SurveyStratum.id).where(SurveyStratum.questionnaire_id == survey.id)
    )
    strata = {row.code: row.id for row in found}
    seen: dict[str, int] = {}
    given: dict[int, Given] = {}
    for row in read.good_rows():
        number = row["number"]
        if row["stratum"] not in strata:
            read.reject(row.number, "问卷没有这个样本层", "stratum")
        elif number in seen:
            read.reject(row.number, f"与第 {seen[number]} 行编号重复", "number")
        else:
            seen[number] = row.number
            lines = tuple(
                _line(question, value)
                for question in questions
                if (value := row[f"question:{question.code}"]) is not None
            )
            given[row.number] = Given(uuid7(), strata[row["stratum"]], lines, number=number)
    return given


def _line(question: Question, value: Any) -> Line:
    if question.kind in CHOSEN:
        return Line(question.code, choices=value)
    if question.kind is QuestionKind.SCALE:
        return Line(question.code, number=value)
    return Line(question.code, text=value)


async def _numbers(session: WriteSession, questionnaire_id: UUID, given: Mapping[int, Given]) -> dict[str, str]:
    found = await session.execute(
        select(Answer.number, Answer.fingerprint).where(
            Answer.questionnaire_id == questionnaire_id, Answer.number.in_({each.number for each in given.values()})
        )
    )
    return {str(row.number): row.fingerprint for row in found}


def _reject(read: ReadTable, row: int, each: Given, problem: Problem) -> None:
    errors = problem.extensions.get("errors") or [{"pointer": "", "message": problem.detail}]
    for error in errors:
        parts = error["pointer"].split("/")
        key = None
        if len(parts) > 2 and parts[1] == "items":
            key = f"question:{each.lines[int(parts[2])].question}"
        elif parts[-1] == "stratum_id":
            key = "stratum"
        read.reject(row, error["message"], key)
