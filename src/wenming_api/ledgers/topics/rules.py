"""The life of a topic (重点工作、专题): pure. Functions S1.4, A6."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Final

MAX_NODES: Final = 200
"""Most catalogue nodes that a topic names."""


class TopicKind(StrEnum):
    """What kind of work is called for."""

    KEY_WORK = "key_work"
    SPECIAL = "special"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return "重点工作" if self is TopicKind.KEY_WORK else "专题"


class TopicState(StrEnum):
    """draft → published ⇄ closed → archived, which is final."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CLOSED = "closed"
    ARCHIVED = "archived"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return {"draft": "草稿", "published": "已发布", "closed": "已截止", "archived": "已归档"}[self.value]


class TopicAction(StrEnum):
    """What can be done to a topic."""

    UPDATE = "update"
    DELETE = "delete"
    PUBLISH = "publish"
    CLOSE = "close"
    REOPEN = "reopen"
    ARCHIVE = "archive"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return _LABELS[self]


_LABELS = {
    TopicAction.UPDATE: "修改",
    TopicAction.DELETE: "删除",
    TopicAction.PUBLISH: "发布",
    TopicAction.CLOSE: "截止",
    TopicAction.REOPEN: "重新开放",
    TopicAction.ARCHIVE: "归档",
}

TRANSITIONS: Final[Mapping[tuple[TopicState, TopicAction], TopicState]] = {
    (TopicState.DRAFT, TopicAction.UPDATE): TopicState.DRAFT,
    (TopicState.PUBLISHED, TopicAction.UPDATE): TopicState.PUBLISHED,
    (TopicState.DRAFT, TopicAction.PUBLISH): TopicState.PUBLISHED,
    (TopicState.PUBLISHED, TopicAction.CLOSE): TopicState.CLOSED,
    (TopicState.CLOSED, TopicAction.REOPEN): TopicState.PUBLISHED,
    (TopicState.CLOSED, TopicAction.ARCHIVE): TopicState.ARCHIVED,
}
"""The whole state machine, but for deleting a draft. An archived topic is read-only."""

FIXED_WHEN_PUBLISHED: Final = frozenset({"kind", "year", "parent_id"})
"""What those who send already rely on."""

MAY_BE_PARENT: Final = frozenset({TopicState.PUBLISHED, TopicState.CLOSED})


def next_state(state: TopicState, action: TopicAction) -> TopicState | None:
    """State after the action, None when the action is not possible in this state."""
    return TRANSITIONS.get((state, action))


def why_not(state: TopicState, action: TopicAction) -> str | None:
    """Reason, for the user, why the action is not possible in this state; None when it is."""
    possible = state is TopicState.DRAFT if action is TopicAction.DELETE else (state, action) in TRANSITIONS
    return None if possible else f"当前为“{state.label}”，不能{action.label}"


def legal_actions(state: TopicState) -> list[str]:
    """What a topic in this state allows."""
    return [action.value for action in TopicAction if why_not(state, action) is None]


def closed_to(state: TopicState, *, opens_on: date, closes_on: date, today: date) -> str | None:
    """Why nothing new can be sent to the topic today; None when it can."""
    if state is not TopicState.PUBLISHED:
        return f"该专项工作{state.label}，不接收报送"
    if today < opens_on:
        return f"该专项工作自 {opens_on} 起接收报送"
    if today > closes_on:
        return f"该专项工作已于 {closes_on} 截止"
    return None
