"""Rates against the definition, read answer by answer."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.questionnaires.rules import Option, Question, QuestionKind
from wenming_api.city.survey_scores.rules import Tally, rates

SCORES = st.decimals(min_value=0, max_value=10, places=2)
MOST = st.decimals(min_value=Decimal("0.01"), max_value=10, places=2)
PATHS = ("c/a/1/", "c/a/2/", "c/b/1/", "c/z/")
REGIONS = ("c/a/", "c/b/", "c/a/1/")


@st.composite
def question(draw: st.DrawFn) -> Question:
    """A scored or unscored question of any kind."""
    kind = draw(st.sampled_from([QuestionKind.SINGLE, QuestionKind.MULTIPLE, QuestionKind.SCALE]))
    standard = draw(st.sampled_from(["s1", "s2", None]))
    most = draw(MOST) if standard else None
    low = draw(st.integers(0, 5))
    options = tuple(Option(code, code, draw(SCORES | st.none())) for code in "abc")
    return Question(
        code=draw(st.uuids()).hex,
        kind=kind,
        text="",
        standard=standard,
        max_score=most,
        options=() if kind is QuestionKind.SCALE else options,
        low=low if kind is QuestionKind.SCALE else None,
        high=low + draw(st.integers(1, 9)) if kind is QuestionKind.SCALE else None,
    )


@st.composite
def answers(draw: st.DrawFn) -> list[tuple[str, Question, tuple[str, ...], int | None]]:
    """Single answers: where, to what, which options, which number."""
    questions = draw(st.lists(question(), min_size=1, max_size=4))
    made = []
    for _ in range(draw(st.integers(0, 30))):
        asked = draw(st.sampled_from(questions))
        choices: tuple[str, ...] = ()
        number = None
        if asked.low is not None and asked.high is not None:
            number = draw(st.integers(asked.low, asked.high))
        elif asked.kind is QuestionKind.SINGLE:
            choices = (draw(st.sampled_from("abc")),)
        else:
            choices = tuple(sorted(draw(st.sets(st.sampled_from("abc"), min_size=1))))
        made.append((draw(st.sampled_from(PATHS)), asked, choices, number))
    return made


def naive(
    given_: list[tuple[str, Question, tuple[str, ...], int | None]], region: str, standard: str | None
) -> Fraction | None:
    """The sentence of the definition, one answer after the other."""
    achieved, most = Fraction(0), Fraction(0)
    for path, asked, choices, number in given_:
        if not path.startswith(region) or asked.standard is None or standard not in {None, asked.standard}:
            continue
        maximum = Fraction(asked.max_score or 0)
        if asked.kind is QuestionKind.SCALE:
            assert number is not None
            assert asked.low is not None
            assert asked.high is not None
            value = maximum / (asked.high - asked.low) * (number - asked.low)
        else:
            scores = [option.score for option in asked.options if option.code in choices]
            if None in scores:
                continue
            value = Fraction(sum(score for score in scores if score is not None))
            value = maximum if value > maximum else value
        achieved += value
        most += maximum
    return achieved / most * 100 if most else None


@given(answers())
def test_rates_are_what_the_definition_says(
    made: list[tuple[str, Question, tuple[str, ...], int | None]],
) -> None:
    counted = Counter((path, asked.code, choices, number) for path, asked, choices, number in made)
    by_code = {asked.code: asked for _, asked, _, _ in made}
    tallies = [
        Tally(path, by_code[code], choices, number, count) for (path, code, choices, number), count in counted.items()
    ]
    computed = rates(tallies, REGIONS)
    expected = {
        (region, standard): rate
        for region in REGIONS
        for standard in ("s1", "s2", None)
        if (rate := naive(made, region, standard)) is not None
    }
    assert computed == expected
    assert all(0 <= rate <= 100 for rate in computed.values())
