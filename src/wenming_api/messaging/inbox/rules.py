"""What messages are about: pure."""

from enum import StrEnum


class Topic(StrEnum):
    """What a message is about."""

    ASSESSMENT = "assessment"
    DRAW = "draw"
    FILE = "file"
    RESULT = "result"
    SHEET = "sheet"
    SYSTEM = "system"
    TASK = "task"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "assessment": "测评",
            "draw": "抽选",
            "file": "文件",
            "result": "成绩",
            "sheet": "测评表",
            "system": "系统",
            "task": "任务",
        }[self.value]
