"""The only file that reads the time. Everything else asks here or is given the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
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


def boot_ns() -> int:
    """Nanoseconds since the machine started. It never goes back, and counts the time the machine slept."""
    return time.clock_gettime_ns(_BOOT)


class SteadyClock:
    """The wall clock for whoever must not follow its jumps. It keeps to the wall while that moves by less than
    `JUMP_NS` against the time since boot, and never goes back; a larger step is not followed (`unsafe`) until the wall
    has come back or the process is started again.
    """

    JUMP_NS = 500_000_000

    def __init__(self) -> None:
        self._ahead_ns = now_ns() - boot_ns()
        self._last_ns = 0
        self.unsafe = False

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""
        boot, wall = boot_ns(), now_ns()
        self.unsafe = abs(wall - boot - self._ahead_ns) > self.JUMP_NS
        if not self.unsafe:
            self._ahead_ns = wall - boot
        self._last_ns = max(self._last_ns, self._ahead_ns + boot)
        return self._last_ns


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
