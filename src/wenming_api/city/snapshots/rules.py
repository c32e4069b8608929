"""What a result is computed from, frozen, and how it is written down so that it can be hashed.

Every name, path, weight and duty is a copy: nothing here is looked up again later, so that a recomputation
on any later day sees the same inputs (C4.1-C4.4). Identities are text so that the module knows no table.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from wenming_api.city.criteria.rules import VetoScope
from wenming_api.city.schemes.rules import (
    DutyPolicy,
    FieldPolicy,
    MissingTypePolicy,
    OpenLinePolicy,
    ParentPolicy,
)
from wenming_api.city.standards.rules import DutyRole, ListKind
from wenming_api.kit.exact import decimal_text, ratio_text

FORM = 1
"""Number of the canonical form; a change of the form or of the arithmetic raises it."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The choices of an assessment's settings that the roll-up reads, as exact numbers."""

    not_applicable: OpenLinePolicy = OpenLinePolicy.EXCLUDE
    missing_item: OpenLinePolicy = OpenLinePolicy.EXCLUDE
    field: FieldPolicy = FieldPolicy.TYPE_MEAN
    missing_type: MissingTypePolicy = MissingTypePolicy.EXCLUDE
    parents: ParentPolicy = ParentPolicy.MEAN_OF_CHILDREN
    parent_weights: Mapping[str, Fraction] | None = None
    """Weight of a child region (by code) for ``ParentPolicy.WEIGHTED``; a child without one is left out."""
    bonus_cap: Fraction | None = None
    """Most points that bonus items may add to a region's total; None: no limit."""
    spread_threshold: Fraction | None = None
    """Part of the maximum by which assessors may differ without a flag; None: no flags."""
    duties: DutyPolicy = DutyPolicy.LEAD
    field_method: str = "field"
    """Code of the method whose score comes from the sheets; all others come as method scores."""


@dataclass(frozen=True, slots=True)
class Named:
    """A thing that is only listed: a site type, an industry, a method."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Region:
    """A node of the management tree."""

    code: str
    name: str
    level: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Site:
    """A drawn site with everything that its lines are cut by."""

    id: str
    code: str
    name: str
    type: str
    region: str
    unit: str | None = None
    industry: str | None = None
    unit_path: str | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that has duties or is responsible for sites."""

    id: str
    name: str
    region_path: str = ""
    unit_path: str = ""


@dataclass(frozen=True, slots=True)
class Indicator:
    """A node of the indicator tree above the standards."""

    id: str
    parent: str | None
    level: int
    code: str
    name: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class Duty:
    """A department named by a standard."""

    unit: str
    role: DutyRole


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard as it was when the assessment was published."""

    id: str
    code: str
    indicator: str | None
    max_score: Fraction
    kind: ListKind = ListKind.REGULAR
    site_types: tuple[str, ...] = ()
    """Types it applies to; empty: every type."""
    duties: tuple[Duty, ...] = ()
    methods: tuple[str, ...] = ()
    text: str = ""

    @property
    def lead(self) -> str | None:
        """The leading department."""
        return next((duty.unit for duty in self.duties if duty.role is DutyRole.LEAD), None)


class Line(NamedTuple):
    """One assessor's judgement of one standard at one site; ``achieved`` None means not applicable."""

    standard: str
    achieved: Fraction | None
    veto: VetoScope | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """An accepted sheet version."""

    id: str
    site: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Quota:
    """A site type that a region of this level is drawn for, and the weight of the type there."""

    site_type: str
    level: str
    weight: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Group:
    """A ranking group: regions compared with each other, and the weighted methods that make their total."""

    code: str
    name: str
    methods: Mapping[str, Fraction]
    regions: tuple[str, ...]
    field_only: bool = False


@dataclass(frozen=True, slots=True)
class MethodScore:
    """A score of a method other than the field work, for a region or a unit."""

    method: str
    score: Fraction
    max_score: Fraction
    region: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that enters a result. The order of the groups is their order of publication."""

    policies: Policies
    regions: tuple[Region, ...]
    sites: tuple[Site, ...]
    site_types: tuple[Named, ...]
    standards: tuple[Standard, ...]
    sheets: tuple[Sheet, ...]
    groups: tuple[Group, ...] = ()
    quotas: tuple[Quota, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    units: tuple[Unit, ...] = ()
    industries: tuple[Named, ...] = ()
    methods: tuple[Named, ...] = ()
    method_scores: tuple[MethodScore, ...] = ()


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot as JSON values (text, integers, lists, maps; no floats). Same inputs, whatever their
    order, same JSON."""
    document: dict[str, Any] = {"form": FORM}
    for field in fields(Snapshot):
        value = getattr(snapshot, field.name)
        if field.name == "sheets":
            document["sheets"] = sorted((_sheet_to_json(sheet) for sheet in value), key=lambda sheet: sheet["id"])
        else:
            document[field.name] = plain(value)
            if isinstance(value, tuple) and field.name != "groups":
                document[field.name].sort(key=canonical)
    return document


def from_json(document: Mapping[str, Any]) -> Snapshot:
    """Reads what :func:`to_json` wrote.

    Raises ``ValueError`` for another form than this one.
    """
    if document.get("form") != FORM:
        raise ValueError(f"snapshot of form {document.get('form')}, expected {FORM}")
    chosen = document["policies"]
    return Snapshot(
        policies=Policies(
            not_applicable=OpenLinePolicy(chosen["not_applicable"]),
            missing_item=OpenLinePolicy(chosen["missing_item"]),
            field=FieldPolicy(chosen["field"]),
            missing_type=MissingTypePolicy(chosen["missing_type"]),
            parents=ParentPolicy(chosen["parents"]),
            parent_weights=_ratios(chosen["parent_weights"]),
            bonus_cap=_ratio(chosen["bonus_cap"]),
            spread_threshold=_ratio(chosen["spread_threshold"]),
            duties=DutyPolicy(chosen["duties"]),
            field_method=chosen["field_method"],
        ),
        regions=tuple(Region(**item) for item in document["regions"]),
        sites=tuple(Site(**item) for item in document["sites"]),
        site_types=tuple(Named(**item) for item in document["site_types"]),
        standards=tuple(_standard(item) for item in document["standards"]),
        sheets=tuple(_sheet(item) for item in document["sheets"]),
        groups=tuple(
            Group(**(item | {"methods": _ratios(item["methods"]), "regions": tuple(item["regions"])}))
            for item in document["groups"]
        ),
        quotas=tuple(Quota(**(item | {"weight": Fraction(item["weight"])})) for item in document["quotas"]),
        indicators=tuple(Indicator(**item) for item in document["indicators"]),
        units=tuple(Unit(**item) for item in document["units"]),
        industries=tuple(Named(**item) for item in document["industries"]),
        methods=tuple(Named(**item) for item in document["methods"]),
        method_scores=tuple(
            MethodScore(**(item | {"score": Fraction(item["score"]), "max_score": Fraction(item["max_score"])}))
            for item in document["method_scores"]
        ),
    )


def canonical(value: object) -> str:
    """JSON text with sorted keys and no white space: one text per value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical text in UTF-8, lower-case hexadecimal."""
    return text_digest(canonical(value))


def text_digest(text: str) -> str:
    """As :func:`digest`, of a canonical text."""
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: object) -> Any:
    """Any frozen value as JSON values: fractions and decimals as text, dataclasses as maps."""
    if isinstance(value, Fraction):
        return ratio_text(value)
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def _sheet_to_json(sheet: Sheet) -> dict[str, Any]:
    # Lines are nine tenths of a snapshot, so each is a short text: "4", "500/7", "-" (not applicable), "0
    # site" (veto).
    return {
        "id": sheet.id,
        "site": sheet.site,
        "lines": {line.standard: _line_text(line.achieved, line.veto) for line in sheet.lines},
    }


def _sheet(item: Mapping[str, Any]) -> Sheet:
    return Sheet(
        id=item["id"],
        site=item["site"],
        lines=tuple(Line(standard, *_line_values(text)) for standard, text in item["lines"].items()),
    )


@lru_cache(maxsize=4096)
def _line_text(achieved: Fraction | None, veto: VetoScope | None) -> str:
    text = "-" if achieved is None else ratio_text(achieved)
    return f"{text} {veto.value}" if veto else text


@lru_cache(maxsize=4096)
def _line_values(text: str) -> tuple[Fraction | None, VetoScope | None]:
    achieved, _, veto = text.partition(" ")
    return (None if achieved == "-" else Fraction(achieved)), (VetoScope(veto) if veto else None)


def _standard(item: Mapping[str, Any]) -> Standard:
    return Standard(
        id=item["id"],
        code=item["code"],
        indicator=item["indicator"],
        max_score=Fraction(item["max_score"]),
        kind=ListKind(item["kind"]),
        site_types=tuple(item["site_types"]),
        duties=tuple(Duty(unit=duty["unit"], role=DutyRole(duty["role"])) for duty in item["duties"]),
        methods=tuple(item["methods"]),
        text=item["text"],
    )


def _ratio(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def _ratios(texts: Mapping[str, str] | None) -> dict[str, Fraction] | None:
    return None if texts is None else {key: Fraction(text) for key, text in texts.items()}
