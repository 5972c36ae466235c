"""What the order path is held against: the same rows by COPY and COMMIT alone, and how long the disk takes to be sure.

The rows are those the last run made, read from the tables, and go into empty tables of the same shape, indexes and all, in a
schema that is dropped afterwards.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from marketdata import clock

TABLES = {  # in the order the engine writes them; the column that counts up within an account or shard
    "orders_journal": "seq", "orders_request": "decided_seq", "orders_order": "order_no", "orders_executionreport": "journal_seq",
}  # fmt: skip
SCHEMA = "path_limits"
FSYNCS = 200


def bare_copy(conninfo: str, account_id: int, orders: int, batch: int) -> dict[str, Any]:
    """Orders a second of COPY and COMMIT alone: the newest rows of the account's orders, so many a transaction."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        first, last = _span(connection, account_id, orders)
        _prepare(connection)
        try:
            sheets = [_sheets(connection, low, min(low + batch, last + 1)) for low in range(first, last + 1, batch)]
            began_ns = clock.monotonic_ns()
            for sheet in sheets:
                with connection.transaction(), connection.cursor() as cursor:
                    for table, rows in sheet.items():
                        with cursor.copy(f"COPY {SCHEMA}.{table} FROM STDIN (FORMAT binary)") as copy:
                            copy.write(rows)
            seconds = (clock.monotonic_ns() - began_ns) / 1e9
            row = connection.execute(f"SELECT count(*) FROM {SCHEMA}.orders_order").fetchone()  # noqa: S608
        finally:
            connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    made = row[0] if row else 0
    return {"orders": made, "batch": batch, "orders_per_s": round(made / seconds)}


def _span(connection: psycopg.Connection[Any], account_id: int, orders: int) -> tuple[int, int]:
    row = connection.execute(
        "SELECT min(n), max(n) FROM (SELECT order_no AS n FROM orders_order WHERE account_id = %s "
        "ORDER BY created_at DESC, order_no DESC LIMIT %s) AS newest",
        (account_id, orders),
    ).fetchone()
    if row is None or row[0] is None:
        raise LookupError("there are no orders yet: run a mode first")
    return row[0], row[1]


def _prepare(connection: psycopg.Connection[Any]) -> None:
    connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    for table in TABLES:
        connection.execute(f"CREATE TABLE {SCHEMA}.{table} (LIKE {table} INCLUDING ALL)")


def _sheets(connection: psycopg.Connection[Any], low: int, high: int) -> dict[str, bytes]:
    found = {}
    for table, column in TABLES.items():
        query = f"COPY (SELECT * FROM {table} WHERE {column} >= {low} AND {column} < {high}) TO STDOUT (FORMAT binary)"  # noqa: S608
        with connection.cursor().copy(query) as copy:
            found[table] = b"".join(bytes(chunk) for chunk in copy)
    return found


def fsync_us(folder: Path) -> dict[str, float]:
    """Microseconds of writing 8 kB and fdatasync, as pg_test_fsync measures it; by us, for the wheel has no pg_test_fsync."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        os.write(file.fileno(), bytes(1 << 16))
        for _ in range(FSYNCS):
            began_ns = clock.monotonic_ns()
            os.pwrite(file.fileno(), bytes(8192), 0)
            os.fdatasync(file.fileno())
            taken.append((clock.monotonic_ns() - began_ns) / 1000)
    return {"p50_us": round(statistics.median(taken)), "p99_us": round(statistics.quantiles(taken, n=100)[98])}
