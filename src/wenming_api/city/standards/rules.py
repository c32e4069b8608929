"""How a line is scored by the rule of its standard: pure, exact, without session or clock (C2.1–2.4).

A scoring rule is data of a standard. :func:`score_line` turns what an assessor entered into points, as exact
fractions. Entries are JSON objects; every kind takes ``{"not_applicable": true}`` instead of its own form:

=============  =================================================================
rule           entry
=============  =================================================================
``pass_fail``  ``{"passed": true}``
``graded``     ``{"grade": "A"}``
``count``      ``{"count": "3"}``; with ``per`` also the amount measured: ``{"count": "3", "of": "600"}``
``deduction``  ``{"deductions": [{"reason": "litter", "points": "1.5"}]}``, empty when nothing was found;
               other keys of a deduction (note, photos) are none of this module's business
``veto``       ``{"vetoed": false}``
=============  =================================================================
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from wenming_api.city.criteria.rules import (
    Count,
    CountMode,
    Deduction,
    DeductionReason,
    Grade,
    Graded,
    InvalidRule,
    PassFail,
    RuleKind,
    ScoringRule,
    Veto,
    VetoScope,
    check_rule,
    number,
    rule_from_json,
    rule_to_json,
    show,
)
from wenming_api.kit.problems import FieldError

__all__ = [
    "NOT_APPLICABLE",
    "Count",
    "CountMode",
    "Deduction",
    "DeductionReason",
    "DutyRole",
    "Grade",
    "Graded",
    "InvalidEntry",
    "InvalidRule",
    "LineScore",
    "ListKind",
    "Outcome",
    "PassFail",
    "RuleKind",
    "ScoringRule",
    "SystemState",
    "Veto",
    "VetoScope",
    "check_rule",
    "deducted",
    "rule_from_json",
    "rule_to_json",
    "score_line",
]

MAX_DEDUCTIONS = 200


class Outcome(StrEnum):
    """How a line ended."""

    SCORED = "scored"
    NOT_APPLICABLE = "not_applicable"
    VETO = "veto"

    @property
    def label(self) -> str:
        return {"scored": "已评分", "not_applicable": "不适用", "veto": "一票否决"}[self.value]


class SystemState(StrEnum):
    """States of an indicator system (测评体系)."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        return {"draft": "草稿", "published": "已发布", "retired": "已停用"}[self.value]


class ListKind(StrEnum):
    """Which list a standard is on.

    Regular ones make the score; a bonus item (特色) adds what it achieved; a negative item (负面清单) takes away
    what it lost (its maximum less what it achieved).
    """

    REGULAR = "regular"
    BONUS = "bonus"
    NEGATIVE = "negative"

    @property
    def label(self) -> str:
        return {"regular": "基本", "bonus": "特色加分", "negative": "负面清单"}[self.value]


class DutyRole(StrEnum):
    """A department's part in a standard: 牵头 (the first named) or 配合."""

    LEAD = "lead"
    CO = "co"

    @property
    def label(self) -> str:
        return {"lead": "牵头", "co": "配合"}[self.value]


@dataclass(frozen=True, slots=True)
class LineScore:
    """What a line came to. ``achieved`` is None when not applicable and 0 for a veto, whose scope is then set."""

    outcome: Outcome
    achieved: Fraction | None
    veto_scope: VetoScope | None = None


NOT_APPLICABLE = LineScore(Outcome.NOT_APPLICABLE, None)


class InvalidEntry(ValueError):
    """An entry does not fit the rule; ``errors`` point into its JSON, messages in Chinese."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.errors = [FieldError(pointer, message)]


def score_line(rule: ScoringRule, max_score: Fraction | Decimal | int, entry: Mapping[str, Any]) -> LineScore:
    """Score one line by its rule.

    The result lies between the rule's floor (0) and ``max_score``. Raises :class:`InvalidEntry`.
    """
    if entry.get("not_applicable") is True:
        return NOT_APPLICABLE
    most = Fraction(max_score)
    match rule:
        case PassFail():
            return _scored(most if _flag(entry, "passed", "请选择符合或不符合") else Fraction(0))
        case Graded():
            return _scored(most * _factor(rule, entry.get("grade")))
        case Count():
            return _scored(most * _fulfilment(rule, entry))
        case Deduction():
            return _scored(max(min(rule.floor, most), most - deducted(rule, most, entry)))
        case Veto():
            if _flag(entry, "vetoed", "请选择是否触发否决"):
                return LineScore(Outcome.VETO, Fraction(0), rule.scope)
            return _scored(most)


def deducted(rule: Deduction, max_score: Fraction | Decimal | int, entry: Mapping[str, Any]) -> Fraction:
    """What an entry's deductions take together: each reason up to its cap. Raises :class:`InvalidEntry`."""
    lines = entry.get("deductions")
    if not isinstance(lines, Sequence) or isinstance(lines, str | bytes):
        raise InvalidEntry("/deductions", "请填写扣分项，没有扣分时为空列表")
    if len(lines) > MAX_DEDUCTIONS:
        raise InvalidEntry("/deductions", f"扣分项不得超过 {MAX_DEDUCTIONS} 条")
    reasons = {reason.code: reason for reason in rule.reasons}
    taken: dict[str, Fraction] = {}
    for place, line in enumerate(lines):
        pointer = f"/deductions/{place}"
        if not isinstance(line, Mapping):
            raise InvalidEntry(pointer, "扣分项格式有误")
        code = line.get("reason")
        reason = reasons.get(code) if isinstance(code, str) else None
        if reason is None:
            raise InvalidEntry(f"{pointer}/reason", "扣分原因不在该标准的扣分项之内")
        points = _deduction_points(reason, Fraction(max_score), line.get("points"), f"{pointer}/points")
        taken[reason.code] = taken.get(reason.code, Fraction(0)) + points
    return sum(
        (points if (cap := reasons[code].cap) is None else min(cap, points) for code, points in taken.items()),
        Fraction(0),
    )


def _deduction_points(reason: DeductionReason, most: Fraction, given: object, pointer: str) -> Fraction:
    if given is None and reason.points is not None:
        return reason.points
    points = number(given)
    if points is None or points <= 0:
        raise InvalidEntry(pointer, "扣分应为大于 0 的数")
    if reason.points is None:
        if points > most:
            raise InvalidEntry(pointer, "扣分不得超过该标准的分值")
    elif (points / reason.points).denominator != 1:
        raise InvalidEntry(pointer, f"“{reason.label}”每处扣 {show(reason.points)} 分，扣分应为其整数倍")
    return points


def _factor(rule: Graded, code: object) -> Fraction:
    for grade in rule.grades:
        if grade.code == code:
            return grade.factor
    raise InvalidEntry("/grade", f"档次应为下列之一：{'、'.join(grade.code for grade in rule.grades)}")


def _fulfilment(rule: Count, entry: Mapping[str, Any]) -> Fraction:
    count = number(entry.get("count"))
    if count is None or count < 0:
        raise InvalidEntry("/count", "数量应为不小于 0 的数")
    if rule.per is not None:
        amount = number(entry.get("of"))
        if amount is None or amount <= 0:
            raise InvalidEntry("/of", f"请填写实测总量（{rule.per_unit or '基数'}），应大于 0")
        count = count * rule.per / amount
    if rule.mode is CountMode.THRESHOLD:
        return Fraction(count >= rule.required)
    return min(Fraction(1), count / rule.required)


def _scored(achieved: Fraction) -> LineScore:
    return LineScore(Outcome.SCORED, achieved)


def _flag(entry: Mapping[str, Any], key: str, message: str) -> bool:
    value = entry.get(key)
    if not isinstance(value, bool):
        raise InvalidEntry(f"/{key}", message)
    return value
