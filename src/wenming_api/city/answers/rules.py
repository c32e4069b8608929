"""Whether an answer fits, whether the respondent belongs to the sample, what the answer scores (C3.7). Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from wenming_api.city.questionnaires.rules import CHOSEN, Question, QuestionKind
from wenming_api.kit.problems import FieldError

LONGEST_TEXT = 2_000


class AnswerSource(StrEnum):
    """How an answer came."""

    LINK = "link"
    ASSESSOR = "assessor"
    IMPORT = "import"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"link": "链接答题", "assessor": "测评员录入", "import": "导入"}[self.value]


class AnswerOutcome(StrEnum):
    """Whether an answer counts."""

    COUNTED = "counted"
    SCREENED_OUT = "screened_out"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"counted": "计入样本", "screened_out": "不符合受访条件"}[self.value]


@dataclass(frozen=True, slots=True)
class Line:
    """What was answered to one question."""

    question: str
    choices: tuple[str, ...] = ()
    number: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer that fits: its lines in the order of the questions, and whether it counts."""

    outcome: AnswerOutcome
    lines: tuple[Line, ...]


def judge(questions: Sequence[Question], lines: Sequence[Line]) -> Judged | list[FieldError]:
    """Read an answer against its questionnaire.

    A respondent who does not belong to the sample is asked nothing further: only the screening answers are kept.
    Otherwise every question that is asked and required has an answer, and none that is not asked.
    """
    places = {line.question: place for place, line in enumerate(lines)}
    faults = [
        FieldError(f"/items/{place}/question", f"题目重复作答：{line.question}")
        for place, line in enumerate(lines)
        if places[line.question] != place
    ]
    known = {question.code for question in questions}
    faults += [
        FieldError(f"/items/{place}/question", f"问卷中没有这道题：{code}")
        for code, place in places.items()
        if code not in known
    ]
    given = {line.question: line for line in lines}
    screening = [question for question in questions if question.screening]
    kept, wrong = _read(screening, given, places)
    if faults or wrong:
        return faults + wrong
    if not all(_qualifies(question, kept[question.code]) for question in screening):
        return Judged(AnswerOutcome.SCREENED_OUT, tuple(kept[question.code] for question in screening))
    kept, wrong = _read(questions, given, places)
    if wrong:
        return wrong
    return Judged(AnswerOutcome.COUNTED, tuple(kept[each.code] for each in questions if each.code in kept))


def _qualifies(question: Question, line: Line) -> bool:
    return all(question.option_codes[code].qualifies for code in line.choices)


def _read(
    questions: Sequence[Question], given: Mapping[str, Line], places: Mapping[str, int]
) -> tuple[dict[str, Line], list[FieldError]]:
    kept: dict[str, Line] = {}
    faults: list[FieldError] = []
    for question in questions:
        line = given.get(question.code)
        asked = question.show_if is None or bool(
            question.show_if.question in kept
            and set(question.show_if.choices) & set(kept[question.show_if.question].choices)
        )
        if line is not None and _empty(line):
            line = None
        if line is None:
            if asked and question.required:
                pointer = f"/items/{places[question.code]}" if question.code in places else "/items"
                faults.append(FieldError(pointer, f"必答题未作答：{question.code}"))
            continue
        pointer = f"/items/{places[question.code]}"
        if not asked:
            faults.append(FieldError(f"{pointer}/question", f"按跳题规则不应作答：{question.code}"))
            continue
        wrong = _wrong(question, line)
        if wrong is not None:
            faults.append(FieldError(f"{pointer}{wrong.pointer}", wrong.message))
        else:
            order = {option.code: place for place, option in enumerate(question.options)}
            choices = tuple(sorted(line.choices, key=lambda code: order[code]))
            kept[question.code] = Line(question.code, choices, line.number, line.text)
    return kept, faults


def _empty(line: Line) -> bool:
    return not line.choices and line.number is None and not line.text


def _wrong(question: Question, line: Line) -> FieldError | None:
    if line.choices and question.kind not in CHOSEN:
        return FieldError("/choices", "这道题没有选项")
    if line.number is not None and question.kind is not QuestionKind.SCALE:
        return FieldError("/number", "这道题不填数值")
    if line.text and question.kind is not QuestionKind.TEXT:
        return FieldError("/text", "这道题不填文字")
    if question.kind in CHOSEN:
        if unknown := [code for code in line.choices if code not in question.option_codes]:
            return FieldError("/choices", f"没有这个选项：{unknown[0]}")
        if len(set(line.choices)) != len(line.choices):
            return FieldError("/choices", "选项重复")
        most = 1 if question.kind is QuestionKind.SINGLE else question.max_choices
        if most is not None and len(line.choices) > most:
            return FieldError("/choices", f"最多选 {most} 项")
    if question.kind is QuestionKind.SCALE:
        low, high = question.low or 0, question.high or 0
        if line.number is None or not low <= line.number <= high:
            return FieldError("/number", f"应在 {low} 到 {high} 之间")
    if line.text and len(line.text) > LONGEST_TEXT:
        return FieldError("/text", f"最多 {LONGEST_TEXT} 个字符")
    return None


def points(question: Question, choices: Sequence[str], number: int | None) -> Fraction | None:
    """What an answer scores, exactly; None when the question is not scored, or an option chosen takes it out."""
    if question.standard is None or question.max_score is None:
        return None
    most = Fraction(question.max_score)
    if question.kind is QuestionKind.SCALE:
        if number is None or question.low is None or question.high is None:
            return None
        return most * Fraction(number - question.low, question.high - question.low)
    scores = [question.option_codes[code].score for code in choices]
    if not scores or any(score is None for score in scores):
        return None
    return min(most, sum((Fraction(score) for score in scores if score is not None), Fraction(0)))


def fingerprint(stratum: str, lines: Sequence[Line]) -> str:
    """What makes two answers the same answer (hex SHA-256); the order in which questions were answered does not."""
    document = sorted(
        [line.question, sorted(line.choices), line.number, line.text or None] for line in lines if not _empty(line)
    )
    text = json.dumps([stratum, document], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
