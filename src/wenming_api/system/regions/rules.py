"""Codes, levels and paths of regions (C2.5)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

CODE_PATTERN = r"^\d{12}$"
_CODE = re.compile(CODE_PATTERN)
_WIDTHS = (2, 4, 6, 9, 12)


class RegionLevel(StrEnum):
    """The four levels a city works on (四级)."""

    CITY = "city"
    COUNTY = "county"
    STREET = "street"
    COMMUNITY = "community"

    @property
    def label(self) -> str:
        """What a clerk calls it."""
        return {"city": "市", "county": "县（区）", "street": "镇（街道）", "community": "社区（村）"}[self.value]

    @property
    def depth(self) -> int:
        """0 for the city, 3 for a community."""
        return list(RegionLevel).index(self)


def is_code(code: str) -> bool:
    """Whether `code` has the form of a national 12-digit division code."""
    return _CODE.fullmatch(code) is not None


def statistical_level(code: str) -> RegionLevel | None:
    """The level a 12-digit code belongs to by its zeros; None for a province or a malformed code."""
    if not is_code(code):
        return None
    width = next(w for w in _WIDTHS if set(code[w:]) <= {"0"})
    levels = {4: RegionLevel.CITY, 6: RegionLevel.COUNTY, 9: RegionLevel.STREET, 12: RegionLevel.COMMUNITY}
    return levels.get(width)


def child_path(parent_path: str, code: str) -> str:
    """The path of a region: its parent's path, its own code, a slash."""
    return f"{parent_path}{code}/"


def may_contain(parent: RegionLevel, child: RegionLevel) -> bool:
    """A child lies below its parent; levels may be skipped (a zone that manages communities itself)."""
    return child.depth > parent.depth


@dataclass(frozen=True, slots=True)
class RegionRow:
    """A region as an import names it; `row` is its line in the file."""

    row: int
    code: str
    name: str
    level: RegionLevel
    parent_code: str | None


@dataclass(frozen=True, slots=True)
class RegionFact:
    """What is known of a region that exists."""

    level: RegionLevel
    path: str
    full_name: str


@dataclass(frozen=True, slots=True)
class Placed:
    """An imported region with its place in the tree."""

    code: str
    name: str
    level: RegionLevel
    parent_code: str | None
    path: str
    full_name: str
    position: int


def place(
    rows: Sequence[RegionRow], known: Mapping[str, RegionFact]
) -> tuple[list[Placed], list[tuple[RegionRow, str, str]]]:
    """Put imported rows into the tree of the known regions, parents first.

    Returns what could be placed and, for the rest, `(row, field, message)`. A row whose parent failed fails too.
    """
    errors: list[tuple[RegionRow, str, str]] = []
    by_code: dict[str, RegionRow] = {}
    for row in rows:
        if row.code in by_code:
            errors.append((row, "code", f"代码与第 {by_code[row.code].row} 行重复"))
        else:
            by_code[row.code] = row
    placed: dict[str, Placed] = {}
    for position, row in enumerate(sorted(by_code.values(), key=lambda found: found.level.depth)):
        fault = _fault(row, placed, known)
        if fault:
            errors.append((row, *fault))
            continue
        above = _above(row.parent_code, placed, known)
        placed[row.code] = Placed(
            code=row.code,
            name=row.name,
            level=row.level,
            parent_code=row.parent_code,
            path=child_path(above.path if above else "", row.code),
            full_name=f"{above.full_name}/{row.name}" if above else row.name,
            position=position,
        )
    return list(placed.values()), errors


def _above(
    code: str | None, placed: Mapping[str, Placed], known: Mapping[str, RegionFact]
) -> Placed | RegionFact | None:
    return (placed.get(code) or known.get(code)) if code else None


def _fault(row: RegionRow, placed: Mapping[str, Placed], known: Mapping[str, RegionFact]) -> tuple[str, str] | None:
    if not is_code(row.code):
        return "code", "代码须为 12 位数字"
    expected = statistical_level(row.code)
    if expected is not None and expected is not row.level:
        return "level", f"代码 {row.code} 属于{expected.label}，与所填级别不符"
    existing = known.get(row.code)
    if existing is not None and existing.level is not row.level:
        return "level", f"该代码已是{existing.level.label}，导入不能改变级别"
    if row.parent_code is None:
        return None if row.level is RegionLevel.CITY else ("parent_code", "须填上级代码")
    above = _above(row.parent_code, placed, known)
    if above is None:
        return "parent_code", f"上级代码 {row.parent_code} 不存在，或该行有误"
    if not may_contain(above.level, row.level):
        return "parent_code", f"{above.level.label}下不能设{row.level.label}"
    if existing is not None and existing.path != child_path(above.path, row.code):
        return "parent_code", "该区域已在别处；请用“调整上级”变更隶属关系"
    return None
