"""Hashes of the audit log: any change shows."""

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.system.audit.rules import GENESIS, chain_head, changed, leaf_hash, merkle_root

values = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20))
entries = st.dictionaries(st.text(max_size=8), values, max_size=5)
leaves = st.lists(st.integers(0, 9).map(lambda number: leaf_hash(number, {})), min_size=1, max_size=20)


@given(entries, entries, st.integers(1, 9), st.integers(1, 9))
def test_a_leaf_stands_for_one_entry_under_one_number(one, other, no, another):
    same = no == another and one == other and repr(sorted(one.items())) == repr(sorted(other.items()))
    assert (leaf_hash(no, one) == leaf_hash(another, other)) == same


@given(entries)
def test_the_order_of_fields_does_not_matter(entry):
    assert leaf_hash(1, entry) == leaf_hash(1, dict(reversed(entry.items())))


@given(leaves, leaves)
def test_a_root_stands_for_one_list_of_leaves(one, other):
    assert (merkle_root(one) == merkle_root(other)) == (one == other)


def test_an_empty_batch_has_the_root_of_the_beginning():
    assert merkle_root([]) == GENESIS


@given(st.binary(min_size=32, max_size=32), st.integers(1, 99), st.integers(1, 99), st.integers(1, 99))
def test_a_head_depends_on_everything(root, no, first, last):
    head = chain_head(GENESIS, no=no, first=first, last=last, root=root)
    assert head != chain_head(head, no=no, first=first, last=last, root=root)
    assert head != chain_head(GENESIS, no=no + 1, first=first, last=last, root=root)
    assert head != chain_head(GENESIS, no=no, first=first + 1, last=last, root=root)
    assert head != chain_head(GENESIS, no=no, first=first, last=last + 1, root=root)


@given(entries, entries)
def test_changes_are_what_differs(before, after):
    found = changed(before, after)
    assert set(found) == {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert all(pair == [before.get(key), after.get(key)] for key, pair in found.items())
