"""Scoring rules (评分标准) as data: what kinds there are, how each is written as JSON, and when one contradicts itself.

What a line earns by a rule is `city.standards.rules.score_line`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypeVar

from wenming_api.kit.problems import FieldError

MAX_GRADES = 20
MAX_REASONS = 100
MAX_NUMBER = Fraction(10**9)

EnumT = TypeVar("EnumT", bound=StrEnum)


class RuleKind(StrEnum):
    """The kinds of scoring rule (评分方式)."""

    PASS_FAIL = "pass_fail"  # noqa: S105 (no password)
    GRADED = "graded"
    COUNT = "count"
    DEDUCTION = "deduction"
    VETO = "veto"

    @property
    def label(self) -> str:
        return _KIND_LABELS[self]


_KIND_LABELS = {
    RuleKind.PASS_FAIL: "符合/不符合",
    RuleKind.GRADED: "分档",
    RuleKind.COUNT: "计数",
    RuleKind.DEDUCTION: "扣分",
    RuleKind.VETO: "一票否决",
}


class CountMode(StrEnum):
    """What fewer than required earns: points in proportion, or none."""

    PROPORTION = "proportion"
    THRESHOLD = "threshold"

    @property
    def label(self) -> str:
        return {"proportion": "按比例得分", "threshold": "达标得分"}[self.value]


class VetoScope(StrEnum):
    """What a veto brings down."""

    SITE = "site"
    REGION = "region"
    ASSESSMENT = "assessment"

    @property
    def label(self) -> str:
        return {"site": "点位", "region": "区域", "assessment": "整次测评"}[self.value]


@dataclass(frozen=True, slots=True)
class PassFail:
    """符合 earns the maximum, 不符合 nothing."""

    @property
    def kind(self) -> RuleKind:
        return RuleKind.PASS_FAIL


@dataclass(frozen=True, slots=True)
class Grade:
    """One level of a graded rule; ``factor`` is the part of the maximum that it earns, 0 to 1."""

    code: str
    label: str
    factor: Fraction


@dataclass(frozen=True, slots=True)
class Graded:
    """The maximum times the factor of the level chosen; levels and factors are data."""

    grades: tuple[Grade, ...]

    @property
    def kind(self) -> RuleKind:
        return RuleKind.GRADED


@dataclass(frozen=True, slots=True)
class Count:
    """Things counted against a requirement: ``required`` of ``unit``, for every ``per`` of ``per_unit`` if given.

    "≥ 5 处 per 300 米" is required 5, per 300; "≥ 30 % of the hoarding's area" is required 30, per 100.
    """

    required: Fraction
    mode: CountMode
    unit: str = ""
    per: Fraction | None = None
    per_unit: str = ""

    @property
    def kind(self) -> RuleKind:
        return RuleKind.COUNT


@dataclass(frozen=True, slots=True)
class DeductionReason:
    """Why points may be taken.

    ``points`` is what one finding costs; without it the assessor says how much. ``cap`` bounds what all findings with
    this reason take together.
    """

    code: str
    label: str
    points: Fraction | None = None
    cap: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Deduction:
    """The maximum less what was deducted, never below ``floor``. ``photo_required``: each deduction shows a photo."""

    reasons: tuple[DeductionReason, ...]
    floor: Fraction = Fraction(0)
    photo_required: bool = False

    @property
    def kind(self) -> RuleKind:
        return RuleKind.DEDUCTION


@dataclass(frozen=True, slots=True)
class Veto:
    """Found, it brings down ``scope``; not found, the line earns its maximum."""

    scope: VetoScope

    @property
    def kind(self) -> RuleKind:
        return RuleKind.VETO


ScoringRule = PassFail | Graded | Count | Deduction | Veto


class InvalidRule(ValueError):
    """A scoring rule contradicts itself; ``errors`` point into its JSON, messages in Chinese."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("；".join(error.message for error in errors))
        self.errors = list(errors)


def number(value: object) -> Fraction | None:
    """Whole numbers and decimals written as text; floats are refused, since they are not what was typed."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    if isinstance(value, str) and len(value) > 40:
        return None
    try:
        written = Decimal(value)
    except InvalidOperation:
        return None
    if not written.is_finite() or abs(written.adjusted()) > 20:
        return None
    found = Fraction(written)
    return found if abs(found) <= MAX_NUMBER else None


def show(exact: Fraction) -> str:
    """A fraction that came from a decimal, as that decimal's shortest text."""
    text = f"{Decimal(exact.numerator) / Decimal(exact.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rule_to_json(rule: ScoringRule) -> dict[str, Any]:
    """The rule as JSON, decimals as text; equal rules give equal JSON."""
    match rule:
        case PassFail():
            return {"kind": rule.kind.value}
        case Graded():
            grades = [{"code": g.code, "label": g.label, "factor": show(g.factor)} for g in rule.grades]
            return {"kind": rule.kind.value, "grades": grades}
        case Count():
            return {
                "kind": rule.kind.value,
                "required": show(rule.required),
                "mode": rule.mode.value,
                "unit": rule.unit,
                "per": _shown(rule.per),
                "per_unit": rule.per_unit,
            }
        case Deduction():
            reasons = [
                {"code": r.code, "label": r.label, "points": _shown(r.points), "cap": _shown(r.cap)}
                for r in rule.reasons
            ]
            return {
                "kind": rule.kind.value,
                "reasons": reasons,
                "floor": show(rule.floor),
                "photo_required": rule.photo_required,
            }
        case Veto():
            return {"kind": rule.kind.value, "scope": rule.scope.value}


def rule_from_json(document: Mapping[str, Any]) -> ScoringRule:
    """Read what :func:`rule_to_json` wrote, or what a user sent. Raises :class:`InvalidRule`."""
    return _RuleReader(document).read()


def check_rule(rule: ScoringRule, max_score: Fraction | Decimal | int) -> list[FieldError]:
    """What is wrong with a rule for a standard of this maximum; pointers into the rule's JSON."""
    most = Fraction(max_score)
    if most < 0:
        return [FieldError("/max_score", "分值不得小于 0")]
    if isinstance(rule, Veto):
        return []
    if most == 0:
        return [FieldError("/max_score", "分值应大于 0（仅一票否决项可为 0）")]
    if isinstance(rule, Deduction):
        if rule.floor > most:
            return [FieldError("/rule/floor", "扣分下限不得超过分值")]
        return [
            FieldError(f"/rule/reasons/{place}/points", "每处扣分不得超过分值")
            for place, reason in enumerate(rule.reasons)
            if reason.points is not None and reason.points > most
        ]
    return []


def _shown(exact: Fraction | None) -> str | None:
    return None if exact is None else show(exact)


class _RuleReader:
    """Reads a rule from JSON, collecting every mistake before it raises."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._errors: list[FieldError] = []

    def read(self) -> ScoringRule:
        try:
            kind = RuleKind(self._document.get("kind", ""))
        except (ValueError, TypeError):
            raise InvalidRule([FieldError("/kind", f"评分方式应为：{'、'.join(RuleKind)}")]) from None
        rule: ScoringRule
        match kind:
            case RuleKind.PASS_FAIL:
                rule = PassFail()
            case RuleKind.GRADED:
                rule = self._graded()
            case RuleKind.COUNT:
                rule = self._count()
            case RuleKind.DEDUCTION:
                rule = self._deduction()
            case RuleKind.VETO:
                rule = Veto(self._enum(VetoScope, self._document.get("scope"), "/scope", VetoScope.SITE))
        if self._errors:
            raise InvalidRule(self._errors)
        return rule

    def _graded(self) -> Graded:
        grades = []
        for place, item in enumerate(self._items("grades", MAX_GRADES)):
            pointer = f"/grades/{place}"
            factor = self._bounded(item.get("factor"), f"{pointer}/factor", Fraction(0), Fraction(1))
            grades.append(Grade(*self._named(item, pointer), factor))
        self._distinct([grade.code for grade in grades], "/grades", "档次")
        if grades and max(grade.factor for grade in grades) != 1:
            self._errors.append(FieldError("/grades", "应有一档的系数为 1"))
        return Graded(tuple(grades))

    def _count(self) -> Count:
        smallest = Fraction(1, 10**6)
        per = self._document.get("per")
        return Count(
            required=self._bounded(self._document.get("required"), "/required", smallest, MAX_NUMBER),
            mode=self._enum(CountMode, self._document.get("mode"), "/mode", CountMode.PROPORTION),
            unit=self._text(self._document.get("unit") or "", "/unit", 20),
            per=None if per is None else self._bounded(per, "/per", smallest, MAX_NUMBER),
            per_unit=self._text(self._document.get("per_unit") or "", "/per_unit", 20),
        )

    def _deduction(self) -> Deduction:
        reasons = []
        for place, item in enumerate(self._items("reasons", MAX_REASONS)):
            pointer = f"/reasons/{place}"
            code, label = self._named(item, pointer)
            points = self._optional(item.get("points"), f"{pointer}/points")
            cap = self._optional(item.get("cap"), f"{pointer}/cap")
            reasons.append(DeductionReason(code, label, points, cap))
        self._distinct([reason.code for reason in reasons], "/reasons", "扣分原因")
        floor = self._document.get("floor")
        photo = self._document.get("photo_required", False)
        if not isinstance(photo, bool):
            self._errors.append(FieldError("/photo_required", "应为 true 或 false"))
        return Deduction(
            tuple(reasons),
            Fraction(0) if floor is None else self._bounded(floor, "/floor", Fraction(0), MAX_NUMBER),
            photo is True,
        )

    def _items(self, key: str, most: int) -> list[Mapping[str, Any]]:
        items = self._document.get(key)
        if not isinstance(items, Sequence) or isinstance(items, str | bytes) or not 1 <= len(items) <= most:
            self._errors.append(FieldError(f"/{key}", f"应有 1 至 {most} 项"))
            return []
        if not all(isinstance(item, Mapping) for item in items):
            self._errors.append(FieldError(f"/{key}", "格式有误"))
            return []
        return list(items)

    def _named(self, item: Mapping[str, Any], pointer: str) -> tuple[str, str]:
        code = self._text(item.get("code"), f"{pointer}/code", 40)
        label = self._text(item.get("label"), f"{pointer}/label", 200)
        if not code:
            self._errors.append(FieldError(f"{pointer}/code", "代码不能为空"))
        if not label:
            self._errors.append(FieldError(f"{pointer}/label", "名称不能为空"))
        return code, label

    def _text(self, value: object, pointer: str, most: int) -> str:
        if not isinstance(value, str) or len(value) > most:
            self._errors.append(FieldError(pointer, f"应为不超过 {most} 个字符的文字"))
            return ""
        return value.strip()

    def _distinct(self, codes: list[str], pointer: str, what: str) -> None:
        if len(set(codes)) != len(codes):
            self._errors.append(FieldError(pointer, f"{what}的代码重复"))

    def _optional(self, value: object, pointer: str) -> Fraction | None:
        return None if value is None else self._bounded(value, pointer, Fraction(1, 10**6), MAX_NUMBER)

    def _bounded(self, value: object, pointer: str, least: Fraction, most: Fraction) -> Fraction:
        found = number(value)
        # More than ten decimals would not survive being shown.
        if found is None or not least <= found <= most or (found * 10**10).denominator != 1:
            self._errors.append(FieldError(pointer, f"应为 {show(least)} 至 {show(most)} 的数，至多 10 位小数"))
            return most
        return found

    def _enum(self, kind: type[EnumT], value: object, pointer: str, otherwise: EnumT) -> EnumT:
        try:
            return kind(value)  # type: ignore[arg-type]
        except ValueError:
            self._errors.append(FieldError(pointer, f"应为：{'、'.join(kind)}"))
            return otherwise
