"""Kline intervals: their words, lengths and the times at which bars open. Pure.

Bars open at multiples of their length since 1970-01-01 UTC; weeks open on Monday, as on every exchange.
"""

from __future__ import annotations

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
_MONDAY_MS = 4 * DAY_MS  # 1970-01-05

LENGTH_MS = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "1w": 7 * DAY_MS,
}
INTERVALS = tuple(LENGTH_MS)
BASE = "1m"
LIVE = ("1m", "5m", "15m", "1h", "4h", "1d")  # built from trades and published while open


def length_ms(interval: str) -> int:
    """The length of a bar in milliseconds. ValueError names the intervals there are."""
    try:
        return LENGTH_MS[interval]
    except KeyError:
        raise ValueError(f'interval "{interval}" is not one of {", ".join(INTERVALS)}') from None


def origin_ms(interval: str) -> int:
    """A moment at which a bar of this interval opens."""
    return _MONDAY_MS if interval == "1w" else 0


def open_ms(moment_ms: int, interval: str) -> int:
    """When the bar that holds a moment opens."""
    origin = origin_ms(interval)
    return (moment_ms - origin) // length_ms(interval) * length_ms(interval) + origin


def close_ms(bar_open_ms: int, interval: str) -> int:
    """When a bar closes: the first moment that is no longer in it."""
    return bar_open_ms + length_ms(interval)
