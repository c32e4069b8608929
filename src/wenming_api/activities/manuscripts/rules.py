"""The life of a manuscript (A3.5, B4.1). Pure."""

from enum import StrEnum
from typing import Final

MAX_PHOTOS: Final = 20
"""Most pictures of a manuscript."""


class ManuscriptState(StrEnum):
    """draft ⇄ ready: every save after it was called ready makes it a draft again."""

    DRAFT = "draft"
    READY = "ready"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return {"draft": "修改中", "ready": "已定稿"}[self.value]


def state_of(current_no: int, ready_no: int | None) -> ManuscriptState:
    """The state that the numbers of the newest version and of the one last called ready stand for."""
    return ManuscriptState.READY if ready_no == current_no else ManuscriptState.DRAFT


def without_sending(current_no: int, ready_no: int | None, *, recorded: bool) -> str | None:
    """Why a manuscript cannot be sent now, in Chinese; None when it can."""
    if not recorded:
        return "活动尚未形成台账"
    return None if ready_no == current_no else "稿件尚未定稿"
