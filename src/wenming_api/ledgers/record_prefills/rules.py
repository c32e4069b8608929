"""What a photo's own data offer for its caption (L1.3). Pure."""

from datetime import datetime
from decimal import Decimal


def caption_time(taken_at: datetime) -> str:
    """The time of a caption: 2026年3月5日 9:05. `taken_at` in the zone that users read."""
    return f"{taken_at.year}年{taken_at.month}月{taken_at.day}日 {taken_at.hour}:{taken_at.minute:02}"


def caption_place(longitude: Decimal, latitude: Decimal) -> str:
    """The place of a caption by its coordinates (WGS 84, degrees), when nothing better is known."""
    east, north = ("东经" if longitude >= 0 else "西经"), ("北纬" if latitude >= 0 else "南纬")
    return f"{east}{abs(longitude):.5f}°，{north}{abs(latitude):.5f}°"
