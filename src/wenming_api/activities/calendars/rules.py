"""Days of a month. Pure."""

from collections.abc import Iterable
from datetime import date, timedelta


def month_bounds(month: str) -> tuple[date, date]:
    """The first day of `2026-11` and that of the next month; ValueError for what is no month."""
    first = date.fromisoformat(f"{month}-01")
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first, following


def busy_days(spans: Iterable[tuple[date, date]], *, first: date, following: date) -> dict[date, int]:
    """On how many of the spans (both days included) each day of the month lies; days without any are left out."""
    days: dict[date, int] = {}
    for starts, ends in spans:
        day, last = max(starts, first), min(ends, following - timedelta(days=1))
        while day <= last:
            days[day] = days.get(day, 0) + 1
            day += timedelta(days=1)
    return dict(sorted(days.items()))
