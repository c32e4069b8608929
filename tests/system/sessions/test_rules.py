"""Lifetimes and locks."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.system.sessions.rules import FORGET_FAILURES_AFTER, lock_until, next_count, refresh_until

AT = datetime(2026, 11, 22, tzinfo=UTC)
spans = st.timedeltas(timedelta(seconds=1), timedelta(days=2))


@given(st.integers(0, 1000), st.integers(2, 60), spans)
def test_a_lock_begins_at_the_limit_and_never_shortens(count, limit, lock_for):
    until = lock_until(count=count, limit=limit, lock_for=lock_for, at=AT)
    assert (until is None) == (count < limit)
    if until is not None:
        assert AT + lock_for <= until <= AT + 8 * lock_for
        assert lock_until(count=count + 1, limit=limit, lock_for=lock_for, at=AT) >= until


def test_failures_are_forgotten_after_an_hour_without_one():
    assert next_count(count=0, last_at=None, at=AT) == 1
    assert next_count(count=4, last_at=AT - FORGET_FAILURES_AFTER, at=AT) == 5
    assert next_count(count=4, last_at=AT - FORGET_FAILURES_AFTER - timedelta(seconds=1), at=AT) == 1


@given(spans, spans, spans)
def test_no_refresh_outlives_the_session(since_start, idle, absolute):
    until = refresh_until(started_at=AT - since_start, at=AT, idle=idle, absolute=absolute)
    assert until <= AT + idle
    assert until <= AT - since_start + absolute
    assert until in (AT + idle, AT - since_start + absolute)
