"""Where a method's total came from. Pure."""

from enum import StrEnum


class ScoreSource(StrEnum):
    """How a total got into the system."""

    ENTERED = "entered"
    IMPORTED = "imported"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"entered": "录入", "imported": "导入"}[self.value]
