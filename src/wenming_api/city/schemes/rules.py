"""What an assessment's scheme (测评方案) says and what it must satisfy (C3.1): pure, no session, no clock.

Every policy that no published notice prescribes is an enum here and a field of `Settings`; `scheme_gaps` is
what is wrong with a scheme at any time, `publish_gaps` what besides keeps it from being published.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Self


class OpenLinePolicy(StrEnum):
    """What a line counts as that was not applicable, or that nobody judged (缺项), at a site."""

    EXCLUDE = "exclude"
    FULL = "full"
    ZERO = "zero"
    PEER_MEAN = "peer_mean"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"exclude": "不计入", "full": "计满分", "zero": "计零分", "peer_mean": "取同类点位平均"}[self.value]


class FieldPolicy(StrEnum):
    """How sites become a region's field score."""

    TYPE_MEAN = "type_mean"
    SITE_MEAN = "site_mean"
    POINTS = "points"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"type_mean": "各类点位平均后再平均", "site_mean": "全部点位平均", "points": "得分合计占分值合计"}[
            self.value
        ]


class MissingTypePolicy(StrEnum):
    """What a site type of the quota does for a region that has no site of it."""

    EXCLUDE = "exclude"
    PEER_MEAN = "peer_mean"
    ZERO = "zero"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"exclude": "不计入", "peer_mean": "取其他区域该类平均", "zero": "计零分"}[self.value]


class ParentPolicy(StrEnum):
    """How a parent region gets its score."""

    MEAN_OF_CHILDREN = "mean_of_children"
    OWN_SITES = "own_sites"
    WEIGHTED = "weighted"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"mean_of_children": "下级平均", "own_sites": "按自身点位计算", "weighted": "下级加权平均"}[self.value]


class DutyPolicy(StrEnum):
    """Whose conformance rate a line enters: the leading department's, or every named department's."""

    LEAD = "lead"
    ALL = "all"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"lead": "只计牵头单位", "all": "计全部责任单位"}[self.value]


class MethodSource(StrEnum):
    """Where the scores of a method come from: the sheets of the field work, totals entered or imported, or the
    answers to questionnaires."""

    FIELD = "field"
    ENTERED = "entered"
    QUESTIONNAIRE = "questionnaire"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"field": "实地测评表", "entered": "录入或导入的得分", "questionnaire": "问卷答卷"}[self.value]


class Shortage(StrEnum):
    """What the draw does in a stratum that has fewer sites than its quota."""

    REFUSE = "refuse"
    TAKE_ALL = "take_all"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"refuse": "不足则不能抽选", "take_all": "不足则全部抽中"}[self.value]


@dataclass(frozen=True, slots=True)
class Settings:
    """Every policy of the roll-up that an assessment chooses, with the usual choice as default.

    `weight_total` is what the method weights of each ranking group must add up to (mostly 100; 106 was seen).
    `spread_threshold` is the share of a line's maximum above which two assessors' difference is flagged;
    None: never. `bonus_cap` bounds the sum of bonus items, in points; None: no bound.
    `parent_weights` maps codes of child regions to relative weights; `ParentPolicy.WEIGHTED` alone reads it.
    """

    weight_total: Decimal = Decimal(100)
    not_applicable: OpenLinePolicy = OpenLinePolicy.EXCLUDE
    missing_item: OpenLinePolicy = OpenLinePolicy.EXCLUDE
    field: FieldPolicy = FieldPolicy.TYPE_MEAN
    missing_type: MissingTypePolicy = MissingTypePolicy.EXCLUDE
    parents: ParentPolicy = ParentPolicy.MEAN_OF_CHILDREN
    parent_weights: Mapping[str, Decimal] = dataclasses.field(default_factory=dict)
    duties: DutyPolicy = DutyPolicy.LEAD
    spread_threshold: Decimal | None = Decimal("0.2")
    bonus_cap: Decimal | None = None

    def to_json(self) -> dict[str, Any]:
        """The stored form: enums by value, decimals as strings."""
        stored: dict[str, Any] = {}
        for name in (each.name for each in dataclasses.fields(self)):
            value = getattr(self, name)
            stored[name] = str(value) if isinstance(value, Decimal | StrEnum) else value
        weights = sorted(self.parent_weights.items())
        return stored | {"parent_weights": {code: str(weight) for code, weight in weights}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read the stored form back; a policy that is not stored has its default.

        Raises:
            ValueError: an unknown policy or something that is no number.
        """
        given = {each.name: stored[each.name] for each in dataclasses.fields(cls) if each.name in stored}
        for name in ("weight_total", "spread_threshold", "bonus_cap"):
            if given.get(name) is not None:
                given[name] = _decimal(given[name])
        for name, policy in _POLICIES.items():
            if name in given:
                given[name] = policy(given[name])
        if "parent_weights" in given:
            given["parent_weights"] = {code: _decimal(weight) for code, weight in given["parent_weights"].items()}
        return cls(**given)


_POLICIES: Mapping[str, type[StrEnum]] = {
    "not_applicable": OpenLinePolicy,
    "missing_item": OpenLinePolicy,
    "field": FieldPolicy,
    "missing_type": MissingTypePolicy,
    "parents": ParentPolicy,
    "duties": DutyPolicy,
}


def _decimal(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as wrong:
        raise ValueError(f"not a decimal: {value!r}") from wrong


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing wrong with a configuration: where (JSON pointer) and what (Chinese)."""

    pointer: str
    message: str


def _within(value: Decimal | None, low: Decimal, high: Decimal) -> bool:
    return value is None or (value.is_finite() and low <= value <= high)


def settings_gaps(settings: Settings) -> Iterator[Gap]:
    """What is wrong with the figures of the settings themselves."""
    if not _within(settings.weight_total, Decimal("0.01"), Decimal(10_000)):
        yield Gap("/settings/weight_total", "权重总分须在 0.01 到 10000 之间")
    if not _within(settings.spread_threshold, Decimal(0), Decimal(1)):
        yield Gap("/settings/spread_threshold", "分歧阈值须在 0 到 1 之间")
    if not _within(settings.bonus_cap, Decimal(0), Decimal(10_000)):
        yield Gap("/settings/bonus_cap", "加分封顶须在 0 到 10000 之间")
    for code, weight in settings.parent_weights.items():
        if not weight.is_finite() or weight <= 0:
            yield Gap(f"/settings/parent_weights/{code}", "权重必须大于 0")
    if settings.parents is ParentPolicy.WEIGHTED and not settings.parent_weights:
        yield Gap("/settings/parent_weights", "上级区域按权重汇总时，必须给出各下级区域的权重")


@dataclass(frozen=True, slots=True)
class Group:
    """A ranking group as configured: its regions and the weight of each method."""

    code: str
    region_level: str
    methods: Mapping[str, Decimal]
    field_only: bool
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quota:
    """How many sites of a type each region of the level gives; the type's weight in the mean over types."""

    site_type_code: str
    region_level: str
    count: int
    weight: Decimal
    when_short: Shortage = Shortage.REFUSE


@dataclass(frozen=True, slots=True)
class Assessor:
    """Somebody who may be given sheets, in these regions and of these site types only; empty: anywhere, of any."""

    user_id: str
    regions: tuple[str, ...] = ()
    site_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scheme:
    """The configuration of an assessment (测评方案) as plain values; ids as text."""

    root_path: str
    settings: Settings
    methods: Mapping[str, MethodSource]
    regions: tuple[str, ...]
    quotas: tuple[Quota, ...]
    groups: tuple[Group, ...]
    standards: tuple[str, ...]
    assessors: tuple[Assessor, ...]


@dataclass(frozen=True, slots=True)
class RegionFact:
    """What the database knows of a region."""

    code: str
    name: str
    level: str
    path: str


@dataclass(frozen=True, slots=True)
class StandardFact:
    """What the database knows of a chosen standard; without site types it applies to every type."""

    code: str
    in_edition: bool
    site_types: frozenset[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the database knows of what a scheme mentions. An id that is not in here does not exist."""

    regions: Mapping[str, RegionFact]
    site_types: Mapping[str, str]
    standards: Mapping[str, StandardFact]
    assessors: frozenset[str]
    edition_known: bool = True
    edition_published: bool = False
    frame: Mapping[tuple[str, str], int] = dataclasses.field(default_factory=dict)
    """Active sites per (site type, name of the region at the quota's level)."""


def _repeated(values: tuple[str, ...], pointer: str) -> Iterator[Gap]:
    seen: set[str] = set()
    for place, value in enumerate(values):
        if value in seen:
            yield Gap(f"{pointer}/{place}", f"重复：{value}")
        seen.add(value)


def scheme_gaps(scheme: Scheme, facts: Facts) -> list[Gap]:
    """Everything a scheme says that is wrong, whether or not it is complete yet: asked on every save."""
    return [
        *settings_gaps(scheme.settings),
        *_repeated(scheme.regions, "/region_ids"),
        *_repeated(scheme.standards, "/standard_ids"),
        *_repeated(tuple(assessor.user_id for assessor in scheme.assessors), "/assessors"),
        *_repeated(tuple(quota.site_type_code for quota in scheme.quotas), "/quotas"),
        *_repeated(tuple(group.code for group in scheme.groups), "/groups"),
        *_reference_gaps(scheme, facts),
        *_region_gaps(scheme, facts),
        *_method_gaps(scheme),
        *_group_gaps(scheme, facts),
        *_assessor_gaps(scheme, facts),
    ]


def _reference_gaps(scheme: Scheme, facts: Facts) -> Iterator[Gap]:
    for place, quota in enumerate(scheme.quotas):
        if quota.site_type_code not in facts.site_types:
            yield Gap(f"/quotas/{place}/site_type_code", f"点位类型不存在或已停用：{quota.site_type_code}")
    for place, standard in enumerate(scheme.standards):
        fact = facts.standards.get(standard)
        if fact is None or not fact.in_edition:
            yield Gap(f"/standard_ids/{place}", f"所选体系中没有这条测评标准：{standard}")
    if not facts.edition_known:
        yield Gap("/system_id", "测评体系不存在")


def _assessor_gaps(scheme: Scheme, facts: Facts) -> Iterator[Gap]:
    covered = _paths(scheme, facts)
    types = {quota.site_type_code for quota in scheme.quotas}
    for place, assessor in enumerate(scheme.assessors):
        pointer = f"/assessors/{place}"
        if assessor.user_id not in facts.assessors:
            yield Gap(f"{pointer}/user_id", f"测评人员不存在或已停用：{assessor.user_id}")
        for at, region in enumerate(assessor.regions):
            fact = facts.regions.get(region)
            if fact is None or not any(fact.path.startswith(path) for path in covered):
                yield Gap(f"{pointer}/region_ids/{at}", f"区域不在所选测评区域之内：{fact.name if fact else region}")
        for at, code in enumerate(assessor.site_types):
            if code not in types:
                yield Gap(f"{pointer}/site_type_codes/{at}", f"点位类型不在本次测评的配额之中：{code}")


def _paths(scheme: Scheme, facts: Facts) -> list[str]:
    return [facts.regions[region].path for region in scheme.regions if region in facts.regions]


def _region_gaps(scheme: Scheme, facts: Facts) -> Iterator[Gap]:
    known = [(place, facts.regions.get(region)) for place, region in enumerate(scheme.regions)]
    for place, fact in known:
        pointer = f"/region_ids/{place}"
        if fact is None:
            yield Gap(pointer, f"区域不存在：{scheme.regions[place]}")
        elif not fact.path.startswith(scheme.root_path):
            yield Gap(pointer, f"“{fact.name}”不在本次测评的城市范围内")
        elif any(
            other and other is not fact and fact.path != other.path and fact.path.startswith(other.path)
            for _, other in known
        ):
            yield Gap(pointer, f"“{fact.name}”已包含在另一所选区域之内")
    codes = {fact.code for fact in facts.regions.values()}
    for code in scheme.settings.parent_weights:
        if code not in codes:
            yield Gap(f"/settings/parent_weights/{code}", f"区域不存在：{code}")


def _method_gaps(scheme: Scheme) -> Iterator[Gap]:
    if scheme.methods and list(scheme.methods.values()).count(MethodSource.FIELD) != 1:
        yield Gap("/methods", "测评方法中必须有且只有一种来自实地考察")


def _group_gaps(scheme: Scheme, facts: Facts) -> Iterator[Gap]:
    total = scheme.settings.weight_total
    field_codes = {code for code, source in scheme.methods.items() if source is MethodSource.FIELD}
    covered = _paths(scheme, facts)
    listed: dict[str, str] = {}
    for place, group in enumerate(scheme.groups):
        pointer = f"/groups/{place}"
        for code, weight in group.methods.items():
            if code not in scheme.methods:
                yield Gap(f"{pointer}/methods/{code}", f"测评方法不在本次测评之中：{code}")
            if not weight.is_finite() or weight <= 0:
                yield Gap(f"{pointer}/methods/{code}", "权重必须大于 0")
        weights = [weight for weight in group.methods.values() if weight.is_finite()]
        if group.methods and sum(weights, Decimal(0)) != total:
            yield Gap(f"{pointer}/methods", f"各方法权重之和为 {sum(weights, Decimal(0))}，应等于权重总分 {total}")
        if group.field_only and set(group.methods) - field_codes:
            yield Gap(f"{pointer}/field_only", "仅实地考察的分组不能包含其他测评方法")
        for at, member in enumerate(group.members):
            where, fact = f"{pointer}/region_ids/{at}", facts.regions.get(member)
            if fact is None:
                yield Gap(where, f"区域不存在：{member}")
            elif fact.level != group.region_level:
                yield Gap(where, f"“{fact.name}”与分组的区域层级不一致")
            elif not any(fact.path.startswith(path) for path in covered):
                yield Gap(where, f"“{fact.name}”不在所选测评区域之内")
            if member in listed:
                yield Gap(where, f"同一区域只能列入一个排名分组（已在 {listed[member]}）")
            listed[member] = group.code


def publish_gaps(scheme: Scheme, facts: Facts, *, windowed: bool) -> list[Gap]:
    """Everything that keeps a scheme from being published, all at once: what is wrong and what is missing.

    Args:
        windowed: both ends of the assessment's window are set.
    """
    gaps = scheme_gaps(scheme, facts)
    if not facts.edition_published:
        gaps.append(Gap("/system_id", "所选测评体系不是已发布的版本"))
    if not windowed:
        gaps.append(Gap("/starts_on", "尚未设置测评起止日期"))
    for pointer, what, present in (
        ("/standard_ids", "测评标准", scheme.standards),
        ("/region_ids", "测评区域", scheme.regions),
        ("/quotas", "点位类型配额", scheme.quotas),
        ("/methods", "测评方法", scheme.methods),
        ("/groups", "排名分组", scheme.groups),
        ("/assessors", "测评人员", scheme.assessors),
    ):
        if not present:
            gaps.append(Gap(pointer, f"尚未设置{what}"))
    for place, group in enumerate(scheme.groups):
        if not group.members:
            gaps.append(Gap(f"/groups/{place}/region_ids", f"排名分组 {group.code} 中没有区域"))
        if not group.methods:
            gaps.append(Gap(f"/groups/{place}/methods", f"排名分组 {group.code} 没有测评方法"))
    chosen = [facts.standards[standard] for standard in scheme.standards if standard in facts.standards]
    for place, quota in enumerate(scheme.quotas):
        name = facts.site_types.get(quota.site_type_code, quota.site_type_code)
        if not any(not each.site_types or quota.site_type_code in each.site_types for each in chosen):
            gaps.append(Gap(f"/quotas/{place}/site_type_code", f"所选测评标准没有适用于“{name}”的"))
        gaps.extend(_frame_gaps(place, quota, name, facts.frame))
    return gaps


def _frame_gaps(place: int, quota: Quota, name: str, frame: Mapping[tuple[str, str], int]) -> Iterator[Gap]:
    if quota.when_short is Shortage.TAKE_ALL:
        return
    for (site_type, region), available in sorted(frame.items()):
        if site_type == quota.site_type_code and available < quota.count:
            yield Gap(
                f"/quotas/{place}/count",
                f"“{region}”的“{name}”只有 {available} 个，少于配额 {quota.count} 个",
            )
