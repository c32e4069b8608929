"""Recording answers exactly once, up to the quota of each stratum, by whichever way they come (C3.7)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, select, true, update
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.city.answers.models import Answer, AnswerLine
from wenming_api.city.answers.rules import AnswerOutcome, AnswerSource, Judged, Line, fingerprint, judge
from wenming_api.city.answers.schemas import (
    AnswerFate,
    AnswerIn,
    AnswerProblem,
    AnswerReceipt,
    AnswerResult,
    AnswersOut,
    UnreadableAnswer,
)
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.service import lock_for_entry
from wenming_api.city.questionnaires.models import Questionnaire, SurveyStratum
from wenming_api.city.questionnaires.queries import QuestionnaireNotFound, load_questions, seen, strata_of
from wenming_api.city.questionnaires.rules import Question, QuestionnaireState
from wenming_api.kit import clock
from wenming_api.kit.db import AnySession, WriteSession
from wenming_api.kit.problems import Conflict, FieldError, InvalidInput, Problem
from wenming_api.kit.validation import invalid
from wenming_api.system.audit.service import entry, record_many

_AT_ONCE = 1_000
CLOCKS_DIFFER = timedelta(minutes=10)
"""How far a phone's clock may be ahead."""


class QuestionnaireNotOpen(Conflict):
    """Not published, or not in its window."""

    code = "questionnaire_not_open"
    title = "问卷未开放"


class QuotaFull(Conflict):
    """The stratum has all the answers that it asks for."""

    code = "quota_full"
    title = "样本配额已满"


class AnswerIdReused(Conflict):
    """The id belongs to another answer."""

    code = "answer_id_reused"
    title = "答卷编号已被使用"


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it came."""

    id: UUID
    stratum_id: UUID
    lines: tuple[Line, ...]
    captured_at: datetime | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An answer that is there, now or since an earlier sending."""

    id: UUID
    outcome: AnswerOutcome
    repeated: bool


Result = Recorded | Problem


def check_open(
    state: QuestionnaireState, opens_at: datetime | None, closes_at: datetime | None, at: datetime
) -> QuestionnaireNotOpen | None:
    """Why an answer of `at` is not taken; None when it is."""
    if state is not QuestionnaireState.PUBLISHED:
        return QuestionnaireNotOpen("问卷尚未发布。" if state is QuestionnaireState.DRAFT else "问卷已结束。")
    if opens_at is not None and at < opens_at:
        return QuestionnaireNotOpen("问卷尚未到开放时间。")
    if closes_at is not None and at >= closes_at:
        return QuestionnaireNotOpen("问卷已过截止时间。")
    return None


async def enter_answers(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    questionnaire_id: UUID,
    items: Sequence[AnswerIn | UnreadableAnswer],
) -> AnswersOut:
    """Record what an assessor brings, each answer for itself, exactly once, in any order.

    Raises:
        EntryFrozen: the assessment is not in progress; nothing is saved.
        QuestionnaireNotFound: the caller does not see it.
    """
    await lock_for_entry(session, assessment_id)
    survey = await visible_survey(session, caller, assessment_id, questionnaire_id)
    at = clock.now()
    results: dict[int, Result] = {}
    given: dict[int, Given] = {}
    for place, item in enumerate(items):
        if isinstance(item, UnreadableAnswer):
            results[place] = invalid(item.errors.errors(include_url=False))
        elif item.captured_at > at + CLOCKS_DIFFER:
            results[place] = InvalidInput(errors=[FieldError("/captured_at", "访问时间晚于当前时间，请校准设备时间")])
        elif closed := check_open(survey.state, survey.opens_at, survey.closes_at, item.captured_at):
            results[place] = closed
        else:
            lines = tuple(each.line() for each in item.items)
            given[place] = Given(item.id, item.stratum_id, lines, captured_at=item.captured_at)
    outcomes = await record_answers(
        session,
        caller=caller,
        survey=survey,
        source=AnswerSource.ASSESSOR,
        given=list(given.values()),
        at=at,
        strata=strata_of(caller.scope),
    )
    results |= dict(zip(given, outcomes, strict=True))
    answered = [_result(place, items[place].id, results[place]) for place in range(len(items))]
    count = Counter(each.fate for each in answered)
    return AnswersOut(**{fate.value: count[fate] for fate in AnswerFate}, items=answered)


async def visible_survey(
    session: AnySession, caller: Principal, assessment_id: UUID, questionnaire_id: UUID
) -> Questionnaire:
    """A questionnaire that the caller sees; `QuestionnaireNotFound`."""
    found = await session.scalar(
        select(Questionnaire)
        .join(Assessment, Assessment.id == Questionnaire.assessment_id)
        .where(Questionnaire.id == questionnaire_id, Questionnaire.assessment_id == assessment_id, seen(caller.scope))
    )
    if found is None:
        raise QuestionnaireNotFound
    return found


async def record_answers(
    session: WriteSession,
    *,
    caller: Principal | None,
    survey: Questionnaire,
    source: AnswerSource,
    given: Sequence[Given],
    at: datetime,
    strata: ColumnElement[bool] | None = None,
) -> list[Result]:
    """Record answers to an open questionnaire of an assessment held by `lock_for_entry`; say what became of each.

    The strata concerned stay locked until the transaction ends, in one order for all: their counts are exact. An answer
    that is there already is not recorded again; one that is refused holds up no other. `strata` are those that the
    caller may fill (None: all).
    """
    if not given:
        return []
    rows = await session.execute(
        select(SurveyStratum.id, (SurveyStratum.quota - SurveyStratum.taken).label("left"))
        .where(
            SurveyStratum.id.in_({each.stratum_id for each in given}),
            SurveyStratum.questionnaire_id == survey.id,
            true() if strata is None else strata,
        )
        .order_by(SurveyStratum.id)
        .with_for_update(of=SurveyStratum, key_share=True)
    )
    left: dict[UUID, int] = {row.id: row.left for row in rows}
    questions = await load_questions(session, questionnaire_id=survey.id)
    there = await session.execute(
        select(Answer.id, Answer.fingerprint, Answer.outcome, Answer.questionnaire_id).where(
            Answer.id.in_({each.id for each in given})
        )
    )
    known = {row.id: (row.questionnaire_id, row.fingerprint, row.outcome) for row in there}
    results: list[Result] = []
    new: dict[UUID, tuple[Given, Judged, str]] = {}
    for each in given:
        print_ = fingerprint(str(each.stratum_id), each.lines)
        result = _judge(each, print_, survey.id, known, list(questions.values()), left)
        if isinstance(result, Judged):
            known[each.id] = (survey.id, print_, result.outcome)
            new[each.id] = (each, result, print_)
            if result.outcome is AnswerOutcome.COUNTED:
                left[each.stratum_id] -= 1
            result = Recorded(each.id, result.outcome, repeated=False)
        results.append(result)
    written = await _write(session, caller, survey, source, at, new, questions)
    reused = new.keys() - written
    return [
        AnswerIdReused("该编号已用于另一份答卷。") if isinstance(one, Recorded) and one.id in reused else one
        for one in results
    ]


def _judge(
    each: Given,
    print_: str,
    questionnaire_id: UUID,
    known: dict[UUID, tuple[UUID, str, AnswerOutcome]],
    questions: Sequence[Question],
    left: dict[UUID, int],
) -> Judged | Result:
    before = known.get(each.id)
    if before is not None:
        if before[:2] == (questionnaire_id, print_):
            return Recorded(each.id, before[2], repeated=True)
        return AnswerIdReused("该编号已用于另一份答卷；请为新的答卷生成新的编号。")
    if each.stratum_id not in left:
        return InvalidInput(errors=[FieldError("/stratum_id", "样本层不存在，或不在您负责的区域")])
    judged = judge(questions, each.lines)
    if isinstance(judged, list):
        return InvalidInput(errors=judged)
    if judged.outcome is AnswerOutcome.COUNTED and left[each.stratum_id] <= 0:
        return QuotaFull("该样本层的配额已满，不再接收答卷。")
    return judged


async def _write(
    session: WriteSession,
    caller: Principal | None,
    survey: Questionnaire,
    source: AnswerSource,
    at: datetime,
    new: dict[UUID, tuple[Given, Judged, str]],
    questions: dict[UUID, Question],
) -> set[UUID]:
    """Add what is new; the ids of what was added: another questionnaire may have used an id at the same moment."""
    if not new:
        return set()
    rows: list[dict[str, Any]] = [
        {
            "id": each.id,
            "owner_id": None if caller is None else caller.user_id,
            "questionnaire_id": survey.id,
            "stratum_id": each.stratum_id,
            "source": source,
            "outcome": judged.outcome,
            "number": each.number,
            "fingerprint": print_,
            "captured_at": each.captured_at,
            "received_at": at,
        }
        for each, judged, print_ in new.values()
    ]
    written: set[UUID] = set()
    for first in range(0, len(rows), _AT_ONCE):
        adding = insert(Answer).values(rows[first : first + _AT_ONCE]).on_conflict_do_nothing().returning(Answer.id)
        written.update(await session.scalars(adding))
    ids = {question.code: id_ for id_, question in questions.items()}
    lines = [
        {
            "answer_id": each.id,
            "question_id": ids[line.question],
            "choices": list(line.choices),
            "number": line.number,
            "text": line.text,
        }
        for each, judged, _ in new.values()
        if each.id in written
        for line in judged.lines
    ]
    if lines:
        # The table, not the entity: the latter would send lines with and without a number apart.
        await session.execute(insert(cast("Table", AnswerLine.__table__)), lines)
    taken = Counter(
        each.stratum_id
        for each, judged, _ in new.values()
        if each.id in written and judged.outcome is AnswerOutcome.COUNTED
    )
    for stratum_id, count in taken.items():
        await session.execute(
            update(SurveyStratum)
            .where(SurveyStratum.id == stratum_id)
            .values(taken=SurveyStratum.taken + count, updated_at=at)
            .execution_options(synchronize_session=False)
        )
    await record_many(
        session,
        [
            entry(
                caller=caller,
                action="survey_answers.record",
                target=("survey_answer", row["id"]),
                after={"source": source, "outcome": row["outcome"], "stratum_id": row["stratum_id"]},
                context=("assessment", survey.assessment_id),
            )
            for row in rows
            if row["id"] in written
        ],
    )
    return written


def _result(place: int, id_: UUID | None, result: Result) -> AnswerResult:
    if isinstance(result, Problem):
        problem = AnswerProblem(
            code=result.code, title=result.title, detail=result.detail, errors=result.extensions.get("errors", [])
        )
        return AnswerResult(index=place, id=id_, fate=AnswerFate.REFUSED, receipt=None, problem=problem)
    fate = AnswerFate.REPEATED if result.repeated else AnswerFate.RECORDED
    return AnswerResult(index=place, id=id_, fate=fate, receipt=receipt(result), problem=None)


def receipt(recorded: Recorded) -> AnswerReceipt:
    """What the sender gets."""
    return AnswerReceipt(id=recorded.id, outcome=recorded.outcome, repeated=recorded.repeated)
