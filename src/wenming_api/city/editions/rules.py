"""What an indicator system may do in which state, what its content is, and whether it may be published: pure."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from importlib import resources
from typing import Any
from uuid import UUID

from wenming_api.city.standards.rules import InvalidRule, ListKind, SystemState, check_rule, rule_from_json
from wenming_api.kit.problems import FieldError

LEVEL_NAMES = ("测评项目", "测评指标", "测评内容")
METHODS = {"field": "实地考察", "document": "材料审核", "questionnaire": "问卷调查"}
MAX_FAULTS = 100


class SystemAction(StrEnum):
    """What changes the state of a system."""

    PUBLISH = "publish"
    RETIRE = "retire"

    @property
    def label(self) -> str:
        return {"publish": "发布", "retire": "停用"}[self.value]


TRANSITIONS: Mapping[tuple[SystemState, SystemAction], SystemState] = {
    (SystemState.DRAFT, SystemAction.PUBLISH): SystemState.PUBLISHED,
    (SystemState.PUBLISHED, SystemAction.RETIRE): SystemState.RETIRED,
}
"""Every transition there is; no state is ever returned to."""


def allowed(state: SystemState) -> list[str]:
    """The actions that a state allows."""
    return [action.value for (start, action) in TRANSITIONS if start is state]


@dataclass(frozen=True, slots=True)
class ContentIndicator:
    """An indicator by its code; siblings stand in the order of the content."""

    code: str
    parent_code: str | None
    level: int
    name: str


@dataclass(frozen=True, slots=True)
class ContentStandard:
    """A standard by its code, under the indicator of a code; `duties` are units, the leading one first."""

    code: str
    indicator_code: str
    text: str
    list_kind: ListKind
    max_score: Decimal
    methods: tuple[str, ...]
    rule: Mapping[str, Any]
    requires_photo: bool
    site_types: tuple[str, ...]
    duties: tuple[UUID, ...]
    evidence: tuple[str, ...]
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class Content:
    """All that is in a system, in printed order, without ids: equal content is equal whatever its history."""

    level_names: tuple[str, ...]
    methods: Mapping[str, str]
    indicators: tuple[ContentIndicator, ...]
    standards: tuple[ContentStandard, ...]


def content_hash(content: Content) -> str:
    """SHA-256 (hex) over the content's canonical JSON."""
    document = {
        "form": 1,
        "level_names": content.level_names,
        "methods": sorted(content.methods.items()),
        "indicators": [[i.code, i.parent_code, i.level, i.name] for i in content.indicators],
        "standards": [
            [
                s.code,
                s.indicator_code,
                s.text,
                s.list_kind.value,
                format(s.max_score.normalize(), "f"),
                s.methods,
                s.rule,
                s.requires_photo,
                sorted(s.site_types),
                [str(unit) for unit in s.duties],
                s.evidence,
                s.note,
                s.source,
            ]
            for s in content.standards
        ],
    }
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def publication_faults(content: Content) -> list[FieldError]:
    """Why a system cannot be published yet; pointers name the indicator or standard by its code."""
    faults: list[FieldError] = []
    if not any(standard.list_kind is ListKind.REGULAR for standard in content.standards):
        faults.append(FieldError("/standards", "至少应有一条基本测评标准"))
    faults += _childless(content)
    for standard in content.standards:
        faults += _standard_faults(standard, content)
    return faults[:MAX_FAULTS]


def _childless(content: Content) -> list[FieldError]:
    below = Counter(indicator.parent_code for indicator in content.indicators)
    below.update(standard.indicator_code for standard in content.standards)
    return [
        FieldError(f"/indicators/{indicator.code}", f"“{indicator.code} {indicator.name}”之下没有内容")
        for indicator in content.indicators
        if not below[indicator.code]
    ]


def _standard_faults(standard: ContentStandard, content: Content) -> list[FieldError]:
    pointer = f"/standards/{standard.code}"
    faults = []
    if unknown := [code for code in standard.methods if code not in content.methods]:
        faults.append(FieldError(f"{pointer}/methods", f"体系中没有测评方法：{'、'.join(unknown)}"))
    try:
        wrong: Sequence[FieldError] = check_rule(rule_from_json(standard.rule), standard.max_score)
    except InvalidRule as invalid:
        wrong = [FieldError(f"/rule{error.pointer}", error.message) for error in invalid.errors]
    return faults + [FieldError(f"{pointer}{error.pointer}", error.message) for error in wrong]


@dataclass(frozen=True, slots=True)
class SampleStandard:
    """A standard of the sample edition; its units by the part of their names that follows the city's."""

    content: ContentStandard
    unit_names: tuple[str, ...]


SAMPLE_CODE = "SAMPLE-2021"
SAMPLE = {
    "code": SAMPLE_CODE,
    "name": "实地考察标准（部分样例，非全国体系）",
    "edition": "2021 年样例",
    "description": (
        "部分样例，非全国体系：由一份公开的 2021 年实地考察要求整理而成，仅含农贸市场与建筑工地两类。"
        "分值、评分方式、责任单位以及部分适用点位类型为演示设定。"
    ),
    "source": "南宁 2021 年实地考察要求（公开网页摘录，各标准附出处）",
}


def sample_edition() -> tuple[tuple[ContentIndicator, ...], tuple[SampleStandard, ...]]:
    """The sample that comes with the product: check items of one published edition, made into standards."""
    levels: dict[str, int] = {"": 0}
    indicators = []
    for row in _sample_rows("sample_indicators.csv"):
        levels[row["code"]] = levels[row["parent_code"]] + 1
        indicators.append(ContentIndicator(row["code"], row["parent_code"] or None, levels[row["code"]], row["name"]))
    standards = tuple(
        SampleStandard(
            ContentStandard(
                code=row["code"],
                indicator_code=row["indicator_code"],
                text=row["text"],
                list_kind=ListKind(row["list_kind"]),
                max_score=Decimal(row["max_score"]),
                methods=("field",),
                rule=json.loads(row["rule"]),
                requires_photo=row["requires_photo"] == "true",
                site_types=tuple(row["site_types"].split()),
                duties=(),
                evidence=tuple(row["evidence"].split()),
                note=row["note"],
                source=row["source"],
            ),
            tuple(row["duties"].split()),
        )
        for row in _sample_rows("sample_standards.csv")
    )
    return tuple(indicators), standards


def _sample_rows(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
