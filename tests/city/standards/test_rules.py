"""Scoring rules: the lines of the worked example, bounds, monotonicity, and what is refused."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.standards.rules import (
    NOT_APPLICABLE,
    Count,
    CountMode,
    Deduction,
    DeductionReason,
    Grade,
    Graded,
    InvalidEntry,
    InvalidRule,
    Outcome,
    PassFail,
    ScoringRule,
    Veto,
    VetoScope,
    check_rule,
    rule_from_json,
    rule_to_json,
    score_line,
)

LITTER = DeductionReason("litter", "乱扔垃圾")
NOISE = DeductionReason("noise", "大声喧哗", points=Fraction(1, 2), cap=Fraction(2))
DEDUCTION = Deduction((LITTER, NOISE), photo_required=True)
GRADED = Graded((Grade("A", "好", Fraction(1)), Grade("B", "中", Fraction(3, 5)), Grade("C", "差", Fraction(0))))
FIVE = Count(Fraction(5), CountMode.PROPORTION, "处")
PER_300_M = Count(Fraction(5), CountMode.PROPORTION, "处", Fraction(300), "米")
HOARDING = Count(Fraction(30), CountMode.THRESHOLD, "平方米", Fraction(100), "平方米")


@pytest.mark.parametrize(
    ("rule", "most", "entry", "achieved"),
    [
        # The lines of the worked example of the roll-up.
        (PassFail(), 4, {"passed": True}, Fraction(4)),
        (PassFail(), 4, {"passed": False}, Fraction(0)),
        (DEDUCTION, 6, {"deductions": [{"reason": "litter", "points": "1.5"}]}, Fraction(9, 2)),
        (DEDUCTION, 6, {"deductions": []}, Fraction(6)),
        (FIVE, 10, {"count": "3"}, Fraction(6)),
        (DEDUCTION, 6, {"deductions": [{"reason": "litter", "points": "1"}]}, Fraction(5)),
        # Others.
        (GRADED, Decimal("2.5"), {"grade": "B"}, Fraction(3, 2)),
        (FIVE, 10, {"count": 7}, Fraction(10)),
        (FIVE, 10, {"count": "0"}, Fraction(0)),
        (PER_300_M, 3, {"count": "5", "of": "300"}, Fraction(3)),
        (PER_300_M, 3, {"count": "5", "of": "900"}, Fraction(1)),
        (HOARDING, 5, {"count": "60", "of": "200"}, Fraction(5)),
        (HOARDING, 5, {"count": "59.9", "of": "200"}, Fraction(0)),
        (DEDUCTION, 6, {"deductions": [{"reason": "noise"}] * 9}, Fraction(4)),
        (DEDUCTION, 6, {"deductions": [{"reason": "noise", "points": "1.5"}]}, Fraction(9, 2)),
        (DEDUCTION, 6, {"deductions": [{"reason": "litter", "points": "6"}] * 3}, Fraction(0)),
        (Deduction((LITTER,), Fraction(2)), 6, {"deductions": [{"reason": "litter", "points": "5"}]}, Fraction(2)),
        (Veto(VetoScope.SITE), 5, {"vetoed": False}, Fraction(5)),
    ],
)
def test_lines(rule: ScoringRule, most: Any, entry: dict[str, Any], achieved: Fraction) -> None:
    line = score_line(rule, most, entry)
    assert (line.outcome, line.achieved, line.veto_scope) == (Outcome.SCORED, achieved, None)


@pytest.mark.parametrize("scope", list(VetoScope))
def test_a_veto_carries_its_scope(scope: VetoScope) -> None:
    line = score_line(Veto(scope), 0, {"vetoed": True})
    assert (line.outcome, line.achieved, line.veto_scope) == (Outcome.VETO, Fraction(0), scope)


numbers = st.decimals("0.0001", "100000", places=4).map(Fraction)
codes = st.text("abcdefghij_", min_size=1, max_size=8)
labels = st.text(st.characters(categories=["Lo", "Nd"]), min_size=1, max_size=10)


@st.composite
def grades(draw: st.DrawFn) -> Graded:
    names = draw(st.lists(codes, min_size=1, max_size=5, unique=True))
    factors = [Fraction(1), *draw(st.lists(st.decimals(0, 1, places=3).map(Fraction), min_size=4, max_size=4))]
    return Graded(tuple(Grade(name, draw(labels), factor) for name, factor in zip(names, factors, strict=False)))


@st.composite
def deductions(draw: st.DrawFn) -> Deduction:
    names = draw(st.lists(codes, min_size=1, max_size=5, unique=True))
    reasons = tuple(
        DeductionReason(name, draw(labels), draw(st.none() | numbers), draw(st.none() | numbers)) for name in names
    )
    return Deduction(reasons, draw(st.just(Fraction(0)) | numbers), draw(st.booleans()))


counts = st.builds(Count, numbers, st.sampled_from(CountMode), labels, st.none() | numbers, st.just("") | labels)
rules = st.just(PassFail()) | st.sampled_from(VetoScope).map(Veto) | grades() | counts | deductions()


def entries(rule: ScoringRule, most: Fraction) -> st.SearchStrategy[dict[str, Any]]:
    """Entries that fit the rule."""
    match rule:
        case PassFail():
            return st.fixed_dictionaries({"passed": st.booleans()})
        case Graded():
            return st.fixed_dictionaries({"grade": st.sampled_from([grade.code for grade in rule.grades])})
        case Count():
            amount = st.decimals(0, 1000, places=2).map(str)
            return st.fixed_dictionaries({"count": amount, "of": st.integers(1, 1000)})
        case Veto():
            return st.fixed_dictionaries({"vetoed": st.booleans()})
        case Deduction():
            lines = []
            for reason in rule.reasons:
                one: st.SearchStrategy[dict[str, Any]]
                if reason.points is None:
                    taken = st.integers(1, int(most)).map(str)
                    one = st.fixed_dictionaries({"reason": st.just(reason.code), "points": taken})
                else:
                    one = st.just({"reason": reason.code})
                lines.append(one)
            return st.lists(st.one_of(lines), max_size=8).map(lambda found: {"deductions": found})


@given(st.data(), rules, st.integers(1, 100))
def test_every_line_lies_between_floor_and_maximum(data: st.DataObject, rule: ScoringRule, most: int) -> None:
    line = score_line(rule, most, data.draw(entries(rule, Fraction(most))))
    assert line.achieved is not None
    floor = min(rule.floor, most) if isinstance(rule, Deduction) else 0
    assert floor <= line.achieved <= most
    assert (line.veto_scope is not None) == (line.outcome is Outcome.VETO)


@given(st.data(), deductions(), st.integers(1, 100))
def test_one_more_deduction_never_raises_the_score(data: st.DataObject, rule: Deduction, most: int) -> None:
    found = data.draw(entries(rule, Fraction(most)))["deductions"]
    steps = [score_line(rule, most, {"deductions": found[:size]}).achieved for size in range(len(found) + 1)]
    assert steps == sorted(steps, reverse=True)


@given(counts, st.integers(1, 100), st.lists(st.integers(0, 1000), min_size=2, max_size=6))
def test_counting_more_never_lowers_the_score(rule: Count, most: int, found: list[int]) -> None:
    scores = [score_line(rule, most, {"count": count, "of": 7}).achieved for count in sorted(found)]
    assert scores == sorted(scores)


@given(rules, st.integers(0, 100))
def test_not_applicable_is_open_to_every_rule(rule: ScoringRule, most: int) -> None:
    assert score_line(rule, most, {"not_applicable": True}) == NOT_APPLICABLE


@given(rules)
def test_rules_survive_json(rule: ScoringRule) -> None:
    assert rule_from_json(rule_to_json(rule)) == rule


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
keys = st.sampled_from(
    ["kind", "grades", "required", "mode", "unit", "per", "per_unit", "reasons", "floor", "photo_required", "scope",
     "not_applicable", "passed", "grade", "count", "of", "deductions", "vetoed"]
)  # fmt: skip
kinds = st.sampled_from(["pass_fail", "graded", "count", "deduction", "veto"])


@given(st.dictionaries(keys, json_values), kinds | json_values)
def test_any_json_is_a_rule_or_refused(document: dict[str, Any], kind: Any) -> None:
    try:
        rule = rule_from_json({**document, "kind": kind})
    except InvalidRule:
        return
    else:
        assert rule_from_json(rule_to_json(rule)) == rule


@given(rules, st.dictionaries(keys, json_values))
def test_any_json_is_an_entry_or_refused(rule: ScoringRule, entry: dict[str, Any]) -> None:
    try:
        line = score_line(rule, 5, entry)
    except InvalidEntry:
        return
    else:
        assert line.achieved is None or 0 <= line.achieved <= 5


@pytest.mark.parametrize(
    ("rule", "entry", "pointer"),
    [
        (PassFail(), {}, "/passed"),
        (PassFail(), {"passed": "yes"}, "/passed"),
        (GRADED, {"grade": "D"}, "/grade"),
        (FIVE, {"count": "-1"}, "/count"),
        (FIVE, {"count": 1.5}, "/count"),
        (FIVE, {"count": "NaN"}, "/count"),
        (FIVE, {"count": "1e99"}, "/count"),
        (PER_300_M, {"count": "1"}, "/of"),
        (PER_300_M, {"count": "1", "of": "0"}, "/of"),
        (DEDUCTION, {}, "/deductions"),
        (DEDUCTION, {"deductions": [{"reason": "other", "points": "1"}]}, "/deductions/0/reason"),
        (DEDUCTION, {"deductions": [{"reason": "litter"}]}, "/deductions/0/points"),
        (DEDUCTION, {"deductions": [{"reason": "litter", "points": "0"}]}, "/deductions/0/points"),
        (DEDUCTION, {"deductions": [{"reason": "litter", "points": "11"}]}, "/deductions/0/points"),
        (DEDUCTION, {"deductions": [{"reason": "noise", "points": "0.7"}]}, "/deductions/0/points"),
        (Veto(VetoScope.SITE), {"not_applicable": False}, "/vetoed"),
    ],
)
def test_entries_that_do_not_fit_are_refused(rule: ScoringRule, entry: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidEntry) as refused:
        score_line(rule, 10, entry)
    assert refused.value.errors[0].pointer == pointer


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"kind": "magic"}, "/kind"),
        ({"kind": "graded", "grades": []}, "/grades"),
        ({"kind": "graded", "grades": [{"code": "A", "label": "好", "factor": "0.9"}]}, "/grades"),
        ({"kind": "graded", "grades": [{"code": "A", "label": "好", "factor": "1.1"}]}, "/grades/0/factor"),
        ({"kind": "graded", "grades": [{"code": "A", "label": "好", "factor": "1"}] * 2}, "/grades"),
        ({"kind": "count", "mode": "proportion", "required": "0"}, "/required"),
        ({"kind": "count", "mode": "half", "required": "5"}, "/mode"),
        ({"kind": "deduction", "reasons": [{"code": "", "label": "无"}]}, "/reasons/0/code"),
        ({"kind": "deduction", "reasons": [{"code": "a", "label": "无", "cap": "-1"}]}, "/reasons/0/cap"),
        ({"kind": "deduction", "reasons": [{"code": "a", "label": "无"}], "floor": "x"}, "/floor"),
        ({"kind": "veto", "scope": "planet"}, "/scope"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(document: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRule) as refused:
        rule_from_json(document)
    assert pointer in {error.pointer for error in refused.value.errors}


@pytest.mark.parametrize(
    ("rule", "most", "pointer"),
    [
        (PassFail(), 0, "/max_score"),
        (PassFail(), -1, "/max_score"),
        (Deduction((LITTER,), Fraction(5)), 4, "/rule/floor"),
        (Deduction((NOISE,)), Decimal("0.4"), "/rule/reasons/0/points"),
    ],
)
def test_rules_must_fit_the_maximum(rule: ScoringRule, most: Any, pointer: str) -> None:
    assert [error.pointer for error in check_rule(rule, most)] == [pointer]
    assert check_rule(rule, 10) == []
    assert check_rule(Veto(VetoScope.REGION), 0) == []
