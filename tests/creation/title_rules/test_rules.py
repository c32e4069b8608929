"""The arithmetic of an assessment, and what comes with the product."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.creation.title_rules.rules import (
    Answer,
    Item,
    TitleKind,
    TitleLevel,
    Veto,
    assess,
    base_rules,
    publication_gaps,
)

POINTS = st.decimals(min_value="0.0000000001", max_value=1000, places=10)
SCORES = st.decimals(min_value=-5, max_value=1005, places=10)


@st.composite
def rules(draw):
    count = draw(st.integers(0, 8))
    items = [Item(str(no), "", "内容", draw(st.none() | POINTS), "", draw(st.booleans())) for no in range(count)]
    vetoes = [Veto(f"V{no}", "否决") for no in range(draw(st.integers(0, 3)))]
    codes = [str(no) for no in range(count + 2)]
    answered = draw(st.lists(st.sampled_from(codes), unique=True, max_size=count))
    answers = [Answer(code, draw(SCORES), draw(st.integers(0, 2))) for code in answered]
    declared = draw(st.dictionaries(st.sampled_from(["V0", "V1", "V2", "V3"]), st.booleans()))
    return items, vetoes, answers, declared, draw(st.none() | POINTS)


@given(given=rules())
def test_an_assessment_is_the_exact_sum_and_names_every_gap(given):
    items, vetoes, answers, declared, pass_score = given
    judged = assess(items, vetoes, answers=answers, declared=declared, pass_score=pass_score)
    scores = {answer.code: answer for answer in answers}
    by_code = {item.code: item for item in items}
    counted = [
        Fraction(answer.score)
        for answer in answers
        if answer.code in by_code
        and answer.score >= 0
        and (by_code[answer.code].points is None or answer.score <= by_code[answer.code].points)
    ]
    assert Fraction(judged.total) == sum(counted, Fraction(0))
    assert judged.total >= 0
    assert set(judged.unanswered) == by_code.keys() - scores.keys()
    assert set(judged.over) | {a.code for a in answers if a.code in by_code and Fraction(a.score) in counted} == (
        scores.keys() & by_code.keys()
    )
    assert set(judged.hit) == {veto.code for veto in vetoes if declared.get(veto.code)}
    assert set(judged.unknown) == (scores.keys() | declared.keys()) - by_code.keys() - {v.code for v in vetoes}
    assert judged.passed == (not judged.hit and (pass_score is None or judged.total >= pass_score))
    whole = not (
        judged.unanswered or judged.unproven or judged.over or judged.unknown or judged.undeclared or judged.hit
    )
    assert (judged.gaps == []) == whole


@given(points=st.lists(st.none() | POINTS, max_size=6), pass_score=st.none() | POINTS)
def test_a_rule_is_published_only_when_it_can_be_passed(points, pass_score):
    items = [Item(str(no), "", "内容", each, "", False) for no, each in enumerate(points)]
    reachable = pass_score is None or pass_score <= sum((each or 0 for each in points), start=Decimal(0))
    assert (publication_gaps(items, pass_score=pass_score) == []) == (bool(points) and None not in points and reachable)


def test_levels_rise_in_order():
    assert [level.rank for level in TitleLevel] == [0, 1, 2, 3, 4]


def test_the_samples_are_what_was_published():
    rules = {rule.code: rule for rule in base_rules()}
    national = rules["unit-national-2012"]
    assert [item.code for item in national.items if item.section == "学雷锋活动"] == ["1-1", "1-2", "1-3"]
    assert [item.points for item in national.items if item.section == "学雷锋活动"] == [4, 4, 3]
    assert len({item.section for item in national.items}) == 13
    assert len(national.vetoes) == 4
    assert national.source.startswith("http")
    assert sum(item.points for item in rules["campus-xiangyang"].items if item.points) == 4 * 5 + 5 * 3
    assert {rule.kind for rule in rules.values()} == {TitleKind.UNIT, TitleKind.CAMPUS}
    for rule in rules.values():
        assert len({item.code for item in rule.items}) == len(rule.items)
        assert Item.from_json(rule.items[0].to_json()) == rule.items[0]
