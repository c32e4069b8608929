"""No activity is part of itself."""

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.activities.sub_activities.rules import ancestors, would_circle

PAIRS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=40)


@given(pairs=PAIRS)
def test_links_that_are_let_in_never_make_a_circle(pairs):
    parents: dict[int, set[int]] = {}
    for parent, child in pairs:
        if not would_circle(parents, parent=parent, child=child):
            parents.setdefault(child, set()).add(parent)
    assert all(each not in ancestors(parents, each) for each in range(9))
