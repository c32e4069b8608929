"""Catalogues (S4.6, L1.1): kinds, states, paths and the shape of their trees. Pure."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
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


@dataclass(frozen=True, slots=True)
class BaseNode:
    """A category delivered with the product; `parent` is the code of the one above it, or empty."""

    parent: str
    code: str
    name: str
    required: int
    guidance: str | None


@dataclass(frozen=True, slots=True)
class BaseCatalogue:
    """A sample catalogue delivered with the product: excerpts of published forms, with where they stand."""

    code: str
    name: str
    kind: CatalogueKind
    level_names: tuple[str, ...]
    source: str
    nodes: tuple[BaseNode, ...]


def base_catalogues() -> list[BaseCatalogue]:
    """The sample catalogues delivered with the product, in order; nodes from the top down.

    How many entries a year needs (`required`) is the sample's own, the rest stands in the source.
    """
    text = resources.files(__package__).joinpath("data/base_catalogues.csv").read_text(encoding="utf-8")
    found: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["catalogue"], []).append(row)
    return [
        BaseCatalogue(
            code,
            rows[0]["catalogue_name"],
            CatalogueKind(rows[0]["kind"]),
            tuple(rows[0]["levels"].split("|")),
            rows[0]["source"],
            tuple(
                BaseNode(row["parent"], row["code"], row["name"], int(row["required"]), row["guidance"] or None)
                for row in rows
            ),
        )
        for code, rows in found.items()
    ]
