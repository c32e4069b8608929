"""The order in which a tree of submissions is shown: pure."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID


def depth_first(by_parent: Mapping[UUID | None, Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """Every row before those that came from it, siblings in the order given. `None` holds the first ones."""
    ordered: list[Mapping[str, Any]] = []
    waiting = list(reversed(by_parent.get(None, ())))
    while waiting:
        row = waiting.pop()
        ordered.append(row)
        waiting += reversed(by_parent.get(row["id"], ()))
    return ordered
