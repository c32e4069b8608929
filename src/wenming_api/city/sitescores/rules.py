"""From lines to sites: several assessors, lines left open, vetoes (C4.1-C4.4, first three steps of the
roll-up).

A line's points are integers over one common denominator (``Tally.scale``), so that the 72,000 lines of a
large assessment cost integer additions; only a peer mean brings fractions in.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from wenming_api.city.criteria.rules import VetoScope
from wenming_api.city.schemes.rules import OpenLinePolicy
from wenming_api.city.snapshots.rules import Policies, Region, Sheet, Site, Snapshot, Standard
from wenming_api.city.standards.rules import ListKind


@dataclass(slots=True)
class Sums:
    """Points and counts of a set of lines. Points are in units of 1/scale."""

    achieved: int | Fraction = 0
    max_score: int = 0
    applicable: int = 0
    """Lines somebody judged and found applicable."""
    conforming: int = 0
    """Applicable lines that achieved their maximum."""

    def add(self, other: "Sums") -> None:
        """Adds another set's points and counts."""
        self.achieved += other.achieved
        self.max_score += other.max_score
        self.applicable += other.applicable
        self.conforming += other.conforming

    def score(self) -> Fraction | None:
        """100 × Σ achieved / Σ max; None without points to win."""
        return Fraction(100 * self.achieved) / self.max_score if self.max_score else None

    def conformance(self) -> Fraction | None:
        """The conformance rate in per cent; None without applicable lines."""
        return Fraction(100 * self.conforming, self.applicable) if self.applicable else None


@dataclass(slots=True)
class SiteTally:
    """What the sheets of one site add up to."""

    site: Site
    sheets: int
    lines: Sums = field(default_factory=Sums)
    """Regular lines, those left open counted as the policy says."""
    not_applicable: int = 0
    missing: int = 0
    bonus: int | Fraction = 0
    negative: int | Fraction = 0
    """Points lost on the negative list."""
    vetoes: frozenset[VetoScope] = frozenset()
    cells: dict[int, Sums] = field(default_factory=dict)
    """The same lines by the kind of standard (`Tally.kinds`)."""

    @property
    def score(self) -> Fraction | None:
        """0 to 100; 0 after a veto; None when nothing was judged, or nothing judged counts."""
        if self.vetoes:
            return Fraction(0)
        return self.lines.score()


@dataclass(frozen=True, slots=True)
class Spread:
    """Assessors who differ by more than the threshold on one standard at one site."""

    site: str
    standard: str
    lowest: Fraction
    highest: Fraction


@dataclass(frozen=True, slots=True)
class Kind:
    """What regular standards have in common as far as statistics cut by it."""

    indicator: str | None
    department: str | None
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """All sites, and the same lines by standard."""

    scale: int
    sites: tuple[SiteTally, ...]
    standards: Mapping[str, Sums]
    spreads: tuple[Spread, ...]
    kinds: tuple[Kind, ...]

    def points(self, scaled: int | Fraction) -> Fraction:
        """Scaled points as points."""
        return Fraction(scaled) / self.scale


Judgement = dict[str, int | None]
"""Standard → scaled points, or None for not applicable: what the assessors of a site agree on in the mean."""


def tally(snapshot: Snapshot) -> Tally:
    """Adds up every site of the snapshot.

    A site without a sheet keeps no score. Lines of a vetoed site keep their points in the cuts by standard
    and unit; it is the site that becomes 0. Lines left open count by the policy in the site and in the
    cuts, but never as applicable.
    """
    standards = {standard.id: standard for standard in snapshot.standards}
    sheets = defaultdict(list)
    for sheet in snapshot.sheets:
        sheets[sheet.site].append(sheet)
    scale = _scale(snapshot, sheets.values())
    maxima = {standard.id: _times(standard.max_score, scale) for standard in snapshot.standards}

    spreads: list[Spread] = []
    judged: dict[str, Judgement] = {}
    for site in snapshot.sites:
        own = sheets[site.id]
        judged[site.id] = _judgement(own, scale)
        if len(own) > 1 and snapshot.policies.spread_threshold is not None:
            spreads += _spreads(site, own, standards, snapshot.policies.spread_threshold)

    by_standard = {standard.id: Sums() for standard in snapshot.standards}
    named, kinds = _kinds(snapshot)
    open_lines = _OpenLines(snapshot, judged, kinds=kinds, maxima=maxima, by_standard=by_standard)
    expected = _expected(snapshot)
    tallies = []
    for site in snapshot.sites:
        one = SiteTally(site, len(sheets[site.id]))
        if one.sheets:
            one.vetoes = frozenset(line.veto for sheet in sheets[site.id] for line in sheet.lines if line.veto)
            _add_lines(one, judged[site.id], standards, kinds=kinds, maxima=maxima, by_standard=by_standard)
            _add_open_lines(
                one,
                judged[site.id],
                expected[site.type],
                kinds=kinds,
                policies=snapshot.policies,
                count=open_lines,
            )
            for cell in one.cells.values():
                one.lines.add(cell)
        tallies.append(one)
    return Tally(scale, tuple(tallies), by_standard, tuple(spreads), named)


def ancestry(regions: Iterable[Region]) -> dict[str, tuple[str, ...]]:
    """Region code → the codes from itself up to the root. Raises ``ValueError`` for a cycle; an unknown
    parent ends a chain."""
    parents = {region.code: region.parent for region in regions}
    chains: dict[str, tuple[str, ...]] = {}
    for start in parents:
        path: list[str] = []
        code: str | None = start
        while code is not None and code in parents and code not in chains:
            if code in path:
                raise ValueError(f"region {code} is its own ancestor")
            path.append(code)
            code = parents[code]
        above = chains.get(code, ()) if code is not None else ()
        for step in reversed(path):
            above = chains[step] = (step, *above)
    return chains


def nearest_group(snapshot: Snapshot) -> dict[str, int]:
    """Region code → index of the ranking group that a site there is compared in.

    That is the group of the nearest region, going up, that is in any; the first group when that region is
    in several.
    """
    member: dict[str, int] = {}
    for index, group in enumerate(snapshot.groups):
        for code in group.regions:
            member.setdefault(code, index)
    found = {}
    for code, chain in ancestry(snapshot.regions).items():
        nearest = next((member[step] for step in chain if step in member), None)
        if nearest is not None:
            found[code] = nearest
    return found


def _scale(snapshot: Snapshot, sheets: Iterable[Sequence[Sheet]]) -> int:
    assessors = max((len(own) for own in sheets), default=1)
    denominators = {
        line.achieved.denominator for sheet in snapshot.sheets for line in sheet.lines if line.achieved is not None
    }
    denominators |= {standard.max_score.denominator for standard in snapshot.standards}
    return lcm(*denominators) * lcm(*range(1, assessors + 1))


def _times(value: Fraction, scale: int) -> int:
    return value.numerator * (scale // value.denominator)


def _judgement(sheets: Sequence[Sheet], scale: int) -> Judgement:
    """Mean of the applicable judgements; not applicable when all of them are."""
    if len(sheets) == 1:
        return {
            line.standard: None if line.achieved is None else _times(line.achieved, scale) for line in sheets[0].lines
        }
    values: dict[str, list[int]] = {}
    for sheet in sheets:
        for line in sheet.lines:
            given = values.setdefault(line.standard, [])
            if line.achieved is not None:
                given.append(_times(line.achieved, scale))
    return {standard: sum(given) // len(given) if given else None for standard, given in values.items()}


def _spreads(
    site: Site, sheets: Sequence[Sheet], standards: Mapping[str, Standard], threshold: Fraction
) -> Iterable[Spread]:
    values: dict[str, list[Fraction]] = defaultdict(list)
    for sheet in sheets:
        for line in sheet.lines:
            if line.achieved is not None:
                values[line.standard].append(line.achieved)
    for standard, given in sorted(values.items()):
        lowest, highest = min(given), max(given)
        if highest - lowest > threshold * standards[standard].max_score:
            yield Spread(site.id, standard, lowest, highest)


def _kinds(snapshot: Snapshot) -> tuple[tuple[Kind, ...], dict[str, int]]:
    """The kinds of regular standards, and each regular standard's place among them."""
    places: dict[Kind, int] = {}
    kinds = {
        standard.id: places.setdefault(Kind(standard.indicator, standard.lead, standard.methods), len(places))
        for standard in sorted(snapshot.standards, key=lambda standard: standard.id)
        if standard.kind is ListKind.REGULAR
    }
    return tuple(places), kinds


def _expected(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """Site type → the regular standards that apply to it."""
    return {
        kind: tuple(
            standard.id
            for standard in snapshot.standards
            if standard.kind is ListKind.REGULAR and (not standard.site_types or kind in standard.site_types)
        )
        for kind in {site.type for site in snapshot.sites}
    }


def _add_lines(
    one: SiteTally,
    judged: Judgement,
    standards: Mapping[str, Standard],
    *,
    kinds: Mapping[str, int],
    maxima: Mapping[str, int],
    by_standard: Mapping[str, Sums],
) -> None:
    for standard, achieved in judged.items():
        if achieved is None:
            continue
        most = maxima[standard]
        same = by_standard[standard]
        same.achieved += achieved
        same.max_score += most
        same.applicable += 1
        same.conforming += achieved == most
        kind = kinds.get(standard)
        if kind is not None:
            cell = one.cells.get(kind) or one.cells.setdefault(kind, Sums())
            cell.achieved += achieved
            cell.max_score += most
            cell.applicable += 1
            cell.conforming += achieved == most
        elif standards[standard].kind is ListKind.BONUS:
            one.bonus += achieved
        else:
            one.negative += most - achieved


def _add_open_lines(
    one: SiteTally,
    judged: Judgement,
    expected: Sequence[str],
    *,
    kinds: Mapping[str, int],
    policies: Policies,
    count: "_OpenLines",
) -> None:
    for standard, achieved in judged.items():
        if achieved is None and standard in kinds:
            one.not_applicable += 1
            count.add(one, standard, policies.not_applicable)
    for standard in expected:
        if standard not in judged:
            one.missing += 1
            count.add(one, standard, policies.missing_item)


class _OpenLines:
    """Counts lines without a judgement by their policy."""

    def __init__(
        self,
        snapshot: Snapshot,
        judged: Mapping[str, Judgement],
        *,
        kinds: Mapping[str, int],
        maxima: Mapping[str, int],
        by_standard: Mapping[str, Sums],
    ) -> None:
        self._kinds = kinds
        self._maxima = maxima
        self._by_standard = by_standard
        self._group = nearest_group(snapshot)
        self._peers: dict[tuple[int, str], dict[str, list[int]]] = {}
        policies = (snapshot.policies.not_applicable, snapshot.policies.missing_item)
        if OpenLinePolicy.PEER_MEAN in policies:
            self._gather(snapshot, judged)

    def _gather(self, snapshot: Snapshot, judged: Mapping[str, Judgement]) -> None:
        for site in snapshot.sites:
            group = self._group.get(site.region)
            if group is None:
                continue
            sums = self._peers.setdefault((group, site.type), {})
            for standard, achieved in judged[site.id].items():
                if achieved is not None:
                    pair = sums.setdefault(standard, [0, 0])
                    pair[0] += achieved
                    pair[1] += 1

    def _peer_mean(self, site: Site, standard: str) -> Fraction | None:
        # The site itself is never among the judged ones here: its line is open.
        group = self._group.get(site.region)
        if group is None:
            return None
        pair = self._peers.get((group, site.type), {}).get(standard)
        return Fraction(pair[0], pair[1]) if pair else None

    def add(self, one: SiteTally, standard: str, policy: OpenLinePolicy) -> None:
        """Adds one open line to the site and to the standard, unless the policy leaves it out."""
        most = self._maxima[standard]
        counted: int | Fraction | None
        match policy:
            case OpenLinePolicy.EXCLUDE:
                counted = None
            case OpenLinePolicy.FULL:
                counted = most
            case OpenLinePolicy.ZERO:
                counted = 0
            case OpenLinePolicy.PEER_MEAN:
                counted = self._peer_mean(one.site, standard)
        if counted is None:
            return
        for sums in (one.cells.setdefault(self._kinds[standard], Sums()), self._by_standard[standard]):
            sums.achieved += counted
            sums.max_score += most
