"""What messages are about: pure."""

from enum import StrEnum


class Topic(StrEnum):
    """What a message is about."""

    ACTIVITY = "activity"
    APPROVAL = "approval"
    ASSESSMENT = "assessment"
    DRAW = "draw"
    FILE = "file"
    PACKAGE = "package"
    RECORD = "record"
    RESULT = "result"
    SHEET = "sheet"
    SUBMISSION = "submission"
    SYSTEM = "system"
    TASK = "task"
    TITLE = "title"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "activity": "活动",
            "approval": "审批",
            "assessment": "测评",
            "draw": "抽选",
            "file": "文件",
            "package": "上报包",
            "record": "台账",
            "result": "成绩",
            "sheet": "测评表",
            "submission": "报送",
            "system": "系统",
            "task": "任务",
            "title": "称号",
        }[self.value]
