"""States and windows of terms (届别). Pure."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum


class TermState(StrEnum):
    """draft → published → closed; a closed term may be opened again."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """The state's Chinese name."""
        return {"draft": "草稿", "published": "已发布", "closed": "已结束"}[self.value]


class TermAction(StrEnum):
    """What moves a term on; also the last segment of the route that does it."""

    PUBLISH = "publish"
    CLOSE = "close"
    REOPEN = "reopen"


TERM_STEPS: Mapping[TermAction, tuple[TermState, TermState]] = {
    TermAction.PUBLISH: (TermState.DRAFT, TermState.PUBLISHED),
    TermAction.CLOSE: (TermState.PUBLISHED, TermState.CLOSED),
    TermAction.REOPEN: (TermState.CLOSED, TermState.PUBLISHED),
}
TERM_LABELS = {TermAction.PUBLISH: "发布", TermAction.CLOSE: "结束", TermAction.REOPEN: "重新开放"}


def allowed_from(state: TermState) -> list[str]:
    """Actions that a state allows."""
    return [action.value for action, (source, _) in TERM_STEPS.items() if source is state]


def window_problem(state: TermState, opens_on: date, closes_on: date, today: date) -> str | None:
    """Why nothing can be sent in this term today, in Chinese; None when it can."""
    if state is not TermState.PUBLISHED:
        return f"该届别{state.label}，不接受申报"
    if today < opens_on:
        return f"申报自 {opens_on.isoformat()} 起受理"
    if today > closes_on:
        return f"申报已于 {closes_on.isoformat()} 截止"
    return None
