"""Monthly partitions of tables partitioned by a time column, made ahead and for any month of imported history.

There is no default partition: a row without a month is an error at once, not a row that nobody finds later. Boundaries
are UTC months. A month is built beside its table and attached, which does not stop readers or writers (CREATE …
PARTITION OF would).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from django.db import connection, transaction
from psycopg import sql

MONTHS_AHEAD = 3
_LOCK = 0x6D6F6E74  # "mont": one maker of partitions at a time

_TABLES_BY_MONTH = """
    SELECT c.relname
    FROM pg_partitioned_table p
    JOIN pg_class c ON c.oid = p.partrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
    WHERE p.partstrat = 'r' AND p.partnatts = 1 AND a.atttypid = 'timestamptz'::regtype AND n.nspname = current_schema()
    ORDER BY c.relname
"""


def months(first: date, last: date) -> Iterator[date]:
    """The first days of all months from that of `first` to that of `last`, both included."""
    month = first.year * 12 + first.month - 1
    while month <= last.year * 12 + last.month - 1:
        yield date(month // 12, month % 12 + 1, 1)
        month += 1


def partition_name(table: str, month: date) -> str:
    """Where a month's rows lie: marketdata_kline_y2024m08."""
    return f"{table}_y{month.year:04d}m{month.month:02d}"


def tables_by_month() -> list[str]:
    """Every table of the database that is partitioned by ranges of one time column."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES_BY_MONTH)
        return [row[0] for row in cursor.fetchall()]


def ensure_months(table: str, first: date, last: date) -> list[str]:
    """Make the partitions of these months that are missing; their names. Cheap when there is nothing to do."""
    wanted = {partition_name(table, month): month for month in months(first, last)}
    missing = _missing(wanted)
    if not missing:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        missing = _missing(wanted)  # another process may have made them while we waited
        for name in missing:
            start = wanted[name]
            end = next(month for month in months(start, date(start.year + 1, 12, 1)) if month > start)
            cursor.execute(
                sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(
                    sql.Identifier(name), sql.Identifier(table)
                )
            )
            cursor.execute(
                sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                    sql.Identifier(table),
                    sql.Identifier(name),
                    sql.Literal(datetime(start.year, start.month, 1, tzinfo=UTC)),
                    sql.Literal(datetime(end.year, end.month, 1, tzinfo=UTC)),
                )
            )
    return missing


def ensure_ahead(today: date, ahead: int = MONTHS_AHEAD, tables: Iterable[str] | None = None) -> list[str]:
    """Make this month's partitions and the next ones, of every table partitioned by month."""
    last = list(months(today, date(today.year + 1 + ahead // 12, 12, 1)))[ahead]
    made = []
    for table in tables_by_month() if tables is None else tables:
        made += ensure_months(table, today, last)
    return made


def _missing(names: Iterable[str]) -> list[str]:
    wanted = list(names)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) name WHERE to_regclass(quote_ident(name)) IS NULL", [wanted]
        )
        return sorted(row[0] for row in cursor.fetchall())
