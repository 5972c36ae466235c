"""The kline table, written and read: closed bars in, history of any interval out.

Longer intervals are not stored beside their minutes; they are added up from the 1m bars when they are read, unless bars
of the very interval were imported, which then count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from marketdata import clock, intervals
from marketdata.domain import Gap, Kline
from marketdata.staging import VALUES, Staging, Stored

LIMIT_MAX = 500
_DISTANT_PAST = datetime(1990, 1, 1, tzinfo=clock.EPOCH.tzinfo)

_STORED = """
    SELECT open_time, open, high, low, close, volume FROM marketdata_kline
    WHERE instrument_id = %(instrument)s AND interval = %(interval)s AND open_time >= %(first)s AND open_time < %(end)s
    ORDER BY open_time DESC LIMIT %(limit)s
"""
# Open and close are read back by their key: sorting every minute of every bar to find the first and the last costs
# several times more.
_ADDED_UP = """
    WITH bars AS (
        SELECT date_bin(%(length)s, open_time, %(origin)s) AS opens, min(open_time) AS first, max(open_time) AS last,
               max(high) AS high, min(low) AS low, sum(volume) AS volume
        FROM marketdata_kline
        WHERE instrument_id = %(instrument)s AND interval = '1m' AND open_time >= %(first)s AND open_time < %(end)s
        GROUP BY 1 ORDER BY 1 DESC LIMIT %(limit)s
    )
    SELECT opens,
           (SELECT open FROM marketdata_kline
            WHERE instrument_id = %(instrument)s AND interval = '1m' AND open_time = bars.first),
           high, low,
           (SELECT close FROM marketdata_kline
            WHERE instrument_id = %(instrument)s AND interval = '1m' AND open_time = bars.last),
           volume
    FROM bars ORDER BY opens DESC
"""
_GAPS = """
    SELECT previous, open_time FROM (
        SELECT open_time, lag(open_time) OVER (ORDER BY open_time) AS previous FROM marketdata_kline
        WHERE instrument_id = %s AND interval = %s AND open_time BETWEEN %s AND %s
    ) AS pairs WHERE open_time - previous > %s ORDER BY open_time
"""


def store_klines(instrument_id: int, interval: str, klines: Iterable[Kline]) -> Stored:
    """Bring closed bars of one series into the table: new ones are added, differing ones corrected. One transaction."""
    return store_bars((instrument_id, interval, bar) for bar in klines)


def store_bars(bars: Iterable[tuple[int, str, Kline]]) -> Stored:
    """The same for bars of several series: (instrument id, interval, bar)."""
    with transaction.atomic(), connection.cursor() as cursor:
        staging = Staging(cursor)
        with staging.copy(["instrument_id", "interval", "moment", *VALUES]) as copy:
            for instrument_id, interval, bar in bars:
                copy.write_row((instrument_id, interval, *bar[:6]))
        return staging.merge()


def latest(instrument_id: int, interval: str = intervals.BASE) -> Kline | None:
    """The newest stored bar of a series."""
    bars = history(instrument_id, interval, limit=1)
    return bars[-1] if bars else None


def history(
    instrument_id: int,
    interval: str,
    *,
    first: datetime | None = None,
    end: datetime | None = None,
    limit: int = LIMIT_MAX,
) -> list[Kline]:
    """The newest `limit` bars that open at or after `first` and before `end`, oldest first.

    The last one of an interval longer than 1m is marked open while minutes of it are missing at its end.
    """
    length = timedelta(milliseconds=intervals.length_ms(interval))
    series = {"instrument": instrument_id, "interval": interval, "limit": limit, "first": first or _DISTANT_PAST}
    series["end"] = end or clock.now() + timedelta(days=366)
    bars = {row[0]: row for row in _rows(_STORED, series)}
    if interval != intervals.BASE:
        newest_minute = _newest_minute(series)
        for row in _added_up(series, interval, length, newest_minute):
            bars.setdefault(row[0], row)
        open_from = newest_minute + timedelta(minutes=1) - length if newest_minute else None
    else:
        open_from = None
    chosen = sorted(bars.values(), key=lambda row: row[0])[-limit:] if limit else []
    return [_kline(row, closed=open_from is None or row[0] <= open_from) for row in chosen]


def minutes_since(instrument_id: int, first: datetime) -> list[Kline]:
    """All stored minutes that open at `first` or later, oldest first."""
    series = {"instrument": instrument_id, "interval": intervals.BASE, "limit": None, "first": first}
    return [
        _kline(row, closed=True)
        for row in reversed(_rows(_STORED, {**series, "end": datetime.max.replace(tzinfo=first.tzinfo)}))
    ]


def find_gaps(instrument_id: int, interval: str, first: datetime, last: datetime) -> list[Gap]:
    """The holes of a stored series between two of its bars."""
    length_ms = intervals.length_ms(interval)
    with connection.cursor() as cursor:
        cursor.execute(_GAPS, [instrument_id, interval, first, last, timedelta(milliseconds=length_ms)])
        pairs = [(clock.to_ms(before), clock.to_ms(after)) for before, after in cursor.fetchall()]
    return [Gap(before + length_ms, after - length_ms, (after - before) // length_ms - 1) for before, after in pairs]


def _added_up(
    series: dict[str, object], interval: str, length: timedelta, newest: datetime | None
) -> Iterator[tuple[Any, ...]]:
    """Bars from minutes, newest first. Only as far back as `limit` bars reach; further where minutes are missing."""
    if newest is None:
        return
    first, limit = series["first"], int(str(series["limit"]))
    assert isinstance(first, datetime)
    origin = clock.from_ms(intervals.origin_ms(interval))
    # A bar whose first minutes lie before `first` would be half a bar: it is left out.
    first = max(first, _DISTANT_PAST)
    first += (origin - first) % length
    span = limit
    while True:
        start = max(first, clock.from_ms(intervals.open_ms(clock.to_ms(newest), interval)) - span * length)
        rows = _rows(_ADDED_UP, {**series, "first": start, "length": length, "origin": origin})
        if len(rows) >= limit or start <= first or not _any_before(series, first, start):
            yield from rows
            return
        span *= 4


def _newest_minute(series: dict[str, object]) -> datetime | None:
    rows = _rows(_STORED, {**series, "interval": intervals.BASE, "limit": 1})
    return rows[0][0] if rows else None


def _any_before(series: dict[str, object], first: datetime, end: datetime) -> bool:
    return bool(_rows(_STORED, {**series, "interval": intervals.BASE, "limit": 1, "first": first, "end": end}))


def _rows(query: str, parameters: dict[str, object]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def _kline(row: tuple[Any, ...], closed: bool) -> Kline:
    opens, opened, high, low, close, volume = row
    return Kline(clock.to_ms(opens), opened, high, low, close, volume, closed)
