"""GeoJSON of points."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.kit.geo import Crs
from wenming_api.kit.geojson import GeoJsonError, read_points, write_points


def collection(*features: Any, **members: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, **members}).encode()


def at(coordinates: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": coordinates},
        "properties": properties,
    }


def read(document: bytes, **limits: Any) -> Any:
    return read_points(document, **{"max_bytes": 1_000_000, "max_features": 100, **limits})


properties = st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=8) | st.integers(-5, 5), max_size=3)
rows = st.lists(
    st.tuples(st.floats(-180, 180), st.floats(-90, 90), properties) | st.tuples(st.none(), st.none(), properties),
    max_size=8,
)


@given(rows)
def test_written_points_read_back_equal(
    rows: list[tuple[float | None, float | None, dict[str, Any]]],
) -> None:
    points = read(b"".join(write_points(rows)))
    assert points.errors == []
    assert [(each.longitude, each.latitude, each.properties) for each in points.features] == rows


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(document: bytes) -> None:
    with pytest.raises(GeoJsonError):
        read(document)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "geometry", "coordinates", "properties"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=5))
def test_bad_features_are_errors_with_their_place(features: list[Any]) -> None:
    points = read(collection(*features))
    assert len(points.features) + len(points.errors) == len(features)
    for error in points.errors:
        assert error.pointer.startswith(f"/features/{error.number - 1}")
        assert error.message


@pytest.mark.parametrize(
    ("feature", "pointer"),
    [
        ("x", ""),
        (
            {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}, "properties": {}},
            "/geometry",
        ),
        (at([118.0]), "/geometry/coordinates"),
        (at([True, 36]), "/geometry/coordinates"),
        (at(["118", "36"]), "/geometry/coordinates"),
        (at([181, 36]), "/geometry/coordinates/0"),
        (at([118, 90.5]), "/geometry/coordinates/1"),
        (at([118, 36]) | {"properties": []}, "/properties"),
    ],
)
def test_each_kind_of_bad_feature(feature: Any, pointer: str) -> None:
    points = read(collection(at([118, 36]), feature))
    assert len(points.features) == 1
    assert [error.pointer for error in points.errors] == [f"/features/1{pointer}"]


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", Crs.WGS84),
        ("EPSG:4490", Crs.CGCS2000),
        ("GCJ02", Crs.GCJ02),
        ("bd09", Crs.BD09),
    ],
)
def test_the_named_reference_system_is_kept(name: str, crs: Crs) -> None:
    document = collection(at([118, 36]), crs={"type": "name", "properties": {"name": name}})
    points = read(document)
    assert points.crs is crs
    assert points.features[0].crs is crs


def test_without_a_name_the_given_system_holds() -> None:
    assert read(collection(at([118, 36])), default_crs=Crs.GCJ02).features[0].crs is Crs.GCJ02


@pytest.mark.parametrize(
    "document",
    [
        collection(crs={"type": "name", "properties": {"name": "EPSG:3857"}}),
        collection(crs=7),
        b'{"type":"FeatureCollection"}',
        b'{"type":"Feature"}',
        b"[" * 100_000,
        b'{"type":"FeatureCollection","features":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"type":"FeatureCollection","features":[NaN]}',
        "\ud800".encode("utf-16-le", "surrogatepass"),
    ],
)
def test_documents_refused_whole(document: bytes) -> None:
    with pytest.raises(GeoJsonError):
        read(document)


def test_limits() -> None:
    with pytest.raises(GeoJsonError, match="2 个"):
        read(collection(*[at([118, 36])] * 3), max_features=2)
    with pytest.raises(GeoJsonError, match="超过"):
        read(collection(at([118, 36])), max_bytes=10)
