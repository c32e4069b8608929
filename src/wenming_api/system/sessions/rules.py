"""Lifetimes of a sign-in and the lock after failures (N3, N4): pure arithmetic."""

from datetime import datetime, timedelta

FORGET_FAILURES_AFTER = timedelta(hours=1)


def next_count(*, count: int, last_at: datetime | None, at: datetime) -> int:
    """The number of failures in a row, this one included; an hour without one starts anew."""
    if last_at is None or at - last_at > FORGET_FAILURES_AFTER:
        return 1
    return count + 1


def lock_until(*, count: int, limit: int, lock_for: timedelta, at: datetime) -> datetime | None:
    """Until when sign-in is refused after `count` failures; doubles with each `limit` more, up to 8-fold."""
    if count < limit:
        return None
    doublings = min(3, count // limit - 1)
    return at + lock_for * (1 << doublings)


def refresh_until(*, started_at: datetime, at: datetime, idle: timedelta, absolute: timedelta) -> datetime:
    """When a refresh token issued now ends: idle time from now, never past the session's absolute end."""
    return min(at + idle, started_at + absolute)
