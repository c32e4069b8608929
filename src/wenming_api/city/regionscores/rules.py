"""From site scores to region scores and ranking lists (C4.3; steps 4 to 7 and 9 of the roll-up).

Exact throughout; a figure is rounded once, when it is stored, and ranks compare stored figures.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as fresh
from decimal import Decimal
from fractions import Fraction

from wenming_api.city.criteria.rules import VetoScope
from wenming_api.city.schemes.rules import FieldPolicy, MissingTypePolicy, ParentPolicy
from wenming_api.city.sitescores.rules import SiteTally, Sums, Tally, ancestry
from wenming_api.city.snapshots.rules import Group, Snapshot
from wenming_api.kit.exact import maybe_stored, mean, ranks, stored, weighted_mean

NO_CHILDREN = "children"
"""What a parent lacks when one of its regions has no figure to average."""


@dataclass(frozen=True, slots=True)
class RegionFigure:
    """A region of any level. ``missing`` names what it lacks for a total: method codes, or ``children``."""

    code: str
    level: str
    field: Decimal | None
    methods: Mapping[str, Decimal]
    types: Mapping[str, Decimal]
    total: Decimal | None
    sites: int
    scored_sites: int
    vetoed: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a published list. In a field-only group there is no total and the field score is ranked."""

    group: str
    region: str
    position: int
    """Place in the printed list: ranked, then vetoed, then incomplete ones; 1 is the first."""
    rank: int | None
    field: Decimal | None
    methods: Mapping[str, Decimal]
    types: Mapping[str, Decimal]
    composite: Decimal | None
    bonus: Decimal
    negative: Decimal
    total: Decimal | None
    value: Decimal | None
    """The figure the list is ordered by: the total, or the field score in a field-only group."""
    vetoed: bool
    missing: tuple[str, ...]


@dataclass(slots=True)
class _Pool:
    """The sites of a region's whole subtree."""

    types: dict[str, list[Fraction]] = fresh(default_factory=lambda: defaultdict(list))
    lines: Sums = fresh(default_factory=Sums)
    bonus: int | Fraction = 0
    negative: int | Fraction = 0
    sites: int = 0
    scopes: set[VetoScope] = fresh(default_factory=set)

    def add(self, one: SiteTally, score: Fraction | None) -> None:
        self.sites += 1
        self.scopes |= one.vetoes
        self.bonus += one.bonus
        self.negative += one.negative
        if score is None:
            return
        self.types[one.site.type].append(score)
        # A vetoed site is worth nothing in the sum of points too, but its points could have been won.
        self.lines.max_score += one.lines.max_score
        if not one.vetoes:
            self.lines.achieved += one.lines.achieved

    def type_scores(self) -> dict[str, Fraction]:
        return {code: sum(scores, Fraction(0)) / len(scores) for code, scores in sorted(self.types.items())}

    @property
    def scored_sites(self) -> int:
        return sum(map(len, self.types.values()))


@dataclass(slots=True)
class _Field:
    score: Fraction | None
    types: Mapping[str, Fraction]


@dataclass(slots=True)
class _Standing:
    field: _Field
    methods: dict[str, Fraction] = fresh(default_factory=dict)
    composite: Fraction | None = None
    bonus: Fraction = Fraction(0)
    negative: Fraction = Fraction(0)
    total: Fraction | None = None
    value: Fraction | None = None
    vetoed: bool = False
    missing: tuple[str, ...] = ()


class Regions:
    """All regions of a snapshot.

    A region in a ranking group is computed from all sites of its subtree and by its group's methods (its
    first group gives the figure of the region itself). A region above ranked ones, in no group, follows the
    parent policy. Any other region shows the field score of its own sites and no total. A region in which
    no site was scored has no field score, whatever the policy for missing types says.
    """

    def __init__(self, snapshot: Snapshot, sums: Tally) -> None:
        self._policies = snapshot.policies
        self._groups = snapshot.groups
        self._quotas = snapshot.quotas
        self._levels = {region.code: region.level for region in snapshot.regions}
        self._chains = ancestry(snapshot.regions)
        self._points = sums.points
        self._children: dict[str, list[str]] = defaultdict(list)
        for region in snapshot.regions:
            if region.parent is not None:
                self._children[region.parent].append(region.code)
        self._pools = {code: _Pool() for code in self._levels}
        for one in sums.sites:
            score = one.score
            for code in self._chains[one.site.region]:
                self._pools[code].add(one, score)
        self._type_scores = {code: pool.type_scores() for code, pool in self._pools.items()}
        self._external = _external(snapshot)
        self._all_vetoed = any(VetoScope.ASSESSMENT in one.vetoes for one in sums.sites)
        self._primary: dict[str, Group] = {}
        for group in snapshot.groups:
            for code in group.regions:
                self._primary.setdefault(code, group)
        self._above = {step for code in self._primary for step in self._chains[code][1:]} - self._primary.keys()
        self._standing = {
            (group.code, code): self._stand(group, code) for group in snapshot.groups for code in group.regions
        }
        self._parents: dict[str, _Standing] = {}

    def entries(self) -> tuple[Entry, ...]:
        """Every list, in the order of the groups."""
        return tuple(entry for group in self._groups for entry in self._list(group))

    def figures(self) -> tuple[RegionFigure, ...]:
        """Every region that has sites, or that is ranked, or that lies above a ranked one; by code."""
        return tuple(
            self._figure(code, self._of_region(code))
            for code in sorted(self._levels)
            if self._pools[code].sites or code in self._primary or code in self._above
        )

    def _of_region(self, code: str) -> _Standing:
        if code in self._primary:
            return self._standing[self._primary[code].code, code]
        if code in self._above:
            return self._parent(code)
        return _Standing(self._field(code, None))

    def _weights(self, level: str) -> dict[str, Fraction]:
        """Type weights at a level: of its own quotas, or of all quotas when it has none."""
        quotas = [quota for quota in self._quotas if quota.level == level] or self._quotas
        weights: dict[str, Fraction] = {}
        for quota in sorted(quotas, key=lambda quota: (quota.site_type, quota.level)):
            weights.setdefault(quota.site_type, quota.weight)
        return weights

    def _field(self, code: str, group: Group | None) -> _Field:
        pool, own = self._pools[code], self._type_scores[code]
        if not own:
            return _Field(None, {})
        match self._policies.field:
            case FieldPolicy.SITE_MEAN:
                return _Field(mean(score for scores in pool.types.values() for score in scores), own)
            case FieldPolicy.POINTS:
                return _Field(pool.lines.score(), own)
            case FieldPolicy.TYPE_MEAN:
                weights = self._weights(self._levels[code])
                counted = {
                    kind: score
                    for kind in sorted(weights.keys() | own.keys())
                    if (score := own[kind] if kind in own else self._missing_type(code, kind, group)) is not None
                }
                return _Field(
                    weighted_mean((score, weights.get(kind, Fraction(1))) for kind, score in counted.items()),
                    counted,
                )

    def _missing_type(self, code: str, kind: str, group: Group | None) -> Fraction | None:
        # Below the ranked regions hardly any has every type: the policy is for the ranked ones and those
        # above.
        match self._policies.missing_type:
            case MissingTypePolicy.ZERO if group or code in self._above:
                return Fraction(0)
            case MissingTypePolicy.PEER_MEAN if group:
                return mean(self._type_scores[peer][kind] for peer in group.regions if kind in self._type_scores[peer])
            case _:
                return None

    def _stand(self, group: Group, code: str) -> _Standing:
        pool = self._pools[code]
        standing = _Standing(
            self._field(code, group),
            bonus=self._points(pool.bonus),
            negative=self._points(pool.negative),
            vetoed=self._all_vetoed or VetoScope.REGION in pool.scopes,
        )
        cap = self._policies.bonus_cap
        if cap is not None:
            standing.bonus = min(standing.bonus, cap)
        field_method = self._policies.field_method
        weights = {method: weight for method, weight in group.methods.items() if weight}
        if group.field_only or not weights:
            weights = {field_method: Fraction(1)}
        for method in sorted(weights):
            score = standing.field.score if method == field_method else self._external.get((code, method))
            if score is None:
                standing.missing += (method,)
            else:
                standing.methods[method] = score
        if group.field_only:
            standing.value = standing.field.score
        elif not standing.missing:
            standing.composite = weighted_mean((standing.methods[method], weights[method]) for method in weights)
        if standing.composite is not None:
            standing.total = standing.value = standing.composite + standing.bonus - standing.negative
        return standing

    def _parent(self, code: str) -> _Standing:
        """A region above the ranked ones; the mean is over the children that have a figure, and says when
        one has none."""
        if code in self._parents:
            return self._parents[code]
        if self._policies.parents is ParentPolicy.OWN_SITES:
            own = self._field(code, None)
            standing = _Standing(own, total=own.score, value=own.score)
        else:
            children = {
                child: self._of_region(child)
                for child in self._children[code]
                if child in self._primary or child in self._above
            }
            standing = _Standing(
                _Field(self._over_children({child: one.field.score for child, one in children.items()}), {})
            )
            standing.total = standing.value = self._over_children({child: one.value for child, one in children.items()})
            if any(one.value is None for one in children.values()):
                standing.missing = (NO_CHILDREN,)
        standing.vetoed = self._all_vetoed
        self._parents[code] = standing
        return standing

    def _over_children(self, values: Mapping[str, Fraction | None]) -> Fraction | None:
        weights = self._policies.parent_weights or {}
        weighted = self._policies.parents is ParentPolicy.WEIGHTED
        return weighted_mean(
            (value, weights.get(child, Fraction(0)) if weighted else Fraction(1))
            for child, value in values.items()
            if value is not None
        )

    def _list(self, group: Group) -> list[Entry]:
        standings = [(code, self._standing[group.code, code]) for code in group.regions]
        places = ranks([None if one.vetoed else maybe_stored(one.value) for _, one in standings])
        lines = sorted(
            zip(standings, places, strict=True),
            key=lambda line: (line[1] is None, not line[0][1].vetoed, line[1] or 0, line[0][0]),
        )
        return [
            Entry(
                group=group.code,
                region=code,
                position=position,
                rank=place,
                field=maybe_stored(one.field.score),
                methods=_all_stored(one.methods),
                types=_all_stored(one.field.types),
                composite=maybe_stored(one.composite),
                bonus=stored(one.bonus),
                negative=stored(one.negative),
                total=maybe_stored(one.total),
                value=maybe_stored(one.value),
                vetoed=one.vetoed,
                missing=one.missing,
            )
            for position, ((code, one), place) in enumerate(lines, 1)
        ]

    def _figure(self, code: str, one: _Standing) -> RegionFigure:
        pool = self._pools[code]
        return RegionFigure(
            code=code,
            level=self._levels[code],
            field=maybe_stored(one.field.score),
            methods=_all_stored(one.methods),
            types=_all_stored(one.field.types),
            total=maybe_stored(one.total),
            sites=pool.sites,
            scored_sites=pool.scored_sites,
            vetoed=one.vetoed,
            missing=one.missing,
        )


def _external(snapshot: Snapshot) -> dict[tuple[str, str], Fraction]:
    """(region, method) → 100 × Σ score / Σ max over its method scores."""
    sums: dict[tuple[str, str], list[Fraction]] = {}
    for given in snapshot.method_scores:
        if given.region is not None:
            pair = sums.setdefault((given.region, given.method), [Fraction(0), Fraction(0)])
            pair[0] += given.score
            pair[1] += given.max_score
    return {key: 100 * score / most for key, (score, most) in sums.items() if most}


def _all_stored(values: Mapping[str, Fraction]) -> dict[str, Decimal]:
    return {key: stored(value) for key, value in sorted(values.items())}
