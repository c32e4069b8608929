"""Rules of custom areas."""

from collections.abc import Iterable
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


def outermost(paths: Iterable[str]) -> list[str]:
    """The paths that lie under no other of them, sorted: a member inside another member adds nothing."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not kept or not path.startswith(kept[-1]):
            kept.append(path)
    return kept
