"""Activities within activities: no activity is part of itself. Pure."""

from collections.abc import Collection, Mapping
from typing import TypeVar

K = TypeVar("K")
MAX_DEPTH = 8
"""Most levels of activities inside each other."""
MAX_PARENTS = 20
"""Most activities that one is part of."""


def ancestors(parents: Mapping[K, Collection[K]], start: K) -> set[K]:
    """Everything that `start` is part of, however far up."""
    found: set[K] = set()
    waiting = list(parents.get(start, ()))
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(parents.get(each, ()))
    return found


def would_circle(parents: Mapping[K, Collection[K]], *, parent: K, child: K) -> bool:
    """Whether making `child` part of `parent` would make an activity part of itself."""
    return parent == child or child in ancestors(parents, parent)
