"""Counting answers by question and group, and which groups are too small to be shown (C3.7). Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from wenming_api.city.answers.rules import points
from wenming_api.city.questionnaires.rules import Question
from wenming_api.city.survey_scores.rules import FEWEST_SHOWN
from wenming_api.kit.exact import maybe_stored, mean, stored

ALL = ""
"""The group of all respondents together."""


class TablesBy(StrEnum):
    """What respondents are grouped by."""

    NONE = "none"
    COUNTY = "county"
    STRATUM = "stratum"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"none": "不分组", "county": "按区县", "stratum": "按样本层"}[self.value]


@dataclass(frozen=True, slots=True)
class Count:
    """So many respondents of a group gave this answer to a question."""

    group: str
    question: str
    choices: tuple[str, ...]
    number: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Share:
    """How many chose an option; `share` in per cent of those who answered the question."""

    code: str
    text: str
    count: int
    share: Decimal


@dataclass(frozen=True, slots=True)
class Cell:
    """A question in a group. `mean` is of the numbers of a scale, `score` 100 × Σ points / Σ maxima.

    Hidden: too few answered, or the figures of another group could be found out from this one's.
    """

    group: str
    hidden: bool
    respondents: int | None
    mean: Decimal | None
    score: Decimal | None
    options: tuple[Share, ...]


def hidden_groups(respondents: Mapping[str, int]) -> frozenset[str]:
    """Which groups are not shown, `ALL` (their sum) perhaps among them.

    Whoever subtracts what is shown from the sum learns of the hidden groups together: at least `FEWEST_SHOWN`
    respondents of at least two groups, or nothing, since the sum is hidden too.
    """
    groups = {group: count for group, count in respondents.items() if group != ALL and count > 0}
    hidden = {group for group, count in groups.items() if count < FEWEST_SHOWN}
    others = sorted((group for group in groups if group not in hidden), key=lambda group: (groups[group], group))
    for group in others:
        if not hidden or sum(groups[each] for each in hidden) >= FEWEST_SHOWN:
            break
        hidden.add(group)
    total = respondents.get(ALL, sum(groups.values()))
    return frozenset(hidden | {ALL}) if 0 < total < FEWEST_SHOWN else frozenset(hidden)


def tabulate(questions: Sequence[Question], counts: Iterable[Count], groups: Sequence[str]) -> dict[str, list[Cell]]:
    """The cells of every question, by its code: all respondents first, then the groups in order."""
    by_place: dict[tuple[str, str], list[Count]] = defaultdict(list)
    for count in counts:
        by_place[count.question, count.group].append(count)
        by_place[count.question, ALL].append(count)
    tables: dict[str, list[Cell]] = {}
    for question in questions:
        places = [ALL, *groups]
        people = {place: sum(each.count for each in by_place[question.code, place]) for place in places}
        hidden = hidden_groups(people)
        tables[question.code] = [
            Cell(place, hidden=True, respondents=None, mean=None, score=None, options=())
            if place in hidden
            else _cell(question, place, by_place[question.code, place])
            for place in places
        ]
    return tables


def _cell(question: Question, group: str, counts: Sequence[Count]) -> Cell:
    people = sum(each.count for each in counts)
    chosen: Counter[str] = Counter()
    achieved, scored = Fraction(0), 0
    for each in counts:
        for code in each.choices:
            chosen[code] += each.count
        value = points(question, each.choices, each.number)
        if value is not None:
            achieved += value * each.count
            scored += each.count
    numbers = [Fraction(each.number) for each in counts if each.number is not None for _ in range(each.count)]
    most = Fraction(question.max_score or 0) * scored
    return Cell(
        group=group,
        hidden=False,
        respondents=people,
        mean=maybe_stored(mean(numbers)),
        score=stored(100 * achieved / most) if most else None,
        options=tuple(
            Share(
                option.code,
                option.text,
                chosen[option.code],
                stored(Fraction(100 * chosen[option.code], people)) if people else Decimal(0),
            )
            for option in question.options
        ),
    )
