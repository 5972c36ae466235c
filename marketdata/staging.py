"""Bars on their way into the kline table: copied into a temporary table, checked there, then merged in a few
statements.

Measured on a year of minutes: COPY into a bare temporary table, then INSERT of what is new and UPDATE of what differs,
costs about as much as COPY straight into the partitioned table, while INSERT … ON CONFLICT alone costs three times as
much.

The caller holds a transaction; the table lives as long as that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg import sql

from marketdata import intervals, partitions

KLINE_TABLE = "marketdata_kline"
VALUES = ("open", "high", "low", "close", "volume")

# How a column of moments reads, by what the moments are.
MOMENT_TYPES = {"s": "bigint", "ms": "bigint", "us": "bigint", "ns": "bigint", "iso": "timestamptz"}
_MOMENT = {
    "s": "timestamptz 'epoch' + moment * interval '1 second'",
    "ms": "timestamptz 'epoch' + moment * interval '1 millisecond'",
    "us": "timestamptz 'epoch' + moment * interval '1 microsecond'",
    "ns": "timestamptz 'epoch' + (moment / 1000) * interval '1 microsecond'",
    "iso": "moment",
}

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_LOCK = 0x6B6C6E65  # "klne": with an instrument's id, one writer of its bars at a time


@dataclass(frozen=True)
class Stored:
    """What became of the bars given: each is new, updated, unchanged or a duplicate (the same bar again; the later
    one counts).
    """

    rows: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def __add__(self, other: Stored) -> Stored:
        firsts = [moment for moment in (self.first, other.first) if moment]
        lasts = [moment for moment in (self.last, other.last) if moment]
        return Stored(
            self.rows + other.rows,
            self.new + other.new,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.duplicates + other.duplicates,
            min(firsts, default=None),
            max(lasts, default=None),
        )


@dataclass(frozen=True)
class Flaw:
    """The first staged row that is no bar: its number (from 1) and why."""

    row: int
    reason: str


class Staging:
    """A temporary table with columns moment, open, high, low, close, volume (and others, ignored), instrument_id and
    interval.

    `unit` says what `moment` holds (s, ms, us, ns or iso). With `series` every row belongs to that (instrument_id,
    interval).
    """

    def __init__(
        self, cursor: Any, unit: str = "ms", series: tuple[int, str] | None = None, ignored: Iterable[str] = ()
    ) -> None:
        self._cursor = cursor
        self._unit = unit
        self._time = sql.SQL(_MOMENT[unit])
        self.series = series
        instrument_id, interval = series or (None, None)
        cursor.execute("DROP TABLE IF EXISTS kline_staging")
        columns = [
            sql.SQL("moment {} NOT NULL").format(sql.SQL(MOMENT_TYPES[unit])),
            *(sql.SQL("{} numeric NOT NULL").format(sql.Identifier(name)) for name in VALUES),
            *(sql.SQL("{} text").format(sql.Identifier(name)) for name in ignored),
            sql.SQL("instrument_id bigint NOT NULL DEFAULT {}").format(sql.Literal(instrument_id)),
            sql.SQL("interval varchar(4) NOT NULL DEFAULT {}").format(sql.Literal(interval)),
        ]
        cursor.execute(
            sql.SQL("CREATE TEMPORARY TABLE kline_staging ({}) ON COMMIT DROP").format(sql.SQL(", ").join(columns))
        )

    @contextmanager
    def copy(self, columns: Iterable[str], options: str = "") -> Iterator[Any]:
        """A COPY into the table, to be used as `with staging.copy([...]) as copy`."""
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("COPY kline_staging ({}) FROM STDIN {}").format(names, sql.SQL(options))
        # Django passes a COPY through to psycopg without making its errors Django's.
        with connection.wrap_database_errors, self._cursor.copy(statement) as copy:
            yield copy

    def flaw(self) -> Flaw | None:
        """The first row that cannot be a bar of its interval, if there is one."""
        assert self.series is not None, "only a staging of one series is checked"
        interval = self.series[1]
        tests = sql.SQL(
            "CASE WHEN high = 'NaN' OR low = 'NaN' OR open = 'NaN' OR close = 'NaN' OR volume = 'NaN'"
            " OR greatest(high, open, close, volume) >= 1e20 THEN 'holds a value that is no price or volume'"
            " WHEN low <= 0 THEN 'has a price that is not above zero'"
            " WHEN volume < 0 THEN 'has a negative volume'"
            " WHEN low > least(open, close, high) THEN 'has a low above its open, close or high'"
            " WHEN high < greatest(open, close) THEN 'has a high below its open or close'"
            " WHEN NOT isfinite({time}) OR {time} < '1990-01-01' OR {time} >= '2100-01-01'"
            " THEN 'opens at a time that cannot be right (before 1990 or after 2099)'"
            " WHEN {misaligned}"
            " THEN 'does not open at the start of a bar of ' || {interval}"
            " END"
        ).format(time=self._time, misaligned=self._misaligned(interval), interval=sql.Literal(interval))
        self._cursor.execute(sql.SQL("SELECT 1 FROM kline_staging WHERE {} IS NOT NULL LIMIT 1").format(tests))
        if self._cursor.fetchone() is None:
            return None
        # Rows of a fresh temporary table come back in the order they were copied, so their number is their line.
        self._cursor.execute(
            sql.SQL(
                "SELECT number, reason FROM"
                " (SELECT row_number() OVER () AS number, {} AS reason FROM kline_staging) AS checked"
                " WHERE reason IS NOT NULL ORDER BY number LIMIT 1"
            ).format(tests)
        )
        return Flaw(*self._cursor.fetchone())

    def _misaligned(self, interval: str) -> sql.Composed:
        per_second = _PER_SECOND.get(self._unit, 1)
        moment = sql.SQL("extract(epoch FROM moment)") if self._unit == "iso" else sql.SQL("moment")
        return sql.SQL("({} - {}) % {} <> 0").format(
            moment,
            sql.Literal(intervals.origin_ms(interval) // 1000 * per_second),
            sql.Literal(intervals.length_ms(interval) // 1000 * per_second),
        )

    def merge(self) -> Stored:
        """Bring the staged bars into the kline table, making its months as needed."""
        rows, ascending, first, last = self._survey()
        if not rows:
            return Stored()
        self._cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, (id %% 2147483647)::int) FROM"
            " (SELECT DISTINCT instrument_id AS id FROM kline_staging ORDER BY 1) AS staged",
            [_LOCK],
        )
        duplicates = 0 if ascending else self._drop_duplicates()
        partitions.ensure_months(KLINE_TABLE, first.date(), last.date())
        held = self._held(first, last)
        updated = self._update(first, last) if held else 0
        new = self._insert(only_missing=held, first=first, last=last)
        return Stored(rows, new, updated, rows - duplicates - new - updated, duplicates, first, last)

    def _survey(self) -> tuple[int, bool, datetime, datetime]:
        self._cursor.execute(
            sql.SQL(
                "SELECT count(*), bool_and(ascending), min(moment), max(moment) FROM (SELECT {} AS moment,"
                " coalesce((instrument_id, interval, moment) >"
                " (lag(instrument_id) OVER whole, lag(interval) OVER whole, lag(moment) OVER whole), true)"
                " AS ascending FROM kline_staging WINDOW whole AS ()) AS surveyed"
            ).format(self._time)
        )
        row: tuple[int, bool, datetime, datetime] = self._cursor.fetchone()
        return row

    def _drop_duplicates(self) -> int:
        self._cursor.execute(
            "DELETE FROM kline_staging USING (SELECT ctid AS spot, row_number() OVER"
            " (PARTITION BY instrument_id, interval, moment ORDER BY ctid DESC) AS nth FROM kline_staging) AS counted"
            " WHERE kline_staging.ctid = spot AND nth > 1"
        )
        return int(self._cursor.rowcount)

    def _held(self, first: datetime, last: datetime) -> bool:
        self._cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM marketdata_kline WHERE (instrument_id, interval) IN"
            " (SELECT DISTINCT instrument_id, interval FROM kline_staging) AND open_time BETWEEN %s AND %s)"
            if self.series is None
            else "SELECT EXISTS (SELECT 1 FROM marketdata_kline WHERE instrument_id = %s AND interval = %s"
            " AND open_time BETWEEN %s AND %s)",
            [*(self.series or ()), first, last],
        )
        return bool(self._cursor.fetchone()[0])

    def _update(self, first: datetime, last: datetime) -> int:
        self._cursor.execute("ANALYZE kline_staging")
        self._cursor.execute(
            sql.SQL(
                "UPDATE marketdata_kline AS k"
                " SET open = s.open, high = s.high, low = s.low, close = s.close, volume = s.volume"
                " FROM kline_staging AS s WHERE k.instrument_id = s.instrument_id AND k.interval = s.interval"
                " AND k.open_time = {} AND k.open_time BETWEEN %s AND %s AND (k.open, k.high, k.low, k.close, k.volume)"
                " IS DISTINCT FROM (s.open::numeric(38,18), s.high::numeric(38,18), s.low::numeric(38,18),"
                " s.close::numeric(38,18), s.volume::numeric(38,18))"
            ).format(self._time),
            [first, last],
        )
        return int(self._cursor.rowcount)

    def _insert(self, only_missing: bool, first: datetime, last: datetime) -> int:
        missing = sql.SQL(
            " WHERE NOT EXISTS (SELECT 1 FROM marketdata_kline AS k WHERE k.instrument_id = s.instrument_id"
            " AND k.interval = s.interval AND k.open_time = {} AND k.open_time BETWEEN {} AND {})"
        ).format(self._time, sql.Literal(first), sql.Literal(last))
        self._cursor.execute(
            sql.SQL(
                "INSERT INTO marketdata_kline (instrument_id, interval, open_time, open, high, low, close, volume)"
                " SELECT s.instrument_id, s.interval, {}, s.open, s.high, s.low, s.close, s.volume"
                " FROM kline_staging AS s{}"
            ).format(self._time, missing if only_missing else sql.SQL(""))
        )
        return int(self._cursor.rowcount)
