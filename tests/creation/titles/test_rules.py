"""The chain of a holder's levels."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.creation.title_rules.rules import TitleLevel
from wenming_api.creation.titles.rules import Event, date_problem, level_on, naming_problem, revocation_problem

LEVELS = st.sampled_from(TitleLevel)
DAYS = st.dates(date(2020, 1, 1), date(2026, 1, 1))


@given(chain=st.lists(st.tuples(LEVELS, DAYS), max_size=12), day=DAYS)
def test_the_level_of_a_day_is_that_of_the_last_event_by_then(chain, day):
    days = sorted(each for _, each in chain)
    events = [Event(no, level, at) for no, ((level, _), at) in enumerate(zip(chain, days, strict=True), 1)]
    held = TitleLevel.NONE
    for event in events:
        if event.from_on <= day:
            held = event.level
    assert level_on(events, day) is held


@given(steps=st.lists(st.tuples(st.booleans(), LEVELS, LEVELS), max_size=30))
def test_naming_never_lowers_and_revoking_always_does(steps):
    current = TitleLevel.NONE
    for naming, level, prerequisite in steps:
        if naming:
            allowed = level is not TitleLevel.NONE and current.rank >= prerequisite.rank and level.rank >= current.rank
            assert (naming_problem(current, level, prerequisite) is None) == allowed
        else:
            allowed = level.rank < current.rank
            assert (revocation_problem(current, level) is None) == allowed
        if allowed:
            assert (level.rank >= current.rank) is naming
            current = level


@given(last=st.none() | DAYS, day=DAYS, today=DAYS)
def test_history_is_written_forwards_and_not_ahead(last, day, today):
    assert (date_problem(last, day, today) is None) == (day <= today and (last is None or day >= last))
