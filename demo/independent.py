"""The figures of the assessment computed again, from what the assessors sent, by a second and simpler program.

Nothing here imports the service. Exact fractions; the only rounding is the comparison at ten decimals, half up.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

Score = Fraction | None


@dataclass(frozen=True)
class Filled:
    """What one assessor sent for one site: standard id → entry."""

    site_id: str
    entries: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Place:
    """A drawn site: its type and the code of its county."""

    site_type: str
    county: str


def achieved(standard: Mapping[str, Any], entry: Mapping[str, Any]) -> Score:
    """Points of one line by the standard's rule; None when not applicable."""
    most, rule = Fraction(standard["max_score"]), standard["rule"]
    if entry.get("not_applicable"):
        return None
    kind = rule["kind"]
    if kind == "pass_fail":
        return most if entry["passed"] else Fraction(0)
    if kind == "graded":
        return most * next(Fraction(g["factor"]) for g in rule["grades"] if g["code"] == entry["grade"])
    if kind == "count":
        counted = Fraction(str(entry["count"]))
        if rule["per"] is not None:
            counted = counted * Fraction(rule["per"]) / Fraction(str(entry["of"]))
        required = Fraction(rule["required"])
        if rule["mode"] == "threshold":
            return most if counted >= required else Fraction(0)
        return most * min(Fraction(1), counted / required)
    if kind == "deduction":
        return _deducted(most, rule, entry["deductions"])
    if kind == "veto":
        return most
    raise ValueError(kind)


def _deducted(most: Fraction, rule: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> Fraction:
    reasons = {reason["code"]: reason for reason in rule["reasons"]}
    taken: dict[str, Fraction] = defaultdict(Fraction)
    for line in lines:
        points = line.get("points") or reasons[line["reason"]]["points"]
        taken[line["reason"]] += Fraction(str(points))
    total = Fraction(0)
    for code, points in taken.items():
        cap = reasons[code]["cap"]
        total += points if cap is None else min(points, Fraction(cap))
    return max(Fraction(rule["floor"]), most - total)


def site_scores(filled: Sequence[Filled], standards: Mapping[str, Mapping[str, Any]]) -> dict[str, Fraction]:
    """Each site's score of 100: mean of its assessors standard by standard, then points over maximum."""
    sent: dict[str, dict[str, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    for sheet in filled:
        for standard_id, entry in sheet.entries.items():
            points = achieved(standards[standard_id], entry)
            if points is not None:
                sent[sheet.site_id][standard_id].append(points)
    scores = {}
    for site_id, lines in sent.items():
        points = sum((sum(values, Fraction(0)) / len(values) for values in lines.values()), Fraction(0))
        most = sum((Fraction(standards[id_]["max_score"]) for id_ in lines), Fraction(0))
        scores[site_id] = 100 * points / most
    return scores


def field_scores(
    sites: Mapping[str, Fraction], places: Mapping[str, Place], weights: Mapping[str, Fraction]
) -> dict[str, Fraction]:
    """Each county's field score: weighted mean over site types of the mean of its sites of the type."""
    by_type: dict[str, dict[str, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    for site_id, score in sites.items():
        place = places[site_id]
        by_type[place.county][place.site_type].append(score)
    scores = {}
    for county, types in by_type.items():
        means = {site_type: sum(values, Fraction(0)) / len(values) for site_type, values in types.items()}
        weight = sum((weights[site_type] for site_type in means), Fraction(0))
        scores[county] = sum((weights[t] * mean for t, mean in means.items()), Fraction(0)) / weight
    return scores


def totals(methods: Mapping[str, Mapping[str, Fraction]], weights: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Each county's composite: Σ weight × method / Σ weight. `methods` is method → county → score."""
    counties = set.intersection(*(set(methods[method]) for method in weights))
    whole = sum(weights.values(), Fraction(0))
    return {
        county: sum((weight * methods[method][county] for method, weight in weights.items()), Fraction(0)) / whole
        for county in counties
    }


def ranks(scores: Mapping[str, Fraction]) -> dict[str, int]:
    """1 for the highest; equal scores, as stored, share a rank."""
    stored = {county: at_ten_places(score) for county, score in scores.items()}
    return {county: 1 + sum(other > mine for other in stored.values()) for county, mine in stored.items()}


def at_ten_places(value: Fraction) -> Decimal:
    """Rounded half up to ten decimals, as the service stores it."""
    scaled = value * 10**10
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    return Decimal(whole + (2 * rest >= scaled.denominator)).scaleb(-10)


def at_two_places(value: Fraction) -> str:
    """Rounded half up to two decimals from the stored value, as a list shows it."""
    return str(at_ten_places(value).quantize(Decimal("0.01"), ROUND_HALF_UP))
