"""Whether an answer fits, and what it scores: against readings of the definition."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.answers.rules import AnswerOutcome, Judged, Line, fingerprint, judge, points
from wenming_api.city.questionnaires.rules import Condition, Option, Question, QuestionKind

SCREEN = Question(
    "age", QuestionKind.SINGLE, "年龄", screening=True, options=(Option("i", "内"), Option("o", "外", qualifies=False))
)
FIRST = Question(
    "a", QuestionKind.SINGLE, "甲", standard="s", max_score=Decimal(4),
    options=(Option("y", "是", Decimal(4)), Option("n", "否", Decimal(1)), Option("x", "不了解")),
)  # fmt: skip
WHY = Question(
    "b", QuestionKind.MULTIPLE, "乙", max_choices=2, show_if=Condition("a", ("n",)),
    options=tuple(Option(code, code) for code in "pqr"),
)  # fmt: skip
THEN = Question("c", QuestionKind.TEXT, "丙", required=False, show_if=Condition("b", ("q",)))
SCALE = Question("d", QuestionKind.SCALE, "丁", standard="s", max_score=Decimal(10), low=1, high=4)
ALL = (SCREEN, FIRST, WHY, THEN, SCALE)
IN, YES, NO = Line("age", ("i",)), Line("a", ("y",)), Line("a", ("n",))
FOUR = Line("d", number=4)


def _pointers(*lines: Line) -> list[str]:
    judged = judge(ALL, lines)
    assert isinstance(judged, list), "expected faults"
    return [fault.pointer for fault in judged]


def test_questions_follow_earlier_answers() -> None:
    assert judge(ALL, [FOUR, YES, IN]) == Judged(AnswerOutcome.COUNTED, (IN, YES, FOUR))
    why, then = Line("b", ("q", "p")), Line("c", text="写")
    judged = judge(ALL, [IN, NO, why, then, FOUR])
    assert judged == Judged(AnswerOutcome.COUNTED, (IN, NO, Line("b", ("p", "q")), then, FOUR))


def test_who_does_not_belong_to_the_sample_is_asked_nothing_further() -> None:
    out = Line("age", ("o",))
    assert judge(ALL, [out]) == Judged(AnswerOutcome.SCREENED_OUT, (out,))
    assert judge(ALL, [out, YES, FOUR]) == Judged(AnswerOutcome.SCREENED_OUT, (out,))


@pytest.mark.parametrize(
    ("lines", "pointers"),
    [
        ([IN, YES], ["/items"]),
        ([YES, FOUR], ["/items"]),
        ([IN, NO, FOUR], ["/items"]),
        ([IN, YES, Line("b", ("p",)), FOUR], ["/items/2/question"]),
        ([IN, NO, Line("b", ("p",)), Line("c", text="写"), FOUR], ["/items/3/question"]),
        ([IN, Line("a", ("y", "n")), FOUR], ["/items/1/choices"]),
        ([IN, NO, Line("b", ("p", "q", "r")), FOUR], ["/items/2/choices"]),
        ([IN, NO, Line("b", ("p", "p")), FOUR], ["/items/2/choices"]),
        ([IN, Line("a", ("z",)), FOUR], ["/items/1/choices"]),
        ([IN, YES, Line("d", number=5)], ["/items/2/number"]),
        ([IN, YES, Line("d", text="四")], ["/items/2/text"]),
        ([IN, Line("a", number=1), FOUR], ["/items/1/number"]),
        ([IN, YES, Line("d", ("y",))], ["/items/2/choices"]),
        ([IN, YES, FOUR, Line("zz", ("y",))], ["/items/3/question"]),
        ([IN, YES, FOUR, YES], ["/items/1/question"]),
    ],
)
def test_each_fault_is_named(lines: list[Line], pointers: list[str]) -> None:
    assert _pointers(*lines) == pointers


def test_points_are_exact() -> None:
    assert points(SCALE, (), 2) == Fraction(10, 3)
    assert points(FIRST, ("n",), None) == 1
    assert points(FIRST, ("x",), None) is None
    assert points(WHY, ("p",), None) is None


SCORES = st.decimals(min_value=0, max_value=10, places=3)


@given(st.lists(SCORES, min_size=1, max_size=6), SCORES.filter(bool), st.data())
def test_several_options_give_their_sum_up_to_the_maximum(
    scores: list[Decimal], most: Decimal, data: st.DataObject
) -> None:
    options = tuple(Option(str(place), "", score) for place, score in enumerate(scores))
    question = Question("m", QuestionKind.MULTIPLE, "", standard="s", max_score=most, options=options)
    chosen = data.draw(st.lists(st.sampled_from(range(len(scores))), min_size=1, unique=True))
    expected = min(Fraction(most), sum((Fraction(scores[place]) for place in chosen), Fraction(0)))
    assert points(question, [str(place) for place in chosen], None) == expected


@given(st.integers(0, 50), st.integers(1, 50), SCORES.filter(bool), st.data())
def test_a_scale_rises_evenly_from_nothing_to_the_maximum(
    low: int, width: int, most: Decimal, data: st.DataObject
) -> None:
    question = Question("k", QuestionKind.SCALE, "", standard="s", max_score=most, low=low, high=low + width)
    number = data.draw(st.integers(low, low + width))
    value = points(question, (), number)
    assert value is not None
    assert value * width == Fraction(most) * (number - low)


@given(st.permutations([IN, NO, Line("b", ("p", "q")), FOUR]))
def test_order_does_not_make_another_answer(lines: list[Line]) -> None:
    plain = [IN, NO, Line("b", ("q", "p")), FOUR]
    assert fingerprint("1", lines) == fingerprint("1", [*plain, Line("c", text="")])
    assert fingerprint("1", lines) != fingerprint("2", lines)
    assert fingerprint("1", lines) != fingerprint("1", plain[:3])
