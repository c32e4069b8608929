"""Deciding what rows do."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.site_transfers.rules import (
    Existing,
    Lookups,
    Names,
    OnExisting,
    Place,
    RowProblem,
    judge,
    normal_path,
)
from wenming_api.kit.geo import Crs

HERE = Place(UUID(int=1), "1/2/")


def names(**words: Any) -> Names:
    found = Names()
    for word, value in words.items():
        found.add(word, value)
    return found


def row(**values: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("code", "address", "longitude", "latitude", "crs", "unit", "industry", "active", "note"))
    return empty | {"name": "甲", "site_type": "37", "region": "here"} | values


def lookups(*existing: Existing) -> Lookups:
    return Lookups(
        types=names(**{"37": "37"}),
        regions=names(here=HERE),
        units=Names(),
        industries=Names(),
        by_code={each.values["code"]: each for each in existing},
        by_place={
            (each.values["region_id"], each.values["site_type_code"], each.values["name"]): each for each in existing
        },
    )


codes = st.none() | st.sampled_from(["A", "B", "bad code"])
rows = st.lists(
    st.builds(
        row,
        code=codes,
        name=st.sampled_from(["甲", "乙"]),
        site_type=st.sampled_from(["37", "99"]),
        region=st.sampled_from(["here", "nowhere"]),
        longitude=st.none() | st.just(Decimal("118")),
        latitude=st.none() | st.just(Decimal("36")),
    ),
    max_size=12,
)


@given(rows, st.sampled_from(OnExisting), st.booleans())
def test_every_row_is_created_or_in_error_and_no_site_twice(
    given_rows: list[dict[str, Any]], on_existing: OnExisting, allowed: bool
) -> None:
    plan, errors = judge(
        enumerate(given_rows, start=2),
        lookups(),
        on_existing=on_existing,
        default_crs=Crs.WGS84,
        may_place=lambda *_: allowed,
    )
    failed = {error.row for error in errors}
    assert len(plan.create) + len(failed) == len(given_rows)
    assert not plan.create or allowed
    made = [values["code"] or (values["region_id"], values["site_type_code"], values["name"]) for values in plan.create]
    assert len(made) == len(set(made))
    for values in plan.create:
        assert (values["longitude"] is None) == (values["latitude"] is None) == (values["map_longitude"] is None)


@pytest.mark.parametrize(
    "path", ["淄博市/淄川区/城里社区", "淄博市 > 淄川区 > 城里社区", "淄博市\\淄川区\\城里社区", "淄博市淄川区城里社区"]
)
def test_paths_are_the_same_however_they_are_cut(path: str) -> None:
    assert normal_path(path) == "淄博市淄川区城里社区"


def test_a_word_for_two_things_is_ambiguous() -> None:
    words = names(城里=1)
    words.add("城里", 1)
    assert words.find("城里", "区域", "") == 1
    words.add("城里", 2)
    with pytest.raises(RowProblem, match="重名"):
        words.find("城里", "区域", "请填代码")
    with pytest.raises(RowProblem, match="不存在"):
        words.find("没有", "区域", "")


def test_numbers_that_are_equal_are_no_change() -> None:
    values = {
        "code": "A",
        "name": "甲",
        "site_type_code": "37",
        "region_id": HERE.id,
        "region_path": HERE.path,
        "longitude": Decimal("118.10"),
        "latitude": Decimal("36.50"),
        "crs": Crs.WGS84,
        "map_longitude": Decimal("118.1"),
        "map_latitude": Decimal("36.5"),
        "active": True,
    }
    there = Existing(UUID(int=9), 1, True, True, values)
    plan, errors = judge(
        [(2, row(longitude=Decimal("118.1"), latitude=Decimal("36.5")))],
        lookups(there),
        on_existing=OnExisting.UPDATE,
        default_crs=Crs.WGS84,
        may_place=lambda *_: True,
    )
    assert (plan.unchanged, plan.update, plan.create, errors) == (1, [], [], [])
