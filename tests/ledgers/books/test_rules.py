"""Order and completeness of a catalogue."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.ledgers.books.rules import Frozen, Node, completeness, frozen_hash, in_catalogue_order

IDS = [UUID(int=no) for no in range(1, 13)]


@st.composite
def trees(draw: st.DrawFn) -> list[Node]:
    nodes = []
    for no, each in enumerate(IDS[: draw(st.integers(1, len(IDS)))]):
        parent = draw(st.sampled_from([None, *IDS[:no]]))
        nodes.append(Node(each, parent, draw(st.integers(1, 3)), str(no), draw(st.integers(0, 3)), draw(st.booleans())))
    return draw(st.permutations(nodes))


@given(trees())
def test_every_node_once_and_after_its_parent(nodes: list[Node]) -> None:
    order = [node.id for node in in_catalogue_order(nodes)]
    assert sorted(order) == sorted(node.id for node in nodes)
    for node in nodes:
        assert node.parent_id is None or order.index(node.parent_id) < order.index(node.id)
    assert [node.id for node in in_catalogue_order(reversed(nodes))] == order


@given(trees(), st.data())
def test_tops_sum_up_what_is_below(nodes: list[Node], data: st.DataObject) -> None:
    entries = {node.id: data.draw(st.integers(0, 3)) for node in nodes}
    standing = completeness(nodes, entries)
    tops = [standing[node.id] for node in nodes if node.parent_id is None]
    assert sum(top.have for top in tops) == sum(entries.values())
    full = completeness(nodes, {node.id: 3 for node in nodes})
    assert all(each.missing == each.incomplete == 0 for each in full.values())


def test_the_hash_depends_on_everything_and_the_order() -> None:
    at = datetime(2026, 3, 5, tzinfo=UTC)
    one, two = (Frozen("A1", each, each, 1, "0" * 64, at) for each in IDS[:2])
    other = Frozen("A1", IDS[0], IDS[0], 2, "0" * 64, at)
    hashes = {frozen_hash(each) for each in ([one, two], [two, one], [other, two], [one])}
    assert len(hashes) == 4
