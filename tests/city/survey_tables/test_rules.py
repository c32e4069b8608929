"""Tables against counting one by one; nobody can be found out by subtraction."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.questionnaires.rules import Option, Question, QuestionKind
from wenming_api.city.survey_scores.rules import FEWEST_SHOWN
from wenming_api.city.survey_tables.rules import ALL, Count, hidden_groups, tabulate
from wenming_api.kit.exact import stored

SINGLE = Question(
    "s", QuestionKind.SINGLE, "", standard="①", max_score=Decimal(10),
    options=(Option("a", "甲", Decimal(10)), Option("b", "乙", Decimal(3)), Option("x", "不了解")),
)  # fmt: skip
SCALE = Question("k", QuestionKind.SCALE, "", low=1, high=5)
GROUPS = ("g1", "g2", "g3")


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 30)))
def test_what_is_hidden_cannot_be_found_out_by_subtraction(groups: dict[str, int]) -> None:
    total = sum(groups.values())
    hidden = hidden_groups({**groups, ALL: total})
    assert all(group in hidden for group, count in groups.items() if 0 < count < FEWEST_SHOWN)
    assert (ALL in hidden) == (0 < total < FEWEST_SHOWN)
    if ALL in hidden:
        return
    left = total - sum(count for group, count in groups.items() if group not in hidden)
    inside = [group for group in hidden if groups[group]]
    assert not inside or (left >= FEWEST_SHOWN and len(inside) >= 2)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 30)))
def test_no_more_is_hidden_than_needed(groups: dict[str, int]) -> None:
    hidden = hidden_groups({**groups, ALL: sum(groups.values())}) - {ALL}
    small = {group for group, count in groups.items() if 0 < count < FEWEST_SHOWN}
    assert len(hidden - small) <= 1
    assert (hidden == set()) == (small == set())


ANSWERS = st.lists(st.tuples(st.sampled_from(GROUPS), st.sampled_from(["a", "b", "x"]), st.integers(1, 5)), max_size=40)


@given(ANSWERS)
def test_cells_are_what_one_counts(answers: list[tuple[str, str, int]]) -> None:
    counts = [
        Count(group, "s", (code,), None, n) for (group, code), n in Counter((g, c) for g, c, _ in answers).items()
    ]
    counts += [
        Count(group, "k", (), number, n) for (group, number), n in Counter((g, k) for g, _, k in answers).items()
    ]
    tables = tabulate([SINGLE, SCALE], counts, GROUPS)
    for question in (SINGLE, SCALE):
        assert [cell.group for cell in tables[question.code]] == [ALL, *GROUPS]
    for single, scale in zip(tables["s"], tables["k"], strict=True):
        inside = [each for each in answers if single.group in {ALL, each[0]}]
        assert single.hidden == scale.hidden
        if single.hidden:
            assert (single.respondents, single.mean, single.score, single.options) == (None, None, None, ())
            continue
        assert single.respondents == scale.respondents == len(inside)
        assert {option.code: option.count for option in single.options} == {
            code: sum(each[1] == code for each in inside) for code in ("a", "b", "x")
        }
        known = [{"a": 10, "b": 3}[each[1]] for each in inside if each[1] != "x"]
        assert single.score == (stored(Fraction(sum(known) * 100, 10 * len(known))) if known else None)
        assert scale.mean == (stored(Fraction(sum(each[2] for each in inside), len(inside))) if inside else None)


def test_shares_are_of_those_who_answered() -> None:
    many = Question("m", QuestionKind.MULTIPLE, "", options=tuple(Option(code, code) for code in "pq"))
    chosen = [Count("g1", "m", choices, None, 3) for size in (1, 2) for choices in combinations("pq", size)]
    (cell, _) = tabulate([many], chosen, ["g1"])["m"]
    assert [(each.code, each.count, each.share) for each in cell.options] == [
        ("p", 6, stored(Fraction(200, 3))), ("q", 6, stored(Fraction(200, 3))),
    ]  # fmt: skip
