"""GeoJSON of points (RFC 7946), read with bounds and written feature by feature.

Reading never raises for the content of one feature: a bad feature becomes an error with its place, so that an
import can report every row. Only a document that is no bearable feature collection is refused whole.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from wenming_api.kit.geo import Crs

_CRS_NAMES = {
    "urn:ogc:def:crs:ogc:1.3:crs84": Crs.WGS84,
    "urn:ogc:def:crs:ogc::crs84": Crs.WGS84,
    "urn:ogc:def:crs:epsg::4326": Crs.WGS84,
    "epsg:4326": Crs.WGS84,
    "wgs84": Crs.WGS84,
    "urn:ogc:def:crs:epsg::4490": Crs.CGCS2000,
    "epsg:4490": Crs.CGCS2000,
    "cgcs2000": Crs.CGCS2000,
    "gcj02": Crs.GCJ02,
    "gcj-02": Crs.GCJ02,
    "bd09": Crs.BD09,
    "bd-09": Crs.BD09,
}


class GeoJsonError(ValueError):
    """The document as a whole cannot be read; the message is for the user."""


@dataclass(frozen=True, slots=True)
class PointFeature:
    """One feature: 1-based place, position in ``crs`` (none for a null geometry), properties."""

    number: int
    longitude: float | None
    latitude: float | None
    crs: Crs
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FeatureError:
    """Why a feature cannot be used; ``pointer`` is a JSON pointer into the document."""

    number: int
    pointer: str
    message: str


@dataclass(slots=True)
class Points:
    """What a document held."""

    crs: Crs
    features: list[PointFeature] = field(default_factory=list)
    errors: list[FeatureError] = field(default_factory=list)


def crs_named(name: str) -> Crs:
    """Reference system by one of its usual names; raises ValueError when it is none of those kept."""
    try:
        return _CRS_NAMES[name.strip().lower()]
    except KeyError:
        raise ValueError("坐标系只支持 wgs84、cgcs2000、gcj02、bd09") from None


def read_points(document: bytes, *, max_bytes: int, max_features: int, default_crs: Crs = Crs.WGS84) -> Points:
    """Read a FeatureCollection of points. A named ``crs`` member goes before ``default_crs``.

    Raises :class:`GeoJsonError` when the document is too large or no feature collection.
    """
    if len(document) > max_bytes:
        raise GeoJsonError(f"文件超过 {max_bytes // 1024 // 1024} MB")
    try:
        root = orjson.loads(document.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise GeoJsonError("文件不是有效的 JSON(须为 UTF-8 编码)") from None
    if not isinstance(root, dict) or root.get("type") != "FeatureCollection":
        raise GeoJsonError("文件不是 GeoJSON 要素集合(FeatureCollection)")
    features = root.get("features")
    if not isinstance(features, list):
        raise GeoJsonError("GeoJSON 缺少 features 数组")
    if len(features) > max_features:
        raise GeoJsonError(f"要素超过 {max_features} 个")
    points = Points(crs=_document_crs(root.get("crs"), default_crs))
    for number, feature in enumerate(features, start=1):
        try:
            points.features.append(_feature(number, feature, points.crs))
        except _BadFeature as bad:
            points.errors.append(FeatureError(number, f"/features/{number - 1}{bad.pointer}", bad.message))
    return points


def write_points(features: Iterable[tuple[float | None, float | None, Mapping[str, Any]]]) -> Iterator[bytes]:
    """Yield a FeatureCollection in WGS 84 piece by piece; joined, the pieces are one document."""
    yield b'{"type":"FeatureCollection","features":['
    separator = b""
    for longitude, latitude, properties in features:
        yield separator + orjson.dumps(point(longitude, latitude, properties))
        separator = b",\n"
    yield b"]}"


def point(longitude: float | None, latitude: float | None, properties: Mapping[str, Any]) -> dict[str, Any]:
    """One feature as a JSON object; without a position the geometry is null, as the standard has it."""
    geometry = (
        None if longitude is None or latitude is None else {"type": "Point", "coordinates": [longitude, latitude]}
    )
    return {"type": "Feature", "geometry": geometry, "properties": dict(properties)}


class _BadFeature(Exception):
    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer
        self.message = message


def _document_crs(member: object, default: Crs) -> Crs:
    if member is None:
        return default
    name = member.get("properties", {}) if isinstance(member, dict) else None
    name = name.get("name") if isinstance(name, dict) else None
    if not isinstance(name, str):
        raise GeoJsonError("GeoJSON 的 crs 成员无法识别")
    try:
        return crs_named(name)
    except ValueError as unknown:
        raise GeoJsonError(str(unknown)) from None


def _feature(number: int, feature: object, crs: Crs) -> PointFeature:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise _BadFeature("", "不是要素(Feature)")
    properties = feature.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        raise _BadFeature("/properties", "属性必须是对象")
    geometry = feature.get("geometry")
    if geometry is None:
        return PointFeature(number, None, None, crs, properties)
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        raise _BadFeature("/geometry", "只接受点(Point)")
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list) or not 2 <= len(coordinates) <= 3:
        raise _BadFeature("/geometry/coordinates", "坐标必须是 [经度, 纬度]")
    longitude, latitude = coordinates[0], coordinates[1]
    if not _is_number(longitude) or not _is_number(latitude):
        raise _BadFeature("/geometry/coordinates", "坐标必须是数值")
    if not -180 <= longitude <= 180:
        raise _BadFeature("/geometry/coordinates/0", "经度应在 -180 到 180 之间")
    if not -90 <= latitude <= 90:
        raise _BadFeature("/geometry/coordinates/1", "纬度应在 -90 到 90 之间")
    return PointFeature(number, float(longitude), float(latitude), crs, properties)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
