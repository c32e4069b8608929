"""What a questionnaire may ask, in which states it stands, and whether it may be published (C3.7). Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from wenming_api.kit.problems import FieldError


class QuestionnaireState(StrEnum):
    """Where a version of a questionnaire stands; published, nothing in it changes any more."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"draft": "草稿", "published": "已发布", "closed": "已结束"}[self.value]


class QuestionnaireAction(StrEnum):
    """What moves a version on; also the last segment of the route."""

    PUBLISH = "publish"
    CLOSE = "close"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"publish": "发布", "close": "结束"}[self.value]


TRANSITIONS: Mapping[tuple[QuestionnaireState, QuestionnaireAction], QuestionnaireState] = {
    (QuestionnaireState.DRAFT, QuestionnaireAction.PUBLISH): QuestionnaireState.PUBLISHED,
    (QuestionnaireState.PUBLISHED, QuestionnaireAction.CLOSE): QuestionnaireState.CLOSED,
}
"""Every step there is; no state is ever returned to."""


def allowed(state: QuestionnaireState) -> list[str]:
    """The actions that a state allows."""
    return [action.value for (start, action) in TRANSITIONS if start is state]


class QuestionKind(StrEnum):
    """How a question is answered."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    SCALE = "scale"
    TEXT = "text"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"single": "单选", "multiple": "多选", "scale": "量表", "text": "文字"}[self.value]


CHOSEN = frozenset({QuestionKind.SINGLE, QuestionKind.MULTIPLE})
MAX_SCALE = 100


@dataclass(frozen=True, slots=True)
class Option:
    """What can be chosen. `score` None: choosing it takes the question out of the score (不了解、不适用).

    `qualifies` is read of screening questions alone: False ends the interview.
    """

    code: str
    text: str
    score: Decimal | None = None
    qualifies: bool = True

    def to_json(self) -> dict[str, Any]:
        """The stored form; scores as strings."""
        score = None if self.score is None else str(self.score)
        return {"code": self.code, "text": self.text, "score": score, "qualifies": self.qualifies}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Option":
        """Read the stored form back."""
        score = None if stored["score"] is None else Decimal(stored["score"])
        return cls(stored["code"], stored["text"], score, stored["qualifies"])


@dataclass(frozen=True, slots=True)
class Condition:
    """A question is asked only when an earlier one was, and one of these options was chosen there."""

    question: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question. It is scored when it is mapped to a standard: from 0 to `max_score`.

    A chosen option gives its score; several give their sum, at most `max_score`; a scale from `low` to `high` gives
    `max_score` × (answer − low) / (high − low).
    """

    code: str
    kind: QuestionKind
    text: str
    required: bool = True
    screening: bool = False
    standard: str | None = None
    max_score: Decimal | None = None
    options: tuple[Option, ...] = ()
    max_choices: int | None = None
    low: int | None = None
    high: int | None = None
    show_if: Condition | None = None

    @property
    def option_codes(self) -> dict[str, Option]:
        """The options by code."""
        return {option.code: option for option in self.options}


def question_faults(questions: Sequence[Question]) -> list[FieldError]:
    """Everything that is wrong with a list of questions, by pointers into it."""
    faults: list[FieldError] = []
    earlier: dict[str, Question] = {}
    ordinary = False
    for place, question in enumerate(questions):
        pointer = f"/questions/{place}"
        if question.code in earlier:
            faults.append(FieldError(f"{pointer}/code", f"题号重复：{question.code}"))
        if question.screening and ordinary:
            faults.append(FieldError(f"{pointer}/screening", "甄别题须排在其他题目之前"))
        ordinary = ordinary or not question.screening
        found = (*_shape(question), *_scoring(question), *_screening(question), *_condition(question, earlier))
        faults += [FieldError(f"{pointer}{fault.pointer}", fault.message) for fault in found]
        earlier[question.code] = question
    return faults


def _shape(question: Question) -> Iterator[FieldError]:
    if question.kind in CHOSEN:
        codes = [option.code for option in question.options]
        if len(codes) < 2:
            yield FieldError("/options", "选择题至少有两个选项")
        if len(set(codes)) != len(codes):
            yield FieldError("/options", "选项代码重复")
    elif question.options:
        yield FieldError("/options", "量表题与文字题没有选项")
    if question.kind is QuestionKind.SCALE:
        if question.low is None or question.high is None:
            yield FieldError("/low", "量表题须设置起止值")
        elif question.low >= question.high:
            yield FieldError("/high", "量表的止值须大于起值")
    elif question.low is not None or question.high is not None:
        yield FieldError("/low", "只有量表题有起止值")
    if question.max_choices is not None:
        if question.kind is not QuestionKind.MULTIPLE:
            yield FieldError("/max_choices", "只有多选题限制选项数")
        elif question.max_choices > len(question.options):
            yield FieldError("/max_choices", "最多可选数超过选项数")


def _scoring(question: Question) -> Iterator[FieldError]:
    if question.standard is None:
        if question.max_score is not None or any(option.score is not None for option in question.options):
            yield FieldError("/standard_id", "计分的题目须对应一条测评标准")
        return
    if question.kind is QuestionKind.TEXT:
        yield FieldError("/standard_id", "文字题不能计分")
    if question.screening:
        yield FieldError("/standard_id", "甄别题不能计分")
    if question.max_score is None:
        yield FieldError("/max_score", "计分的题目须设置分值")
        return
    for place, option in enumerate(question.options):
        if option.score is not None and option.score > question.max_score:
            yield FieldError(f"/options/{place}/score", "选项得分不能超过题目分值")
    if question.options and all(option.score is None for option in question.options):
        yield FieldError("/options", "计分的题目至少有一个选项有得分")


def _screening(question: Question) -> Iterator[FieldError]:
    if not question.screening:
        if not all(option.qualifies for option in question.options):
            yield FieldError("/screening", "只有甄别题可以设置不符合条件的选项")
        return
    if question.kind is not QuestionKind.SINGLE or not question.required or question.show_if is not None:
        yield FieldError("/screening", "甄别题须为必答的单选题，且没有显示条件")
    elif len({option.qualifies for option in question.options}) != 2:
        yield FieldError("/options", "甄别题须既有符合条件的选项，也有不符合条件的选项")


def _condition(question: Question, earlier: Mapping[str, Question]) -> Iterator[FieldError]:
    if question.show_if is None:
        return
    asked = earlier.get(question.show_if.question)
    if asked is None:
        yield FieldError("/show_if/question", "显示条件须引用前面的题目")
    elif asked.kind not in CHOSEN:
        yield FieldError("/show_if/question", "显示条件须引用选择题")
    elif unknown := set(question.show_if.choices) - set(asked.option_codes):
        yield FieldError("/show_if/choices", f"所引用的题目没有选项：{'、'.join(sorted(unknown))}")


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the database knows of a draft that is to be published."""

    strata: int
    windowed: bool
    method_known: bool
    """The method that the scores go into is one of the assessment's that questionnaires feed."""
    standards: frozenset[str]
    """Standards of the assessment."""


def publication_faults(questions: Sequence[Question], ready: Readiness, *, method: str | None) -> list[FieldError]:
    """Everything that keeps a version from being published, all at once."""
    faults = question_faults(questions)
    if not questions:
        faults.append(FieldError("/questions", "尚未设置题目"))
    if not ready.strata:
        faults.append(FieldError("/strata", "尚未设置样本层与配额"))
    if not ready.windowed:
        faults.append(FieldError("/opens_at", "尚未设置开放与截止时间"))
    if method is None and any(question.standard is not None for question in questions):
        faults.append(FieldError("/method_code", "有计分的题目，须指明计入哪种测评方法"))
    if method is not None and not ready.method_known:
        faults.append(FieldError("/method_code", "本次测评没有此方法，或其得分不来自问卷"))
    for place, question in enumerate(questions):
        if question.standard is not None and question.standard not in ready.standards:
            faults.append(FieldError(f"/questions/{place}/standard_id", "本次测评没有选用这条标准"))
    return faults
