"""Merging and distributing (S2.3): what is moved once is somewhere once. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

MAX_SOURCES: Final = 50
"""Most books that are merged at once."""

MAX_TARGETS: Final = 50
"""Most books that entries are distributed to at once."""

MAX_NAMED: Final = 2_000
"""Most entries that one request names one by one."""

EntryKey = tuple[UUID, UUID]
"""Submission and node: an entry of a book."""


class TwiceGiven(ValueError):
    """An entry is given to two targets; the argument is its key."""


def dealt(
    entries: Iterable[EntryKey],
    *,
    by_node: Mapping[UUID, int],
    by_entry: Mapping[EntryKey, int],
) -> dict[EntryKey, int]:
    """Which entry goes to which target (by its number): an entry named by itself before one named by its node.

    Entries that nothing names stay where they are and are not in the answer.
    """
    given: dict[EntryKey, int] = {}
    for entry in entries:
        target = by_entry.get(entry, by_node.get(entry[1]))
        if target is not None:
            given[entry] = target
    return given


def once(pairs: Iterable[tuple[EntryKey, int]]) -> dict[EntryKey, int]:
    """The pairs as a mapping. Raises `TwiceGiven` when one entry is given to two targets."""
    found: dict[EntryKey, int] = {}
    for entry, target in pairs:
        if found.setdefault(entry, target) != target:
            raise TwiceGiven(entry)
    return found
