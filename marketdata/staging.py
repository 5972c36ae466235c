"""Bars on their way into the kline table: copied into a temporary table, checked there, then merged in a few
statements.

Measured on a year of minutes: COPY into a bare temporary table and one MERGE keep at least half the rate of a COPY
straight into the partitioned table (`manage.py bench_klines`), while INSERT … ON CONFLICT alone has a third of it.

The caller holds a transaction; the table lives as long as that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

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
_FIRST_S, _END_S = 631_152_000, 4_102_444_800  # 1990 and 2100
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


class _Survey(NamedTuple):
    rows: int
    ascending: bool
    sound: bool
    first: datetime | None
    last: datetime | None


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
        self._survey: _Survey | None = None
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
        if self._surveyed().sound:
            return None
        interval = self.series[1]
        tests = sql.SQL(
            "CASE WHEN greatest(low, high, open, close, volume) >= 1e20 THEN 'holds a value that is no price or volume'"
            " WHEN low <= 0 THEN 'has a price that is not above zero'"
            " WHEN volume < 0 THEN 'has a negative volume'"
            " WHEN low > least(open, close, high) THEN 'has a low above its open, close or high'"
            " WHEN high < greatest(open, close) THEN 'has a high below its open or close'"
            " WHEN NOT {likely} THEN 'opens at a time that cannot be right (before 1990 or after 2099)'"
            " WHEN NOT {aligned} THEN 'does not open at the start of a bar of ' || {interval}"
            " END"
        ).format(likely=self._likely(), aligned=self._aligned(interval), interval=sql.Literal(interval))
        # Rows of a fresh temporary table come back in the order they were copied, so their number is their line.
        self._cursor.execute(
            sql.SQL(
                "SELECT number, reason FROM"
                " (SELECT row_number() OVER () AS number, {} AS reason FROM kline_staging) AS checked"
                " WHERE reason IS NOT NULL ORDER BY number LIMIT 1"
            ).format(tests)
        )
        return Flaw(*self._cursor.fetchone())

    def merge(self) -> Stored:
        """Bring the staged bars into the kline table, making its months as needed."""
        survey = self._surveyed()
        first, last = survey.first, survey.last
        if first is None or last is None:
            return Stored()
        self._cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, (id %% 2147483647)::int) FROM"
            " (SELECT DISTINCT instrument_id AS id FROM kline_staging ORDER BY 1) AS staged",
            [_LOCK],
        )
        duplicates = 0 if survey.ascending else self._drop_duplicates()
        partitions.ensure_months(KLINE_TABLE, first.date(), last.date())
        held = self._held(first, last)
        touched = self._merge(first, last) if held else self._insert()
        new = self._held(first, last) - held if held else touched
        unchanged = survey.rows - duplicates - touched
        return Stored(survey.rows, new, touched - new, unchanged, duplicates, first, last)

    def _surveyed(self) -> _Survey:
        """One pass over the staged rows: how many, whether in order, whether all of them can be bars, from when to
        when.
        """
        if self._survey is None:
            sound: sql.Composable = sql.SQL("true")
            if self.series is not None:
                # NaN and Infinity are greater than every number to PostgreSQL, so they fail the last comparisons.
                sound = sql.SQL(
                    "low > 0 AND volume >= 0 AND low <= open AND low <= close AND high >= open AND high >= close"
                    " AND high < 1e20 AND volume < 1e20 AND {} AND {}"
                ).format(self._likely(), self._aligned(self.series[1]))
            self._cursor.execute(
                sql.SQL(
                    "SELECT count(*), coalesce(bool_and(ascending), true), coalesce(bool_and(sound), true),"
                    " CASE WHEN bool_and(sound) THEN min(opens) END, CASE WHEN bool_and(sound) THEN max(opens) END"
                    " FROM (SELECT CASE WHEN {sound} THEN {time} END AS opens, {sound} AS sound,"
                    " coalesce((instrument_id, interval, moment) >"
                    " (lag(instrument_id) OVER whole, lag(interval) OVER whole, lag(moment) OVER whole), true)"
                    " AS ascending FROM kline_staging WINDOW whole AS ()) AS surveyed"
                ).format(sound=sound, time=self._time)
            )
            self._survey = _Survey(*self._cursor.fetchone())
        return self._survey

    def _drop_duplicates(self) -> int:
        self._cursor.execute(
            "DELETE FROM kline_staging USING (SELECT ctid AS spot, row_number() OVER"
            " (PARTITION BY instrument_id, interval, moment ORDER BY ctid DESC) AS nth FROM kline_staging) AS counted"
            " WHERE kline_staging.ctid = spot AND nth > 1"
        )
        return int(self._cursor.rowcount)

    def _held(self, first: datetime, last: datetime) -> int:
        """How many bars of the staged series the table has in that span. Nobody else changes that: we hold their
        locks.
        """
        self._cursor.execute(
            sql.SQL("SELECT count(*) FROM marketdata_kline AS k WHERE {} AND open_time BETWEEN %s AND %s").format(
                self._series_of_k()
            ),
            [first, last],
        )
        return int(self._cursor.fetchone()[0])

    def _insert(self) -> int:
        """Insert all, where the table has nothing of the span yet; how many."""
        self._cursor.execute(
            sql.SQL(
                "INSERT INTO marketdata_kline (instrument_id, interval, open_time, open, high, low, close, volume)"
                " SELECT instrument_id, interval, {}, open, high, low, close, volume FROM kline_staging"
            ).format(self._time)
        )
        return int(self._cursor.rowcount)

    def _merge(self, first: datetime, last: datetime) -> int:
        """Insert what is new, update what differs; how many rows that touched."""
        self._cursor.execute("ANALYZE kline_staging")
        same: sql.Composable = sql.SQL("k.instrument_id = s.instrument_id AND k.interval = s.interval")
        if self.series is not None:
            same = self._series_of_k()
        self._cursor.execute(
            sql.SQL(
                "MERGE INTO marketdata_kline AS k USING kline_staging AS s"
                " ON {same} AND k.open_time = {time} AND k.open_time BETWEEN {first} AND {last}"
                " WHEN MATCHED AND (k.open, k.high, k.low, k.close, k.volume)"
                " IS DISTINCT FROM (s.open::numeric(38,18), s.high::numeric(38,18), s.low::numeric(38,18),"
                " s.close::numeric(38,18), s.volume::numeric(38,18))"
                " THEN UPDATE SET open = s.open, high = s.high, low = s.low, close = s.close, volume = s.volume"
                " WHEN NOT MATCHED THEN"
                " INSERT (instrument_id, interval, open_time, open, high, low, close, volume)"
                " VALUES (s.instrument_id, s.interval, {time}, s.open, s.high, s.low, s.close, s.volume)"
            ).format(same=same, time=self._time, first=sql.Literal(first), last=sql.Literal(last))
        )
        return int(self._cursor.rowcount)

    def _series_of_k(self) -> sql.Composable:
        if self.series is None:
            return sql.SQL(
                "(k.instrument_id, k.interval) IN (SELECT DISTINCT instrument_id, interval FROM kline_staging)"
            )
        return sql.SQL("k.instrument_id = {} AND k.interval = {}").format(*map(sql.Literal, self.series))

    def _likely(self) -> sql.Composable:
        if self._unit == "iso":
            return sql.SQL("(moment >= '1990-01-01' AND moment < '2100-01-01')")
        per_second = _PER_SECOND[self._unit]
        span = [sql.Literal(moment_s * per_second) for moment_s in (_FIRST_S, _END_S)]
        return sql.SQL("(moment >= {} AND moment < {})").format(*span)

    def _aligned(self, interval: str) -> sql.Composable:
        per_second = _PER_SECOND.get(self._unit, 1)
        moment = sql.SQL("extract(epoch FROM moment)") if self._unit == "iso" else sql.SQL("moment")
        return sql.SQL("({} - {}) % {} = 0").format(
            moment,
            sql.Literal(intervals.origin_ms(interval) // 1000 * per_second),
            sql.Literal(intervals.length_ms(interval) // 1000 * per_second),
        )
