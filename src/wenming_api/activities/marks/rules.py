"""Marks of activities (A7). Pure."""

from enum import StrEnum


class MarkKind(StrEnum):
    """What the managing unit calls an activity."""

    EXCELLENT = "excellent"
    DEMONSTRATION = "demonstration"

    @property
    def label(self) -> str:
        """What the mark is called."""
        return {"excellent": "优秀活动", "demonstration": "示范活动"}[self.value]


def manages(unit_path: str, other: str) -> bool:
    """Whether the unit of `unit_path` stands above the unit of `other`: nobody marks his own."""
    return other.startswith(unit_path) and other != unit_path
