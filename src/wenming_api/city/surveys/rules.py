"""Where a method's total came from. Pure."""

from enum import StrEnum


class ScoreSource(StrEnum):
    """How a total got into the system."""

    ENTERED = "entered"
    IMPORTED = "imported"
