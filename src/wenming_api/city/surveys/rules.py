"""Where a method's total came from. Pure."""

from enum import StrEnum


class ScoreSource(StrEnum):
    """How a total got into the system."""

    ENTERED = "entered"
    IMPORTED = "imported"
    QUESTIONNAIRE = "questionnaire"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"entered": "录入", "imported": "导入", "questionnaire": "问卷计算"}[self.value]


COMPUTED = "得分由问卷答卷计算得出，不能手工修改；请重新计算问卷得分"
