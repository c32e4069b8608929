"""From answers to rates, exactly (C3.7): 100 × Σ points / Σ maxima, by region and standard. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from wenming_api.city.answers.rules import points
from wenming_api.city.questionnaires.rules import Question

FEWEST_SHOWN = 5
"""Figures of fewer respondents are not shown: somebody could be recognised."""


@dataclass(frozen=True, slots=True)
class Tally:
    """So many respondents of a stratum gave this answer to a question; `path` is the stratum's region path."""

    path: str
    question: Question
    choices: tuple[str, ...]
    number: int | None
    count: int


Key = tuple[str, str | None]
"""(region path, standard); None: all standards together."""


def rates(tallies: Iterable[Tally], regions: Sequence[str]) -> dict[Key, Fraction]:
    """The rate of every region and standard that a scored answer concerns, and of every region as a whole.

    A region's answers are those of the strata in it. Questions that were not asked, not answered, or answered with an
    option that takes them out of the score count neither as points nor as maxima.
    """
    sums: dict[Key, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    inside: dict[str, list[str]] = {}
    for tally in tallies:
        question = tally.question
        value = points(question, tally.choices, tally.number)
        if value is None or question.max_score is None:
            continue
        if tally.path not in inside:
            inside[tally.path] = [region for region in regions if tally.path.startswith(region)]
        for region in inside[tally.path]:
            for standard in (question.standard, None):
                pair = sums[region, standard]
                pair[0] += value * tally.count
                pair[1] += Fraction(question.max_score) * tally.count
    return {key: 100 * achieved / most for key, (achieved, most) in sums.items()}
