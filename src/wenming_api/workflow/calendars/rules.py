"""Working days (工作日): weekdays, except public holidays, plus the weekends that are worked instead (调休)."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from importlib import resources
from typing import Final

MAX_WORKING_DAYS: Final = 250
"""The longest deadline in working days: about a year."""
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
_SATURDAY: Final = 5
_ONE_DAY: Final = timedelta(days=1)


class HolidayKind(StrEnum):
    """How a day departs from the week."""

    HOLIDAY = "holiday"
    WORKDAY = "workday"

    @property
    def label(self) -> str:
        """What a clerk calls it."""
        return {"holiday": "放假", "workday": "调休上班"}[self.value]


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that departs from the week: a holiday, or a weekend that is worked."""

    day: date
    kind: HolidayKind
    name: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked; a day that nobody entered follows its place in the week."""

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    @classmethod
    def of(cls, days: Iterable[tuple[date, HolidayKind]]) -> "Calendar":
        """The calendar of the days entered."""
        entered = list(days)
        return cls(
            holidays=frozenset(day for day, kind in entered if kind is HolidayKind.HOLIDAY),
            workdays=frozenset(day for day, kind in entered if kind is HolidayKind.WORKDAY),
        )

    def is_working(self, day: date) -> bool:
        """Whether a day is worked."""
        return day in self.workdays or (day.weekday() < _SATURDAY and day not in self.holidays)

    def add_working_days(self, start: date, days: int) -> date:
        """The day on which `days` working days after `start` have passed; `start` itself does not count.

        Nothing to wait for is `start` itself. Raises ValueError for a negative number.
        """
        if days < 0:
            raise ValueError("working days are counted forwards")
        day = start
        while days:
            day += _ONE_DAY
            days -= self.is_working(day)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; negative when `end` lies before `start`."""
        if end < start:
            return -self.working_days_between(end, start)
        return sum(self.is_working(start + timedelta(days=no)) for no in range(1, (end - start).days + 1))


def entry_problem(day: date, kind: HolidayKind) -> str | None:
    """Why a day cannot be entered as this kind, in Chinese: only a weekend can be worked instead."""
    if kind is HolidayKind.WORKDAY and day.weekday() < _SATURDAY:
        return "周一至周五本来就是工作日，不用登记为调休上班"
    return None


def base_holidays() -> list[SpecialDay]:
    """The State Council's arrangement for 2026, delivered with the product, to be confirmed by the customer."""
    text = resources.files(__package__).joinpath("data/holidays.csv").read_text(encoding="utf-8")
    return [
        SpecialDay(date.fromisoformat(row["day"]), HolidayKind(row["kind"]), row["name"])
        for row in csv.DictReader(text.splitlines())
    ]
