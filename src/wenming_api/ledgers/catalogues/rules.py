"""Catalogues (S4.6, L1.1): kinds, states, paths and the shape of their trees. Pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

MAX_DEPTH: Final = 6
"""Most levels of a tree."""

MAX_NODES: Final = 5_000
"""Most nodes of a catalogue."""

NODE_CODE_PATTERN: Final = r"^[0-9A-Za-z\u4e00-\u9fff\u2150-\u218f\u2460-\u24ff_.\-()（）]{1,40}$"
"""Codes as printed (Ⅲ-1-①, 64-2), but without a slash, which separates them in paths."""


class CatalogueKind(StrEnum):
    """What the tree is made of."""

    CATEGORY = "category"
    INDICATOR = "indicator"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"category": "分类目录", "indicator": "指标目录"}[self.value]


class CatalogueState(StrEnum):
    """draft → published → retired. A published tree never changes; a clone does."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"draft": "草稿", "published": "已发布", "retired": "已停用"}[self.value]


class CatalogueAction(StrEnum):
    """What may be done to a catalogue."""

    UPDATE = "update"
    PUBLISH = "publish"
    RETIRE = "retire"
    DELETE = "delete"
    CLONE = "clone"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"update": "编辑", "publish": "发布", "retire": "停用", "delete": "删除", "clone": "复制"}[self.value]


_SOURCES: Mapping[CatalogueAction, frozenset[CatalogueState]] = {
    CatalogueAction.UPDATE: frozenset({CatalogueState.DRAFT}),
    CatalogueAction.PUBLISH: frozenset({CatalogueState.DRAFT}),
    CatalogueAction.RETIRE: frozenset({CatalogueState.PUBLISHED}),
    CatalogueAction.DELETE: frozenset({CatalogueState.DRAFT}),
    CatalogueAction.CLONE: frozenset(CatalogueState),
}


def allowed_from(state: CatalogueState) -> list[CatalogueAction]:
    """What a catalogue in this state allows."""
    return [action for action, sources in _SOURCES.items() if state in sources]


def why_not(action: CatalogueAction, state: CatalogueState) -> str | None:
    """Why the action cannot be taken in this state; None when it can."""
    if state in _SOURCES[action]:
        return None
    if action is CatalogueAction.UPDATE and state is CatalogueState.PUBLISHED:
        return "目录已发布，不能再修改；需要调整时请复制为新的目录"
    wanted = "、".join(source.label for source in CatalogueState if source in _SOURCES[action])
    return f"当前为“{state.label}”，仅在“{wanted}”时可以{action.label}"


def child_path(parent_path: str, code: str) -> str:
    """The path of a node: that of its parent, its own code, a slash."""
    return f"{parent_path}{code}/"


def depth(path: str) -> int:
    """How many nodes a path names."""
    return path.count("/")


def lies_below(path: str, other: str) -> bool:
    """Whether a node is the other one or anywhere below it."""
    return path.startswith(other)


def publish_gaps(nodes: Iterable[tuple[str, bool]]) -> list[str]:
    """Why a tree of (path, active) cannot be published: Chinese sentences."""
    return [] if any(active for _, active in nodes) else ["目录中还没有启用的分类"]
