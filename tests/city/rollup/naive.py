"""The roll-up once more, slowly: every figure is computed from the definition alone, nothing is shared or
scaled."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from statistics import mean as plain_mean

from wenming_api.city.snapshots.rules import Group, Line, Snapshot

HUNDRED = Fraction(100)


def rounded(value: Fraction | None) -> Decimal | None:
    """Ten places, half-up, by long division in decimal arithmetic."""
    if value is None:
        return None
    with localcontext() as context:
        context.prec = 80
        context.rounding = ROUND_HALF_UP
        whole, rest = divmod(abs(value.numerator) * 10**10, value.denominator)
        tenths = Decimal(rest * 10**20 // value.denominator) / 10**20
        figure = (Decimal(whole) + tenths).quantize(Decimal(1)) / 10**10
        return -figure if value < 0 else figure


def average(values: list[Fraction]) -> Fraction | None:
    return Fraction(plain_mean(values)) if values else None


class Naive:
    """Every method is one sentence of the definition."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.s = snapshot
        self.policies = snapshot.policies
        self.parent = {region.code: region.parent for region in snapshot.regions}
        self.level = {region.code: region.level for region in snapshot.regions}
        self.standard = {standard.id: standard for standard in snapshot.standards}
        self.site = {site.id: site for site in snapshot.sites}

    # Lines and sites

    def lines(self, site: str, standard: str) -> list[Line]:
        return [
            line for sheet in self.s.sheets if sheet.site == site for line in sheet.lines if line.standard == standard
        ]

    def judged(self, site: str, standard: str) -> Fraction | None:
        return average([line.achieved for line in self.lines(site, standard) if line.achieved is not None])

    def open_policy(self, site: str, standard: str) -> str | None:
        """Which policy an unjudged regular line falls under; None: none, it does not concern this site."""
        if self.standard[standard].kind != "regular" or not self.assessed(site):
            return None
        if self.lines(site, standard):
            return self.policies.not_applicable
        types = self.standard[standard].site_types
        return self.policies.missing_item if not types or self.site[site].type in types else None

    def assessed(self, site: str) -> bool:
        return any(sheet.site == site for sheet in self.s.sheets)

    def counted(self, site: str, standard: str) -> Fraction | None:
        judged = self.judged(site, standard)
        if judged is not None:
            return judged
        most = self.standard[standard].max_score
        match self.open_policy(site, standard):
            case "full":
                return most
            case "zero":
                return Fraction(0)
            case "peer_mean":
                group = self.group_of_site(site)
                values = [
                    value
                    for peer in self.s.sites
                    if group and peer.id != site and peer.type == self.site[site].type
                    if self.group_of_site(peer.id) == group
                    if (value := self.judged(peer.id, standard)) is not None
                ]
                return average(values)
        return None

    def group_of_site(self, site: str) -> Group | None:
        code: str | None = self.site[site].region
        while code is not None:
            for group in self.s.groups:
                if code in group.regions:
                    return group
            code = self.parent[code]
        return None

    def regular(self) -> list[str]:
        return [standard.id for standard in self.s.standards if standard.kind == "regular"]

    def points(self, site: str) -> tuple[Fraction, Fraction]:
        achieved = most = Fraction(0)
        for standard in self.regular():
            counted = self.counted(site, standard)
            if counted is not None:
                achieved += counted
                most += self.standard[standard].max_score
        return achieved, most

    def vetoes(self, site: str) -> set[str]:
        return {line.veto for standard in self.standard for line in self.lines(site, standard) if line.veto}

    def site_score(self, site: str) -> Fraction | None:
        if self.vetoes(site):
            return Fraction(0)
        achieved, most = self.points(site)
        return HUNDRED * achieved / most if most else None

    # Regions

    def inside(self, code: str | None, region: str) -> bool:
        while code is not None:
            if code == region:
                return True
            code = self.parent[code]
        return False

    def sites_of(self, region: str) -> list[str]:
        return [site.id for site in self.s.sites if self.inside(site.region, region)]

    def scores(self, region: str, kind: str | None = None) -> list[Fraction]:
        return [
            score
            for site in self.sites_of(region)
            if kind is None or self.site[site].type == kind
            if (score := self.site_score(site)) is not None
        ]

    def grouped(self, region: str) -> list[Group]:
        return [group for group in self.s.groups if region in group.regions]

    def is_above(self, region: str) -> bool:
        return not self.grouped(region) and any(
            self.inside(member, region) for group in self.s.groups for member in group.regions
        )

    def weights(self, region: str) -> dict[str, Fraction]:
        own = [quota for quota in self.s.quotas if quota.level == self.level[region]]
        return {quota.site_type: quota.weight for quota in sorted(own or self.s.quotas, key=lambda q: q.level)[::-1]}

    def field(self, region: str, group: Group | None) -> Fraction | None:
        if not self.scores(region):
            return None
        if self.policies.field == "site_mean":
            return average(self.scores(region))
        if self.policies.field == "points":
            pairs = [
                (Fraction(0) if self.vetoes(site) else self.points(site)[0], self.points(site)[1])
                for site in self.sites_of(region)
            ]
            most = sum((pair[1] for pair in pairs), Fraction(0))
            return HUNDRED * sum(pair[0] for pair in pairs) / most if most else None
        weights = self.weights(region)
        total = weight_sum = Fraction(0)
        for kind in {*weights, *(site.type for site in self.s.sites)}:
            score = average(self.scores(region, kind))
            if score is None and kind in weights:
                score = self.absent(region, kind, group)
            if score is not None:
                total += weights.get(kind, Fraction(1)) * score
                weight_sum += weights.get(kind, Fraction(1))
        return total / weight_sum if weight_sum else None

    def absent(self, region: str, kind: str, group: Group | None) -> Fraction | None:
        if self.policies.missing_type == "zero" and (group or self.is_above(region)):
            return Fraction(0)
        if self.policies.missing_type == "peer_mean" and group:
            means = [average(self.scores(peer, kind)) for peer in group.regions if peer != region]
            return average([value for value in means if value is not None])
        return None

    def method(self, region: str, method: str, group: Group) -> Fraction | None:
        if method == self.policies.field_method:
            return self.field(region, group)
        given = [score for score in self.s.method_scores if (score.region, score.method) == (region, method)]
        most = sum(score.max_score for score in given)
        return HUNDRED * sum(score.score for score in given) / most if most else None

    def missing(self, region: str, group: Group) -> set[str]:
        return {code for code in self.required(group) if self.method(region, code, group) is None}

    def required(self, group: Group) -> dict[str, Fraction]:
        weights = {code: weight for code, weight in group.methods.items() if weight != 0}
        return weights if weights and not group.field_only else {self.policies.field_method: Fraction(1)}

    def loss_and_gain(self, region: str) -> tuple[Fraction, Fraction]:
        bonus = negative = Fraction(0)
        for site in self.sites_of(region):
            for standard in self.s.standards:
                judged = self.judged(site, standard.id)
                if judged is not None and standard.kind == "bonus":
                    bonus += judged
                if judged is not None and standard.kind == "negative":
                    negative += standard.max_score - judged
        cap = self.policies.bonus_cap
        return (bonus if cap is None or bonus < cap else cap), negative

    def total(self, region: str, group: Group) -> Fraction | None:
        if group.field_only or self.missing(region, group):
            return None
        weights = self.required(group)
        weighted = sum(weight * (self.method(region, code, group) or 0) for code, weight in weights.items())
        bonus, negative = self.loss_and_gain(region)
        return Fraction(weighted) / sum(weights.values()) + bonus - negative

    def value(self, region: str, group: Group) -> Fraction | None:
        return self.field(region, group) if group.field_only else self.total(region, group)

    def vetoed(self, region: str) -> bool:
        everywhere = any("assessment" in self.vetoes(site.id) for site in self.s.sites)
        return everywhere or any("region" in self.vetoes(site) for site in self.sites_of(region))

    def rank(self, region: str, group: Group) -> int | None:
        value = rounded(self.value(region, group))
        if value is None or self.vetoed(region):
            return None
        others = [rounded(self.value(peer, group)) for peer in group.regions if not self.vetoed(peer)]
        return 1 + sum(1 for other in others if other is not None and other > value)

    def region_field(self, region: str) -> Fraction | None:
        return self._region(region, self.field, self.field)

    def region_value(self, region: str) -> Fraction | None:
        return self._region(region, lambda code, _: self.field(code, None), self.value)

    def _region(
        self,
        region: str,
        own: Callable[[str, None], Fraction | None],
        ranked: Callable[[str, Group], Fraction | None],
    ) -> Fraction | None:
        if self.grouped(region):
            return ranked(region, self.grouped(region)[0])
        if self.policies.parents == "own_sites":
            return own(region, None)
        total = weight_sum = Fraction(0)
        for child in (code for code, parent in self.parent.items() if parent == region):
            if self.grouped(child) or self.is_above(child):
                value = self._region(child, own, ranked)
                weight = Fraction(1)
                if self.policies.parents == "weighted":
                    weight = (self.policies.parent_weights or {}).get(child, Fraction(0))
                if value is not None:
                    total += weight * value
                    weight_sum += weight
        return total / weight_sum if weight_sum else None

    # Other cuts

    def cut(self, pairs: list[tuple[str, str]]) -> tuple[Fraction | None, Fraction | None]:
        """Score and conformance rate over (site, standard) pairs."""
        achieved = most = Fraction(0)
        applicable = conforming = 0
        for site, standard in pairs:
            counted, judged = self.counted(site, standard), self.judged(site, standard)
            if counted is not None:
                achieved += counted
                most += self.standard[standard].max_score
            if judged is not None:
                applicable += 1
                conforming += judged == self.standard[standard].max_score
        return (
            HUNDRED * achieved / most if most else None,
            HUNDRED * conforming / applicable if applicable else None,
        )

    def department(self, unit: str) -> tuple[Fraction | None, Fraction | None]:
        roles = {"lead"} if self.policies.duties == "lead" else {"lead", "co"}
        standards = [
            standard
            for standard in self.regular()
            if any(duty.unit == unit and duty.role in roles for duty in self.standard[standard].duties)
        ]
        return self.cut([(site, standard) for site in self.site for standard in standards])

    def unit(self, unit: str) -> tuple[Fraction | None, Fraction | None]:
        sites = [site.id for site in self.s.sites if site.unit == unit]
        return self.cut([(site, standard) for site in sites for standard in self.regular()])

    def indicator(self, node: str) -> tuple[Fraction | None, Fraction | None]:
        inside = {node}
        while more := {each.id for each in self.s.indicators if each.parent in inside} - inside:
            inside |= more
        standards = [standard for standard in self.regular() if self.standard[standard].indicator in inside]
        return self.cut([(site, standard) for site in self.site for standard in standards])

    def industry(self, industry: str) -> Fraction | None:
        scores = [self.site_score(site.id) for site in self.s.sites if site.industry == industry]
        return average([score for score in scores if score is not None])

    def site_type(self, kind: str) -> Fraction | None:
        scores = [self.site_score(site.id) for site in self.s.sites if site.type == kind]
        return average([score for score in scores if score is not None])
