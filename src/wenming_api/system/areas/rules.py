"""Rules of custom areas."""

from enum import StrEnum
from typing import Final

CODE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,39}$"
"""Codes of areas: letters, digits, hyphen, underscore; up to 40 characters."""

MAX_MEMBERS: Final = 5_000
"""Most regions of one area."""


class AreaKind(StrEnum):
    """What an area is for."""

    URBAN = "urban"
    FRINGE = "fringe"
    GRID = "grid"
    ZONE = "zone"
    OTHER = "other"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return _LABELS[self]


_LABELS = {
    AreaKind.URBAN: "城区",
    AreaKind.FRINGE: "城乡结合部",
    AreaKind.GRID: "网格",
    AreaKind.ZONE: "功能区",
    AreaKind.OTHER: "其他",
}
