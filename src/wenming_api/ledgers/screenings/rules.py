"""States of a screening (L4.1)."""

from enum import StrEnum


class ScreeningState(StrEnum):
    """How far a screening has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"queued": "排队中", "running": "筛查中", "done": "已完成", "failed": "未能完成"}[self.value]
