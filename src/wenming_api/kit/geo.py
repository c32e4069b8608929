"""Places on the map: coordinate reference systems used in China, points and boxes.

A coordinate is kept as it was given, together with its reference system. What a map compares is the WGS 84
position derived from it, because a box drawn in one system cuts wrong rows of another: GCJ-02 lies some 500 m
off, BD-09 about a kilometre.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Self

COORDINATE_PLACES = 8
"""Decimal places kept of a degree: about a millimetre."""

_SEMI_MAJOR = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_CLOSE_ENOUGH = 1e-10
_BAIDU_PI = math.pi * 3000.0 / 180.0


class Crs(StrEnum):
    """Coordinate reference system of a longitude and latitude in degrees."""

    WGS84 = "wgs84"
    CGCS2000 = "cgcs2000"
    GCJ02 = "gcj02"
    BD09 = "bd09"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return _LABELS[self]


_LABELS = {
    Crs.WGS84: "WGS 84",
    Crs.CGCS2000: "国家大地坐标系 CGCS2000",
    Crs.GCJ02: "火星坐标系 GCJ-02",
    Crs.BD09: "百度坐标系 BD-09",
}


@dataclass(frozen=True, slots=True)
class Position:
    """Longitude and latitude in degrees."""

    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class Box:
    """West, south, east and north bounds in degrees; it neither crosses the date line nor is it empty."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        """Raise ValueError (Chinese, fit for the user) when the bounds are not a box on the globe."""
        if not all(math.isfinite(side) for side in (self.west, self.south, self.east, self.north)):
            raise ValueError("地图范围必须是有限的数值")
        if not (-180 <= self.west <= 180 and -180 <= self.east <= 180):
            raise ValueError("地图范围的经度应在 -180 到 180 之间")
        if not (-90 <= self.south <= 90 and -90 <= self.north <= 90):
            raise ValueError("地图范围的纬度应在 -90 到 90 之间")
        if self.west >= self.east or self.south >= self.north:
            raise ValueError("地图范围的顺序应为 西,南,东,北,且西小于东、南小于北")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``west,south,east,north``; raises ValueError with a message for the user."""
        parts = text.split(",") if len(text) <= 200 else []
        if len(parts) != 4:
            raise ValueError("地图范围的格式应为 西,南,东,北")
        try:
            west, south, east, north = (float(part) for part in parts)
        except ValueError:
            raise ValueError("地图范围必须是四个数值") from None
        return cls(west, south, east, north)

    def contains(self, position: Position) -> bool:
        """Whether the position lies inside or on the edge."""
        return self.west <= position.longitude <= self.east and self.south <= position.latitude <= self.north

    def in_wgs84(self, crs: Crs) -> "Box":
        """The WGS 84 box around this one given in ``crs``: its corners bound so small a distortion."""
        corners = [
            to_wgs84(Position(longitude, latitude), crs)
            for longitude in (self.west, self.east)
            for latitude in (self.south, self.north)
        ]
        longitudes = [corner.longitude for corner in corners]
        latitudes = [corner.latitude for corner in corners]
        return Box(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def rounded(degrees: float | Decimal) -> Decimal:
    """Degrees with the places kept in the database."""
    return round(Decimal(str(degrees)), COORDINATE_PLACES)


def to_wgs84(position: Position, crs: Crs) -> Position:
    """WGS 84 position of one given in ``crs``; CGCS2000 differs by centimetres and counts as equal.

    The inverse of GCJ-02 is found by iteration; it is exact to better than 1e-8 degrees inside China.
    """
    if crs in (Crs.WGS84, Crs.CGCS2000):
        return position
    target = _bd09_to_gcj02(position) if crs is Crs.BD09 else position
    guess = target
    for _ in range(10):
        moved = _wgs84_to_gcj02(guess)
        if abs(moved.longitude - target.longitude) + abs(moved.latitude - target.latitude) < _CLOSE_ENOUGH:
            break
        guess = Position(
            guess.longitude + target.longitude - moved.longitude,
            guess.latitude + target.latitude - moved.latitude,
        )
    return _on_globe(guess)


def from_wgs84(position: Position, crs: Crs) -> Position:
    """The same place in ``crs``."""
    if crs in (Crs.WGS84, Crs.CGCS2000):
        return position
    shifted = _wgs84_to_gcj02(position)
    return _on_globe(_gcj02_to_bd09(shifted) if crs is Crs.BD09 else shifted)


def _on_globe(position: Position) -> Position:
    return Position(
        min(180.0, max(-180.0, position.longitude)),
        min(90.0, max(-90.0, position.latitude)),
    )


def _wgs84_to_gcj02(position: Position) -> Position:
    longitude, latitude = position.longitude, position.latitude
    if not (72.004 <= longitude <= 137.8347 and 0.8293 <= latitude <= 55.8271):
        return position
    x, y = longitude - 105.0, latitude - 35.0
    wave = 20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += (wave + 20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east += (wave + 20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    radians = latitude / 180.0 * math.pi
    magic = 1 - _ECCENTRICITY_SQUARED * math.sin(radians) ** 2
    root = math.sqrt(magic)
    latitude_shift = (north * 180.0) / ((_SEMI_MAJOR * (1 - _ECCENTRICITY_SQUARED)) / (magic * root) * math.pi)
    longitude_shift = (east * 180.0) / (_SEMI_MAJOR / root * math.cos(radians) * math.pi)
    return Position(longitude + longitude_shift, latitude + latitude_shift)


def _gcj02_to_bd09(position: Position) -> Position:
    x, y = position.longitude, position.latitude
    radius = math.hypot(x, y) + 0.00002 * math.sin(y * _BAIDU_PI)
    angle = math.atan2(y, x) + 0.000003 * math.cos(x * _BAIDU_PI)
    return Position(radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006)


def _bd09_to_gcj02(position: Position) -> Position:
    """Exact inverse by iteration: the usual closed form is off by up to a metre."""
    guess = Position(position.longitude - 0.0065, position.latitude - 0.006)
    for _ in range(10):
        moved = _gcj02_to_bd09(guess)
        guess = Position(
            guess.longitude + position.longitude - moved.longitude,
            guess.latitude + position.latitude - moved.latitude,
        )
    return guess
