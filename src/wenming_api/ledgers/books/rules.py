"""Books (C1.3, C1.4): kinds, states, completeness, and the hash that freezes a book. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

MAX_ENTRIES: Final = 50_000
"""Most entries that are frozen or moved at once."""


class BookKind(StrEnum):
    """Whose accepted submissions a book holds."""

    OWN = "own"
    COLLECTED = "collected"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"own": "本单位台账", "collected": "汇集台账"}[self.value]


class BookState(StrEnum):
    """live → archived, for good. A book that an operation made is dissolved when the operation is undone."""

    LIVE = "live"
    ARCHIVED = "archived"
    DISSOLVED = "dissolved"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"live": "使用中", "archived": "已归档", "dissolved": "已撤销"}[self.value]


class OperationKind(StrEnum):
    """What was done."""

    MERGE = "merge"
    DISTRIBUTE = "distribute"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"merge": "归并", "distribute": "分发"}[self.value]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a catalogue, as far as its order and what it requires go."""

    id: UUID
    parent_id: UUID | None
    position: int
    code: str
    required: int
    active: bool = True


def in_catalogue_order(nodes: Iterable[Node]) -> list[Node]:
    """Every node after its parent, siblings by position, then code. Nodes whose parent is unknown come as roots."""
    known = {node.id: node for node in nodes}
    below: dict[UUID | None, list[Node]] = {}
    for node in known.values():
        below.setdefault(node.parent_id if node.parent_id in known else None, []).append(node)
    ordered: list[Node] = []
    waiting = sorted(below.get(None, []), key=_sibling, reverse=True)
    while waiting:
        node = waiting.pop()
        ordered.append(node)
        waiting += sorted(below.get(node.id, []), key=_sibling, reverse=True)
    return ordered


def _sibling(node: Node) -> tuple[int, str, str]:
    return node.position, node.code, str(node.id)


@dataclass(frozen=True, slots=True)
class Standing:
    """How complete a node is with all below it: entries there are, entries that are wanting, nodes that lack some."""

    have: int
    missing: int
    incomplete: int


def completeness(nodes: Sequence[Node], entries: Mapping[UUID, int]) -> dict[UUID, Standing]:
    """Of each node: what it and the nodes below it have and lack.

    What a node requires is measured by the entries at it and below it; nodes that are no longer active require nothing.
    """
    have = {node.id: entries.get(node.id, 0) for node in nodes}
    order = in_catalogue_order(nodes)
    for node in reversed(order):
        if node.parent_id in have:
            have[node.parent_id] += have[node.id]
    lacking = {node.id: max(0, node.required - have[node.id]) if node.active else 0 for node in nodes}
    missing, incomplete = dict(lacking), {key: int(value > 0) for key, value in lacking.items()}
    for node in reversed(order):
        if node.parent_id in missing:
            missing[node.parent_id] += missing[node.id]
            incomplete[node.parent_id] += incomplete[node.id]
    return {node.id: Standing(have[node.id], missing[node.id], incomplete[node.id]) for node in nodes}


@dataclass(frozen=True, slots=True)
class Frozen:
    """An entry as it stands in an archived book."""

    node_code: str
    submission_id: UUID
    record_id: UUID
    version_no: int
    content_hash: str
    decided_at: datetime


def frozen_hash(entries: Iterable[Frozen]) -> str:
    """SHA-256 (hexadecimal) over the entries in their order: one JSON line each."""
    digest = hashlib.sha256()
    for each in entries:
        line = [
            each.node_code,
            str(each.submission_id),
            str(each.record_id),
            each.version_no,
            each.content_hash,
            each.decided_at.isoformat(),
        ]
        digest.update(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()
