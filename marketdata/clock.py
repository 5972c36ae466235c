"""The only file that reads the time. Everything else asks here or is given the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """The wall clock as an aware datetime in UTC."""
    return datetime.now(UTC)


def now_ns() -> int:
    """The wall clock in nanoseconds since 1970."""
    return time.time_ns()


def now_ms() -> int:
    """The wall clock in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def monotonic_ns() -> int:
    """A clock that never goes back, for durations and ages."""
    return time.monotonic_ns()


def from_ms(ms: int) -> datetime:
    """Milliseconds since 1970 as an aware datetime, exactly (no float on the way)."""
    return EPOCH + timedelta(milliseconds=ms)


def from_ns(ns: int) -> datetime:
    """Nanoseconds since 1970 as an aware datetime, cut to microseconds."""
    return EPOCH + timedelta(microseconds=ns // 1000)


def to_ms(moment: datetime) -> int:
    """An aware datetime in milliseconds since 1970, rounded down."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and a Z, as the API writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
