"""Codes, levels and places of regions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.system.regions.rules import (
    RegionFact,
    RegionLevel,
    RegionRow,
    child_path,
    is_code,
    may_contain,
    place,
    statistical_level,
)

CITY, COUNTY, STREET, COMMUNITY = RegionLevel


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("370000000000", None),
        ("370300000000", CITY),
        ("370302000000", COUNTY),
        ("370302001000", STREET),
        ("370302001001", COMMUNITY),
        ("37030200100", None),
        ("37030200100X", None),
        ("370302001001\n", None),
        ("", None),
    ],
)
def test_the_level_follows_from_the_zeros(code, level):
    assert statistical_level(code) is level


@given(st.text(max_size=14))
def test_a_code_is_twelve_ascii_digits(text):
    assert is_code(text) == (len(text) == 12 and all(character in "0123456789" for character in text))


def row(no, code, name, level, parent):
    return RegionRow(no, code, name, level, parent)


def test_parents_may_come_after_their_children():
    rows = [
        row(2, "370302001000", "街道", STREET, "370302000000"),
        row(3, "370302000000", "区", COUNTY, "370300000000"),
        row(4, "370300000000", "市", CITY, None),
    ]
    placed, errors = place(rows, {})
    assert errors == []
    assert [item.full_name for item in placed] == ["市", "市/区", "市/区/街道"]
    assert placed[-1].path == "370300000000/370302000000/370302001000/"


levels = st.sampled_from(list(RegionLevel))
codes = st.integers(0, 9).map(lambda number: f"3703{number:02}999999")
rows_of_any_kind = st.lists(
    st.builds(
        RegionRow,
        row=st.integers(2, 99),
        code=codes,
        name=st.text("甲乙", min_size=1, max_size=2),
        level=levels,
        parent_code=st.one_of(st.none(), codes),
    ),
    max_size=12,
)


@given(rows_of_any_kind)
def test_every_row_is_placed_below_a_higher_parent_or_faulty(rows):
    known = {"370300000000": RegionFact(CITY, "370300000000/", "市")}
    placed, errors = place(rows, known)
    assert len(placed) + len(errors) == len(rows)
    seen = {code: fact.path for code, fact in known.items()}
    by_level = {"370300000000": CITY}
    for item in placed:
        parent = seen[item.parent_code] if item.parent_code else ""
        assert item.path == child_path(parent, item.code)
        if item.parent_code:
            assert may_contain(by_level[item.parent_code], item.level)
        else:
            assert item.level is CITY
        seen[item.code], by_level[item.code] = item.path, item.level
