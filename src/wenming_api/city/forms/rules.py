"""Judging a filled-in form (C3.3). Pure; what a single line is worth is `city.standards.rules.score_line`.

A submission arrives here as plain JSON-like mappings that the schemas have already typed:
`{"lines": [{"standard_id", "entry": {…, "deductions": [{"reason", "points", "note", "photos"}]}, "note", "photos"}]}`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from wenming_api.city.standards.rules import (
    Deduction,
    InvalidEntry,
    LineScore,
    ListKind,
    Outcome,
    RuleKind,
    ScoringRule,
    score_line,
)
from wenming_api.kit.problems import FieldError

_STORED: Final = Decimal("1e-10")

_ENTRY_KEYS: Final[Mapping[RuleKind, frozenset[str]]] = {
    RuleKind.PASS_FAIL: frozenset({"passed"}),
    RuleKind.GRADED: frozenset({"grade"}),
    RuleKind.COUNT: frozenset({"count", "of"}),
    RuleKind.DEDUCTION: frozenset({"deductions"}),
    RuleKind.VETO: frozenset({"vetoed"}),
}


@dataclass(frozen=True, slots=True)
class FormItem:
    """One standard to judge. `requires_photo`: whoever takes points shows why."""

    standard_id: UUID
    code: str
    rule: ScoringRule
    max_score: Decimal
    list_kind: ListKind
    requires_photo: bool


Form = Mapping[UUID, FormItem]
"""All standards to judge at a site of one type, by id."""


@dataclass(frozen=True, slots=True)
class JudgedDeduction:
    """One deduction, `no` from 1 in its line."""

    no: int
    points: Decimal
    reason_code: str
    note: str | None


@dataclass(frozen=True, slots=True)
class ShownPhoto:
    """A photo of a line; `deduction_no` says which deduction it shows, if one."""

    no: int
    deduction_no: int | None
    file_id: UUID
    taken_at: datetime | None
    longitude: Decimal | None
    latitude: Decimal | None


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """What one line came to; figures as they are stored (ten decimals, half-up)."""

    standard_id: UUID
    outcome: Outcome
    achieved: Decimal | None
    max_score: Decimal
    entry: dict[str, Any]
    note: str | None
    deductions: tuple[JudgedDeduction, ...]
    photos: tuple[ShownPhoto, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A whole form: its lines, and the sums over the applicable regular ones."""

    lines: tuple[JudgedLine, ...]
    achieved: Decimal
    max_score: Decimal
    vetoed: bool


class InvalidSubmission(ValueError):
    """A filled-in form cannot be judged; `errors` point into it, messages in Chinese."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("；".join(error.message for error in errors))
        self.errors = list(errors)


def stored(value: Fraction) -> Decimal:
    """The figure as it is stored: ten decimals, rounded half-up."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        return exact.quantize(_STORED, rounding=ROUND_HALF_UP)


def judge(form: Form, lines: Sequence[Mapping[str, Any]]) -> Judgement:
    """Judge a filled-in form, every regular standard of which has exactly one line.

    Raises:
        InvalidSubmission: with everything that is wrong, not only the first.
    """
    errors: list[FieldError] = []
    judged: list[JudgedLine] = []
    seen: set[UUID] = set()
    achieved = most = Fraction(0)
    vetoed = False
    for place, line in enumerate(lines):
        pointer = f"/lines/{place}"
        standard_id = line["standard_id"]
        item = form.get(standard_id)
        if item is None:
            errors.append(FieldError(f"{pointer}/standard_id", "该标准不在本测评表内"))
            continue
        if standard_id in seen:
            errors.append(FieldError(f"{pointer}/standard_id", f"标准 {item.code} 重复"))
            continue
        seen.add(standard_id)
        found = list(_faults(item, line, pointer))
        score: LineScore | None = None
        if not found:
            try:
                score = score_line(item.rule, item.max_score, line["entry"])
            except InvalidEntry as wrong:
                found = [FieldError(f"{pointer}/entry{each.pointer}", each.message) for each in wrong.errors]
            else:
                found = list(_missing_photos(item, line, score, pointer))
        if found or score is None:
            errors += found
            continue
        if item.list_kind is ListKind.REGULAR and score.achieved is not None:
            achieved += score.achieved
            most += Fraction(item.max_score)
        vetoed = vetoed or score.outcome is Outcome.VETO
        judged.append(_judged(item, line, score))
    errors += [
        FieldError("/lines", f"缺少标准 {item.code}")
        for item in form.values()
        if item.list_kind is ListKind.REGULAR and item.standard_id not in seen
    ]
    if errors:
        raise InvalidSubmission(errors)
    return Judgement(tuple(judged), stored(achieved), stored(most), vetoed)


def _faults(item: FormItem, line: Mapping[str, Any], pointer: str) -> Iterator[FieldError]:
    """What does not fit the standard's kind of rule, before any arithmetic."""
    entry = line["entry"]
    given = entry.keys() - {"not_applicable"}
    if entry.get("not_applicable"):
        if given:
            yield FieldError(f"{pointer}/entry", "不适用的标准不能再填写评分内容")
        if not line.get("note"):
            yield FieldError(f"{pointer}/note", "请说明不适用的原因")
        return
    foreign = given - _ENTRY_KEYS[item.rule.kind]
    if foreign:
        yield FieldError(f"{pointer}/entry/{min(foreign)}", f"与该标准的评分方式（{item.rule.kind.label}）不符")
    if isinstance(item.rule, Deduction):
        caps = {reason.code: reason.cap for reason in item.rule.reasons if reason.points is None}
        for place, each in enumerate(entry.get("deductions") or ()):
            cap = caps.get(each["reason"])
            if cap is not None and each.get("points") is not None and Fraction(each["points"]) > cap:
                yield FieldError(f"{pointer}/entry/deductions/{place}/points", "扣分超过该扣分原因的上限")


def _missing_photos(item: FormItem, line: Mapping[str, Any], score: LineScore, pointer: str) -> Iterator[FieldError]:
    if isinstance(item.rule, Deduction):
        if item.requires_photo or item.rule.photo_required:
            for place, each in enumerate(line["entry"].get("deductions") or ()):
                if not each.get("photos"):
                    where = f"{pointer}/entry/deductions/{place}/photos"
                    yield FieldError(where, "该扣分项至少需要一张照片")
        return
    lost = score.achieved is not None and score.achieved < item.max_score
    if item.requires_photo and (lost or score.outcome is Outcome.VETO) and not line.get("photos"):
        yield FieldError(f"{pointer}/photos", "失分的标准至少需要一张照片")


def _judged(item: FormItem, line: Mapping[str, Any], score: LineScore) -> JudgedLine:
    deductions: list[JudgedDeduction] = []
    photos: list[tuple[int | None, Any]] = [(None, photo) for photo in line.get("photos") or ()]
    entry = {key: _plain(value) for key, value in line["entry"].items() if key != "deductions"}
    if isinstance(item.rule, Deduction) and "deductions" in line["entry"]:
        usual = {reason.code: reason.points for reason in item.rule.reasons}
        for no, each in enumerate(line["entry"]["deductions"], 1):
            points = each.get("points")
            fixed = usual[each["reason"]]
            points = stored(fixed if points is None and fixed is not None else Fraction(points))
            deductions.append(JudgedDeduction(no, points, each["reason"], each.get("note")))
            photos += [(no, photo) for photo in each.get("photos") or ()]
        entry["deductions"] = [{"reason": each.reason_code, "points": plain(each.points)} for each in deductions]
    return JudgedLine(
        standard_id=item.standard_id,
        outcome=score.outcome,
        achieved=None if score.achieved is None else stored(score.achieved),
        max_score=item.max_score,
        entry=entry,
        note=line.get("note"),
        deductions=tuple(deductions),
        photos=tuple(
            ShownPhoto(
                no=no,
                deduction_no=deduction_no,
                file_id=photo["file_id"],
                taken_at=photo.get("taken_at"),
                longitude=photo.get("longitude"),
                latitude=photo.get("latitude"),
            )
            for no, (deduction_no, photo) in enumerate(photos, 1)
        ),
    )


def plain(value: Decimal) -> str:
    """A decimal in its shortest plain text."""
    return format(value.normalize(), "f") if value else "0"


def _plain(value: object) -> object:
    return plain(value) if isinstance(value, Decimal) else value


def fingerprint(submission: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a submission's canonical form: equal contents, equal fingerprint.

    The order of keys and of lines, trailing zeros of figures, and the zone a time is written in do not
    matter; everything else does, the order of deductions and photos inside a line included.
    """
    lines: Sequence[Mapping[str, Any]] = submission.get("lines") or ()
    ordered = {**submission, "lines": sorted(lines, key=lambda line: str(line["standard_id"]))}
    text = json.dumps(ordered, default=_canonical, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, UUID):
        return str(value)
    message = f"a submission holds no {type(value).__name__}"
    raise TypeError(message)
