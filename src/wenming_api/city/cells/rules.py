"""Score lines summed up for statistics (S1.3): by site, indicator path, leading department and methods. Pure.

Statistics ask for one level of the indicator tree, rarely for the lowest. So cells are kept for paths cut off at
several depths: a pivot reads those that are just deep enough, a small part of all. All are sums of the stored points
of the deepest ones, so that they agree to the last place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from struct import Struct

from wenming_api.city.sitescores.rules import Kind, Tally, ancestry
from wenming_api.city.snapshots.rules import Region, Snapshot
from wenming_api.kit.exact import scaled

DEEPEST = 6
"""The lowest level that an indicator tree may have."""

Cell = tuple[int, int, int, int, int]
"""Place of its kind, achieved and most points in units of 10⁻¹⁰, applicable lines, conforming lines."""


@dataclass(frozen=True, slots=True)
class CutKind:
    """Standards alike in statistics; `indicator_path` holds the ids from level 1 down, at most as many as the depth."""

    indicator_path: tuple[str, ...]
    department: str | None
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """The cells of paths cut off at one depth. They answer what is asked of `depth_from` to `depth_to`."""

    depth_from: int
    depth_to: int
    kinds: tuple[CutKind, ...]
    cells: tuple[tuple[int, tuple[Cell, ...]], ...]
    """Place of a site in the tally, and its cells."""


def cuts(snapshot: Snapshot, sums: Tally) -> tuple[Cut, ...]:
    """All cells of a result, those of the deepest paths first.

    A depth at which hardly fewer cells would be left than at the next one is not kept: the next one serves it too.
    """
    kinds = tuple(_whole(snapshot, sums.kinds))
    found = list(enumerate(_whole_cells(sums)))
    kept: list[tuple[int, tuple[CutKind, ...], list[tuple[int, tuple[Cell, ...]]]]] = [(DEEPEST, kinds, found)]
    for depth in range(max((len(kind.indicator_path) for kind in kinds), default=0) - 1, -1, -1):
        places: dict[CutKind, int] = {}
        coarser = [
            places.setdefault(CutKind(kind.indicator_path[:depth], kind.department, kind.methods), len(places))
            for kind in kinds
        ]
        if 2 * len(places) > len(kinds):
            continue
        kinds, found = tuple(places), [(site, _merged(cells, coarser)) for site, cells in found]
        kept.append((depth, kinds, found))
    starts = [depth + 1 for depth, _, _ in kept[1:]] + [0]
    return tuple(
        Cut(start, depth, kinds, tuple(cells)) for start, (depth, kinds, cells) in zip(starts, kept, strict=True)
    )


def _whole(snapshot: Snapshot, kinds: Sequence[Kind]) -> Iterator[CutKind]:
    nodes = (Region(node.id, node.name, str(node.level), node.parent) for node in snapshot.indicators)
    chains = ancestry(nodes)
    for kind in kinds:
        path = tuple(reversed(chains.get(kind.indicator or "", ())))
        yield CutKind(path, kind.department, kind.methods)


def _whole_cells(sums: Tally) -> Iterator[tuple[Cell, ...]]:
    points = _scaled_points(sums)
    for one in sums.sites:
        yield tuple(
            (number, points(cell.achieved), points(cell.max_score), cell.applicable, cell.conforming)
            for number, cell in sorted(one.cells.items())
        )


def _scaled_points(sums: Tally) -> Callable[[int | Fraction], int]:
    """Rounds as scores are stored; equal points, which are most, once."""
    known: dict[int | Fraction, int] = {}

    def points(value: int | Fraction) -> int:
        found = known.get(value)
        if found is None:
            found = known[value] = scaled(sums.points(value))
        return found

    return points


def _merged(cells: Sequence[Cell], coarser: Sequence[int]) -> tuple[Cell, ...]:
    merged: dict[int, list[int]] = {}
    for kind, achieved, most, applicable, conforming in cells:
        into = coarser[kind]
        same = merged.get(into)
        if same is None:
            merged[into] = [achieved, most, applicable, conforming]
        else:
            same[0] += achieved
            same[1] += most
            same[2] += applicable
            same[3] += conforming
    return tuple((kind, a, m, c, d) for kind, (a, m, c, d) in merged.items())


COLUMNS = ("achieved", "max_score", "place_id", "kind_id", "applicable", "conforming", "depth_from", "depth_to")
"""The columns of `copied`, in order."""

# PostgreSQL's binary COPY: a tuple is its number of fields, then each field's length and value, all big-endian.
_TUPLE = Struct("!h iq iq ii ii ii ii ih ih")
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"


def copied(cut: Sequence[Cut], places: Sequence[int], kinds: Mapping[int, Sequence[int]]) -> bytes:
    """Cells as PostgreSQL's binary COPY reads them, with the ids of the sites' places and of each cut's kinds.

    Written here because they are many: going through values of Python's types takes several times as long.
    """
    pack = _TUPLE.pack
    rows = [_HEADER]
    # Those that hardly any statistic needs come last: what is read together lies together.
    for number, one in sorted(enumerate(cut), key=lambda pair: pair[1].depth_from):
        start, end, ids = one.depth_from, one.depth_to, kinds[number]
        rows += [
            pack(8, 8, achieved, 8, most, 4, places[site], 4, ids[kind], 4, applicable, 4, conforming, 2, start, 2, end)
            for site, cells in one.cells
            for kind, achieved, most, applicable, conforming in cells
        ]
    rows.append(_TRAILER)
    return b"".join(rows)
