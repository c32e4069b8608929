"""Which way a search takes through a million records. Pure."""

from typing import Final

COMMON: Final = 10_000
"""A word found more often than this is looked for among the newest records, one by one, until the page is full: so
many hits would have to be sorted otherwise. A word found less often is looked up in the index."""


def is_common(total: int) -> bool:
    """Whether there are so many hits that the newest are found faster than all of them sorted."""
    return total > COMMON
