"""Kinds and levels of titles, and the arithmetic of an assessment against a rule (L5). Pure."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from importlib import resources
from typing import Any


class TitleKind(StrEnum):
    """Who can hold a civility title. All but a family are units."""

    UNIT = "unit"
    CAMPUS = "campus"
    COMMUNITY = "community"
    VILLAGE = "village"
    FAMILY = "family"
    DISTRICT = "district"
    TOWN_OFFICE = "town_office"

    @property
    def label(self) -> str:
        """What the title is called."""
        return {
            "unit": "文明单位",
            "campus": "文明校园",
            "community": "文明社区",
            "village": "文明村（镇）",
            "family": "文明家庭",
            "district": "文明区县",
            "town_office": "文明镇办",
        }[self.value]


class TitleLevel(StrEnum):
    """Levels of a title from none up; the codes are those of the dictionary `civility_level`."""

    NONE = "none"
    COUNTY = "county"
    CITY = "city"
    PROVINCE = "province"
    NATIONAL = "national"

    @property
    def rank(self) -> int:
        """0 for none, 4 for national."""
        return _LEVELS.index(self)

    @property
    def label(self) -> str:
        """What the level is called."""
        return {"none": "无称号", "county": "区县级", "city": "市级", "province": "省级", "national": "全国"}[
            self.value
        ]


_LEVELS = tuple(TitleLevel)


class TitleRuleState(StrEnum):
    """draft → published (immutable) → retired."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """The state's Chinese name."""
        return {"draft": "草稿", "published": "已发布", "retired": "已停用"}[self.value]


class RuleAction(StrEnum):
    """What moves a rule on; also the last segment of the route that does it."""

    PUBLISH = "publish"
    RETIRE = "retire"


RULE_STEPS: Mapping[RuleAction, tuple[TitleRuleState, TitleRuleState]] = {
    RuleAction.PUBLISH: (TitleRuleState.DRAFT, TitleRuleState.PUBLISHED),
    RuleAction.RETIRE: (TitleRuleState.PUBLISHED, TitleRuleState.RETIRED),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a rule: at most `points` (None: the customer has not entered them yet), and what proves it."""

    code: str
    section: str
    text: str
    points: Decimal | None
    evidence: str
    evidence_required: bool

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {
            "code": self.code,
            "section": self.section,
            "text": self.text,
            "points": None if self.points is None else format(self.points, "f"),
            "evidence": self.evidence,
            "evidence_required": self.evidence_required,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Item":
        """As stored, read back."""
        return cls(**{**row, "points": None if row["points"] is None else Decimal(row["points"])})


@dataclass(frozen=True, slots=True)
class Veto:
    """What rules an applicant out, whatever its score (否决)."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The score claimed or given for an item, and how many pieces of evidence stand behind it."""

    code: str
    score: Decimal
    evidence: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an assessment comes to. Codes are in the order of the rule.

    `over` names items scored beyond their points or below zero, `unknown` codes that the rule does not have,
    `undeclared` vetoes nobody has said anything about.
    """

    total: Decimal
    maximum: Decimal
    unanswered: tuple[str, ...]
    unproven: tuple[str, ...]
    over: tuple[str, ...]
    unknown: tuple[str, ...]
    hit: tuple[str, ...]
    undeclared: tuple[str, ...]
    passed: bool

    @property
    def gaps(self) -> list[str]:
        """What is missing before it can be sent, in Chinese."""
        named = (
            ("尚未自评", self.unanswered),
            ("缺少证明材料", self.unproven),
            ("得分超出分值", self.over),
            ("标准中没有", self.unknown),
            ("尚未声明有无", self.undeclared),
            ("存在否决情形", self.hit),
        )
        return [f"{what}：{'、'.join(codes)}" for what, codes in named if codes]


def assess(
    items: Sequence[Item],
    vetoes: Sequence[Veto],
    *,
    answers: Sequence[Answer],
    declared: Mapping[str, bool],
    pass_score: Decimal | None,
) -> Judgement:
    """Add up the answers exactly and name every gap.

    A score counts within 0 and the item's points; one outside is named and counts as nothing. `passed`: no veto holds
    and the total reaches `pass_score` (None: no threshold).
    """
    given = {answer.code: answer for answer in answers}
    codes = {item.code for item in items} | {veto.code for veto in vetoes}
    over = tuple(
        item.code
        for item in items
        if item.code in given
        and (given[item.code].score < 0 or (item.points is not None and given[item.code].score > item.points))
    )
    total = sum(
        (given[item.code].score for item in items if item.code in given and item.code not in over), start=Decimal(0)
    )
    hit = tuple(veto.code for veto in vetoes if declared.get(veto.code))
    return Judgement(
        total=total,
        maximum=sum((item.points for item in items if item.points is not None), start=Decimal(0)),
        unanswered=tuple(item.code for item in items if item.code not in given),
        unproven=tuple(
            item.code
            for item in items
            if item.evidence_required
            and item.code in given
            and given[item.code].score > 0
            and not given[item.code].evidence
        ),
        over=over,
        unknown=tuple(sorted((given.keys() | declared.keys()) - codes)),
        hit=hit,
        undeclared=tuple(veto.code for veto in vetoes if veto.code not in declared),
        passed=not hit and (pass_score is None or total >= pass_score),
    )


def publication_gaps(items: Sequence[Item], *, pass_score: Decimal | None) -> list[str]:
    """Why a rule cannot be published yet, in Chinese."""
    gaps = [] if items else ["没有评分项"]
    bare = [item.code for item in items if item.points is None]
    if bare:
        gaps.append(f"评分项没有分值：{'、'.join(bare)}")
    best = sum((item.points for item in items if item.points is not None), start=Decimal(0))
    if pass_score is not None and not bare and pass_score > best:
        gaps.append(f"合格线 {format(pass_score, 'f')} 高于总分 {format(best, 'f')}")
    return gaps


@dataclass(frozen=True, slots=True)
class BaseRule:
    """A rule delivered with the product as a draft: a sample from public sources, incomplete where they are."""

    code: str
    kind: TitleKind
    name: str
    edition: str
    source: str
    note: str
    items: tuple[Item, ...]
    vetoes: tuple[Veto, ...]


_KINDS = {"文明单位": TitleKind.UNIT, "文明校园": TitleKind.CAMPUS}
_CODES = {
    "全国文明单位测评体系(试行)2012-05-11": "unit-national-2012",
    "首都文明单位2014": "unit-capital-2014",
    "邯郸市文明单位动态管理系统标准": "unit-handan",
    "文明单位动态管理季度填报(2020,省份未注明)": "unit-quarterly-2020",
    "全国文明单位测评体系2020": "unit-national-2020",
    "襄阳 创文十佳十差考评表(文明校园)": "campus-xiangyang",
    "海南省中小学文明校园测评细则2020": "campus-hainan-2020",
}
_SECTION_ONLY = "(项目名)"


def base_rules() -> list[BaseRule]:
    """Sample rules delivered with the product; points of families' behaviour belong to the points ledger, not here."""
    text = resources.files(__package__).joinpath("data/unit_civility_rules.csv").read_text(encoding="utf-8")
    by_edition: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["kind"] in _KINDS and row["edition"] in _CODES:
            by_edition.setdefault(row["edition"], []).append(row)
    made = [_base_rule(edition, rows) for edition, rows in by_edition.items()]
    return [rule for rule in made if rule.items]


def _base_rule(edition: str, rows: Sequence[dict[str, str]]) -> BaseRule:
    items: list[Item] = []
    vetoes: list[Veto] = []
    notes = ["公开来源摘录的示例，分值与条目不全处由使用单位补全后方可发布"]
    refined = {row["no"].split("-")[0] for row in rows if re.fullmatch(r"\d+-\d+", row["no"])}
    for row in rows:
        if row["section"].startswith("否决"):
            vetoes.append(
                Veto(
                    f"V{len(vetoes) + 1}",
                    f"{row['section'].removeprefix('否决').strip('()')}{row['content(condensed)']}",
                )
            )
        elif row["no"] == "-":
            notes.append(row["content(condensed)"])
        elif not (row["content(condensed)"] == _SECTION_ONLY and row["no"] in refined):
            items.append(_base_item(row))
    counted: dict[str, int] = {}
    unique = []
    for item in items:
        counted[item.code] = counted.get(item.code, 0) + 1
        unique.append(item if counted[item.code] == 1 else Item(f"{item.code}.{counted[item.code]}", *_rest(item)))
    return BaseRule(
        code=_CODES[edition],
        kind=_KINDS[rows[0]["kind"]],
        name=edition,
        edition=edition,
        source=rows[0]["source"],
        note="；".join(notes),
        items=tuple(unique),
        vetoes=tuple(vetoes),
    )


def _base_item(row: Mapping[str, str]) -> Item:
    whole = row["content(condensed)"] == _SECTION_ONLY
    evidence = "" if whole else row["evidence rule"]
    return Item(
        code=row["no"].replace(" ", "").replace(")", ""),
        section=row["section"],
        text=row["section"] if whole else row["content(condensed)"],
        points=Decimal(row["points"]) if row["points"] else None,
        evidence=evidence,
        evidence_required=any(word in evidence for word in ("图片", "文件", "材料", "截图", "实景图")),
    )


def _rest(item: Item) -> tuple[str, str, Decimal | None, str, bool]:
    return item.section, item.text, item.points, item.evidence, item.evidence_required
