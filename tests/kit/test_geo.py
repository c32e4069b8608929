"""Reference systems, boxes."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.kit.geo import Box, Crs, Position, from_wgs84, rounded, to_wgs84

in_china = st.builds(Position, st.floats(74, 135, allow_nan=False), st.floats(4, 53, allow_nan=False))


@given(place=in_china, crs=st.sampled_from(Crs))
def test_there_and_back_is_the_same_place(place: Position, crs: Crs) -> None:
    back = to_wgs84(from_wgs84(place, crs), crs)
    assert abs(back.longitude - place.longitude) < 1e-7
    assert abs(back.latitude - place.latitude) < 1e-7


@pytest.mark.parametrize(("crs", "least", "most"), [(Crs.GCJ02, 100, 800), (Crs.BD09, 500, 2000)])
@given(place=in_china)
def test_the_shift_has_the_known_size(place: Position, crs: Crs, least: float, most: float) -> None:
    moved = from_wgs84(place, crs)
    metres = math.hypot(
        (moved.longitude - place.longitude) * 111_320 * math.cos(math.radians(place.latitude)),
        (moved.latitude - place.latitude) * 110_570,
    )
    assert least * 0.05 < metres < most


def test_a_known_pair() -> None:
    """Tiananmen, a pair printed in many converters."""
    moved = from_wgs84(Position(116.404, 39.915), Crs.GCJ02)
    assert (round(moved.longitude, 5), round(moved.latitude, 5)) == (116.41024, 39.91640)
    baidu = from_wgs84(Position(116.404, 39.915), Crs.BD09)
    assert (round(baidu.longitude, 4), round(baidu.latitude, 4)) == (116.4166, 39.9227)


def test_outside_china_nothing_moves() -> None:
    assert from_wgs84(Position(2.35, 48.85), Crs.GCJ02) == Position(2.35, 48.85)


@given(crs=st.sampled_from(Crs), longitude=st.floats(-180, 180), latitude=st.floats(-90, 90))
def test_any_position_stays_on_the_globe(crs: Crs, longitude: float, latitude: float) -> None:
    place = to_wgs84(Position(longitude, latitude), crs)
    assert -180 <= place.longitude <= 180
    assert -90 <= place.latitude <= 90


@given(st.text(max_size=60))
def test_any_text_is_a_box_or_a_readable_refusal(text: str) -> None:
    refusals: list[str] = []
    try:
        box = Box.parse(text)
    except ValueError as refusal:
        refusals.append(str(refusal))
    if refusals:
        assert "地图范围" in refusals[0]
    else:
        assert box.west < box.east
        assert box.south < box.north


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "118,36,117,37",
        "117,37,118,36",
        "117,36,117,37",
        "nan,1,2,3",
        "-181,1,2,3",
        "1,-91,2,3",
        "inf,1,2,3",
    ],
)
def test_bad_boxes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="地图范围"):
        Box.parse(text)


@given(crs=st.sampled_from(Crs), place=st.builds(Position, st.floats(117.6, 118.4), st.floats(36, 37.2)))
def test_a_box_moved_to_wgs84_still_holds_its_places(crs: Crs, place: Position) -> None:
    box = Box(117.53, 35.92, 118.52, 37.29)
    assert box.in_wgs84(crs).contains(to_wgs84(place, crs))


def test_rounding_keeps_a_millimetre() -> None:
    assert rounded(118.123456789) == Decimal("118.12345679")
