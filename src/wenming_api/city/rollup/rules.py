"""All figures of a result: sites, regions, lists, and the cuts by unit, industry, type and indicator
(C4.1-C4.4).

Exact throughout; a figure is rounded once, when it is stored, and ranks compare stored figures.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from wenming_api.city.regionscores.rules import Entry, RegionFigure, Regions
from wenming_api.city.schemes.rules import DutyPolicy
from wenming_api.city.sitescores.rules import SiteTally, Sums, Tally, ancestry, tally
from wenming_api.city.snapshots.rules import FORM, Region, Snapshot, digest, plain, to_json
from wenming_api.city.standards.rules import DutyRole, ListKind
from wenming_api.kit.exact import maybe_stored, mean, ranks, stored


@dataclass(frozen=True, slots=True)
class SiteFigure:
    """A site's score and what it was made of; no score when nothing was judged there."""

    id: str
    score: Decimal | None
    achieved: Decimal
    max_score: Decimal
    sheets: int
    applicable: int
    conforming: int
    not_applicable: int
    missing: int
    vetoes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CutFigure:
    """A figure over lines: of a unit, an indicator or a standard. Rates are in per cent."""

    id: str
    score: Decimal | None
    conformance: Decimal | None
    achieved: Decimal
    max_score: Decimal
    applicable: int
    conforming: int
    rank: int | None


@dataclass(frozen=True, slots=True)
class MeanFigure:
    """A figure over sites: the mean of the scored sites of an industry or a type."""

    id: str
    score: Decimal | None
    sites: int
    scored_sites: int
    rank: int | None


@dataclass(frozen=True, slots=True)
class SpreadFlag:
    """Assessors who differ by more than the threshold."""

    site: str
    standard: str
    lowest: Decimal
    highest: Decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a result stores, in a fixed order."""

    sites: tuple[SiteFigure, ...]
    regions: tuple[RegionFigure, ...]
    entries: tuple[Entry, ...]
    departments: tuple[CutFigure, ...]
    """Units by their duties: the lines of the standards they lead (or take part in)."""
    units: tuple[CutFigure, ...]
    """Units by their sites: the lines of the sites they are responsible for."""
    industries: tuple[MeanFigure, ...]
    site_types: tuple[MeanFigure, ...]
    indicators: tuple[CutFigure, ...]
    standards: tuple[CutFigure, ...]
    spreads: tuple[SpreadFlag, ...]


def roll_up(snapshot: Snapshot) -> Figures:
    """Computes every figure of a result. Raises ``ValueError`` for a cyclic region or indicator tree."""
    return figures_of(snapshot, tally(snapshot))


def figures_of(snapshot: Snapshot, sums: Tally) -> Figures:
    """As :func:`roll_up`, for sites that are added up already."""
    regions = Regions(snapshot, sums)
    return Figures(
        sites=tuple(sorted((_site_figure(sums, one) for one in sums.sites), key=lambda figure: figure.id)),
        regions=regions.figures(),
        entries=regions.entries(),
        departments=_departments(snapshot, sums),
        units=_site_units(sums),
        industries=_means((one.site.industry, one) for one in sums.sites),
        site_types=_means((one.site.type, one) for one in sums.sites),
        indicators=_indicators(snapshot, sums),
        standards=_cut(sums, sums.standards),
        spreads=tuple(
            SpreadFlag(flag.site, flag.standard, stored(flag.lowest), stored(flag.highest))
            for flag in sorted(sums.spreads, key=lambda flag: (flag.site, flag.standard))
        ),
    )


def result_hash(snapshot: Snapshot, figures: Figures, *, inputs: str | None = None) -> str:
    """SHA-256 that a published result is known by: over the frozen inputs and every stored figure.

    `inputs` is the digest of the snapshot's JSON, for callers who have taken it already.
    """
    taken = inputs or digest(to_json(snapshot))
    return digest({"form": FORM, "inputs": taken, "figures": plain(figures)})


def _site_figure(sums: Tally, one: SiteTally) -> SiteFigure:
    score = one.score
    return SiteFigure(
        id=one.site.id,
        score=None if score is None else stored(score),
        achieved=stored(sums.points(one.lines.achieved)),
        max_score=stored(sums.points(one.lines.max_score)),
        sheets=one.sheets,
        applicable=one.lines.applicable,
        conforming=one.lines.conforming,
        not_applicable=one.not_applicable,
        missing=one.missing,
        vetoes=tuple(sorted(one.vetoes)),
    )


def _departments(snapshot: Snapshot, sums: Tally) -> tuple[CutFigure, ...]:
    every = snapshot.policies.duties is DutyPolicy.ALL
    units: dict[str, Sums] = defaultdict(Sums)
    for standard in snapshot.standards:
        if standard.kind is not ListKind.REGULAR:
            continue
        for unit in {duty.unit for duty in standard.duties if every or duty.role is DutyRole.LEAD}:
            units[unit].add(sums.standards[standard.id])
    return _cut(sums, units, by_rate=True)


def _site_units(sums: Tally) -> tuple[CutFigure, ...]:
    units: dict[str, Sums] = defaultdict(Sums)
    for one in sums.sites:
        if one.site.unit is not None:
            units[one.site.unit].add(one.lines)
    return _cut(sums, units, by_rate=True)


def _indicators(snapshot: Snapshot, sums: Tally) -> tuple[CutFigure, ...]:
    """Every node of the tree, from the regular standards below it. Ranked among the nodes of its level."""
    chains = ancestry(Region(node.id, node.name, str(node.level), node.parent) for node in snapshot.indicators)
    nodes = {node.id: Sums() for node in snapshot.indicators}
    for standard in snapshot.standards:
        if standard.kind is ListKind.REGULAR and standard.indicator is not None:
            for node in chains[standard.indicator]:
                nodes[node].add(sums.standards[standard.id])
    levels: dict[int, dict[str, Sums]] = defaultdict(dict)
    for indicator in snapshot.indicators:
        levels[indicator.level][indicator.id] = nodes[indicator.id]
    figures = (figure for level in sorted(levels) for figure in _cut(sums, levels[level]))
    return tuple(sorted(figures, key=lambda figure: figure.id))


def _cut(sums: Tally, cut: Mapping[str, Sums], *, by_rate: bool = False) -> tuple[CutFigure, ...]:
    scores = {key: maybe_stored(each.score()) for key, each in sorted(cut.items())}
    rates = {key: maybe_stored(cut[key].conformance()) for key in scores}
    places = ranks(list((rates if by_rate else scores).values()))
    return tuple(
        CutFigure(
            id=key,
            score=scores[key],
            conformance=rates[key],
            achieved=stored(sums.points(cut[key].achieved)),
            max_score=stored(sums.points(cut[key].max_score)),
            applicable=cut[key].applicable,
            conforming=cut[key].conforming,
            rank=place,
        )
        for key, place in zip(scores, places, strict=True)
    )


def _means(sites: Iterable[tuple[str | None, SiteTally]]) -> tuple[MeanFigure, ...]:
    members: dict[str, list[SiteTally]] = defaultdict(list)
    for key, one in sites:
        if key is not None:
            members[key].append(one)
    scores = {key: [score for one in members[key] if (score := one.score) is not None] for key in sorted(members)}
    means = {key: maybe_stored(mean(values)) for key, values in scores.items()}
    places = ranks(list(means.values()))
    return tuple(
        MeanFigure(key, means[key], len(members[key]), len(scores[key]), place)
        for key, place in zip(means, places, strict=True)
    )
