"""Rules of sites."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.sites.rules import (
    TRANSITIONS,
    SiteAction,
    SiteState,
    cell_size,
    changed_fields,
    is_code,
    map_position,
    next_state,
    position_problem,
    why_not,
)
from wenming_api.kit.geo import Box, Crs


@given(st.lists(st.sampled_from(SiteAction), max_size=30))
def test_no_sequence_of_actions_leaves_the_table(actions: list[SiteAction]) -> None:
    state = SiteState.ACTIVE
    for action in actions:
        following = next_state(state, action)
        assert (following is None) == ((state, action) not in TRANSITIONS)
        assert (why_not(state, action) is None) == (following is not None)
        state = following or state
    assert state in SiteState


def test_an_inactive_site_can_only_be_enabled() -> None:
    possible = {action for action in SiteAction if next_state(SiteState.INACTIVE, action)}
    assert possible == {SiteAction.ENABLE}


json_values = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
snapshots = st.dictionaries(st.sampled_from("abcdef"), json_values, max_size=6)


@given(before=snapshots, after=snapshots)
def test_changes_lead_from_before_to_after(before: dict[str, object], after: dict[str, object]) -> None:
    changes = changed_fields(before, after)
    followed = {name: changes[name][1] if name in changes else before.get(name) for name in before | after}
    assert followed == {name: after.get(name) for name in before | after}
    assert all(old != new for old, new in changes.values())


@pytest.mark.parametrize("code", ["A", "370302-37-01", "a.b_c-d", "9" * 40])
def test_codes(code: str) -> None:
    assert is_code(code)


@pytest.mark.parametrize("code", ["", "-a", "a b", "点位", "9" * 41, "a\n", "a/b"])
def test_what_is_no_code(code: str) -> None:
    assert not is_code(code)


def test_both_coordinates_or_none() -> None:
    one = Decimal(1)
    assert position_problem(longitude=None, latitude=None) is None
    assert position_problem(longitude=one, latitude=one) is None
    assert position_problem(longitude=one, latitude=None)
    assert position_problem(longitude=None, latitude=one)


def test_the_map_compares_wgs84() -> None:
    place = Decimal("118.05"), Decimal("36.81")
    assert map_position(*place, Crs.WGS84) == place
    moved = map_position(*place, Crs.GCJ02)
    assert moved != place
    assert all(abs(a - b) < Decimal("0.01") for a, b in zip(moved, place, strict=True))
    assert map_position(None, None, Crs.BD09) == (None, None)


def test_the_grid_fills_the_box() -> None:
    width, height = cell_size(Box(117, 36, 119, 37))
    assert (round(width * 24, 9), round(height * 24, 9)) == (2, 1)
