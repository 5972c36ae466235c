"""Several COPYs and statements as one question to PostgreSQL: the rows of a whole batch in as few round trips as there are tables.

The simple protocol runs the statements of one question in order; each COPY asks for its rows when its turn comes. A statement
that fails ends the question, and with it the transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg import errors, generators
from psycopg.adapt import Dumper
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn

from marketdata import failpoints
from orders import _edge

CHUNK = 1 << 17  # libpq takes no more than it has room for


class Sheet(NamedTuple):
    """Rows of one table, as `_edge.rows` makes them."""

    table: str
    columns: str
    rows: bytes


class Packed(bytes):
    """A parameter in PostgreSQL's binary format already, as `_edge.array` makes it; the statement says its type."""


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> bytes:
        """As it is."""
        return obj


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Let this connection's statements take Packed, and be planned once: tables in many partitions take longer to plan than to
    change, and all that is prepared here looks rows up by their keys, however many. A plan made while a table is small would
    read the whole of it for ever: only roads by an index are left."""
    connection.adapters.register_dumper(Packed, _PackedDumper)
    connection.execute("SET plan_cache_mode = force_generic_plan")
    for road in ("seqscan", "hashjoin", "mergejoin"):
        connection.execute(f"SET enable_{road} = off")


def arrays(kinds: str, rows: list[tuple[Any, ...]]) -> list[Packed]:
    """The columns of these rows as parameters for unnest, a letter of `_edge.rows` each."""
    columns = zip(*rows, strict=True)
    return [Packed(_edge.array(kind, list(column))) for kind, column in zip(kinds, columns, strict=True)]


def run(connection: psycopg.Connection[Any], sheets: list[Sheet], after: list[str]) -> None:
    """Copy the sheets, then do the statements, which hold their values as literals. Raises psycopg.Error."""
    copies = [f"COPY {sheet.table} ({sheet.columns}) FROM STDIN (FORMAT binary)" for sheet in sheets]
    question = "; ".join([*copies, *after]).encode()
    with connection.lock:
        connection.wait(_conversation(connection.pgconn, question, sheets))


def _conversation(pgconn: PGconn, question: bytes, sheets: list[Sheet]) -> Iterator[Any]:
    """psycopg waits wherever this yields."""
    left = list(sheets)
    if not left:
        failpoints.reach("engine.written")
    pgconn.send_query(question)
    yield from generators.send(pgconn)
    while (result := (yield from generators.fetch(pgconn))) is not None:
        if result.status == ExecStatus.COPY_IN:
            sheet = left.pop(0)
            yield from _copy(pgconn, sheet.rows, last=not left)
        elif result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            raise errors.error_from_result(result)


def _copy(pgconn: PGconn, rows: bytes, last: bool) -> Iterator[Any]:
    view = memoryview(rows)
    for begin in range(0, len(view), CHUNK):
        yield from generators.copy_to(pgconn, view[begin : begin + CHUNK], flush=begin + CHUNK < len(view))
    if last:
        failpoints.reach("engine.written")
    pgconn.put_copy_end()
    yield from generators.send(pgconn)
