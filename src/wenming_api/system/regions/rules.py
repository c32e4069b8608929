"""Codes, levels and paths of regions (C2.5)."""

import re
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
    return _CODE.match(code) is not None


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
