"""The cells of every depth sum up the same lines, and each depth is answered by exactly one of them."""

from fractions import Fraction

from hypothesis import given
from tests.city.rollup.strategies import snapshots

from wenming_api.city.cells.rules import DEEPEST, CutKind, cuts
from wenming_api.city.sitescores.rules import tally
from wenming_api.city.snapshots.rules import Indicator, Line, Policies, Sheet, Site, Snapshot, Standard
from wenming_api.kit.exact import scaled


@given(snapshots())
def test_every_depth_is_answered_once_by_the_same_sums(snapshot: Snapshot) -> None:
    sums = tally(snapshot)
    kept = cuts(snapshot, sums)
    assert sorted(depth for cut in kept for depth in range(cut.depth_from, cut.depth_to + 1)) == list(
        range(DEEPEST + 1)
    )
    whole = kept[0]
    for cut in kept:
        for (site, cells), (same, fine) in zip(cut.cells, whole.cells, strict=True):
            assert site == same
            for depth in (cut.depth_from, cut.depth_to):
                assert _by_key(cut.kinds, cells, depth) == _by_key(whole.kinds, fine, depth)
    for (_, fine), one in zip(whole.cells, sums.sites, strict=True):
        assert sum(cell[1] for cell in fine) == sum(scaled(sums.points(cell.achieved)) for cell in one.cells.values())


def _by_key(kinds: tuple[CutKind, ...], cells: object, depth: int) -> dict[CutKind, list[int]]:
    found: dict[CutKind, list[int]] = {}
    for kind, *values in cells:  # type: ignore[attr-defined]
        path = kinds[kind].indicator_path[:depth]
        sums = found.setdefault(CutKind(path, kinds[kind].department, kinds[kind].methods), [0, 0, 0, 0])
        for place, value in enumerate(values):
            sums[place] += value
    return found


def test_a_depth_that_spares_little_is_not_kept() -> None:
    """Four leaves under two nodes under one root: each step halves them."""
    leaves = {"a": "m", "b": "m", "c": "n", "d": "n"}
    nodes = [("r", None, 1), ("m", "r", 2), ("n", "r", 2), *((leaf, node, 3) for leaf, node in leaves.items())]
    snapshot = Snapshot(
        policies=Policies(),
        regions=(),
        sites=(Site("p", "p", "点位", "X", "r"),),
        site_types=(),
        standards=tuple(Standard(f"s{leaf}", leaf, leaf, Fraction(2)) for leaf in leaves),
        sheets=(Sheet("v", "p", tuple(Line(f"s{leaf}", Fraction(1)) for leaf in leaves)),),
        indicators=tuple(Indicator(node, parent, level, node, node) for node, parent, level in nodes),
    )
    kept = cuts(snapshot, tally(snapshot))
    assert [(cut.depth_from, cut.depth_to, len(cut.kinds)) for cut in kept] == [(3, 6, 4), (2, 2, 2), (0, 1, 1)]
    assert kept[-1].cells == ((0, ((0, 4 * 10**10, 8 * 10**10, 4, 0),)),)
