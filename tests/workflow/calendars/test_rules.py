"""Working days: what adding and counting them promise, and the arrangement of 2026."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.workflow.calendars.rules import (
    MAX_WORKING_DAYS,
    Calendar,
    HolidayKind,
    base_holidays,
    entry_problem,
)

DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))
NUMBERS = st.integers(0, 60)
CALENDARS = st.lists(st.tuples(DAYS, st.sampled_from(HolidayKind)), max_size=80, unique_by=lambda pair: pair[0]).map(
    Calendar.of
)
OF_2026 = Calendar.of((day.day, day.kind) for day in base_holidays())


@given(CALENDARS, DAYS, NUMBERS)
def test_a_deadline_is_a_working_day_with_so_many_before_it(calendar, start, days):
    due = calendar.add_working_days(start, days)
    assert calendar.working_days_between(start, due) == days
    assert due == start if days == 0 else calendar.is_working(due)


@given(CALENDARS, DAYS, NUMBERS, NUMBERS)
def test_adding_twice_is_adding_the_sum(calendar, start, first, second):
    twice = calendar.add_working_days(calendar.add_working_days(start, first), second)
    assert twice == calendar.add_working_days(start, first + second)


@given(CALENDARS, DAYS, DAYS, NUMBERS)
def test_later_starts_never_end_earlier(calendar, one, other, days):
    earlier, later = sorted((one, other))
    assert calendar.add_working_days(earlier, days) <= calendar.add_working_days(later, days)


@given(CALENDARS, DAYS, DAYS)
def test_counting_back_is_counting_forth_with_the_other_sign(calendar, one, other):
    assert calendar.working_days_between(one, other) == -calendar.working_days_between(other, one)


@given(CALENDARS, DAYS, st.integers(0, 400))
def test_counting_agrees_with_looking_at_every_day(calendar, start, span):
    end = start + timedelta(days=span)
    looked_at = [start + timedelta(days=no) for no in range(1, span + 1)]
    worked = [
        day for day in looked_at if day in calendar.workdays or (day.isoweekday() <= 5 and day not in calendar.holidays)
    ]
    assert calendar.working_days_between(start, end) == len(worked)


@given(DAYS, NUMBERS)
def test_holidays_only_delay_and_worked_weekends_only_hasten(start, days):
    plain = Calendar().add_working_days(start, days)
    delayed = Calendar(holidays=OF_2026.holidays).add_working_days(start, days)
    hastened = Calendar(workdays=OF_2026.workdays).add_working_days(start, days)
    assert hastened <= plain <= delayed


def test_working_days_are_not_counted_backwards():
    with pytest.raises(ValueError):
        Calendar().add_working_days(date(2026, 1, 1), -1)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        (date(2025, 12, 31), 1, date(2026, 1, 4)),
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2026, 4, 3), 1, date(2026, 4, 7)),
        (date(2026, 4, 30), 4, date(2026, 5, 9)),
        (date(2026, 6, 18), 1, date(2026, 6, 22)),
        (date(2026, 9, 18), 1, date(2026, 9, 20)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
    ],
)
def test_deadlines_around_the_holidays_of_2026(start, days, due):
    assert OF_2026.add_working_days(start, days) == due


def test_the_arrangement_of_2026_has_33_days_off_and_only_weekends_worked():
    assert len(OF_2026.holidays) == 33
    assert {day.isoweekday() for day in OF_2026.workdays} <= {6, 7}
    assert len(OF_2026.workdays) == 6
    assert not OF_2026.holidays & OF_2026.workdays
    assert all(entry_problem(day.day, day.kind) is None for day in base_holidays())


@given(DAYS)
def test_the_longest_deadline_is_found(start):
    assert OF_2026.working_days_between(start, OF_2026.add_working_days(start, MAX_WORKING_DAYS)) == MAX_WORKING_DAYS
