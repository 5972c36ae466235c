"""Numbers as text and as COPY bytes: what C makes of them is what Python and PostgreSQL make of them."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connection

from marketdata import clock
from marketdata.precision import amount_decimal, amount_text
from orders import _edge
from orders.engine import copying

LARGEST = 10**38 - 1
AMOUNTS = [0, 1, -1, 9, 10**4, 10**14, 10**17, 10**18, -(10**18), 10**18 + 1, 99_999 * 10**13, 10**22, 10**36, LARGEST,
           -LARGEST, 2**63, -(2**63), 2**64 + 5, 123_456_789 * 10**10]  # fmt: skip
MOMENTS = [0, 999, 1_000, 951_782_399_999_999_999, 951_782_400_000_000_000, 1_709_164_800_123_456_789, -1, -1_000_001,
           4_102_444_800_000_000_000, 1_735_689_599_999_999_000]  # fmt: skip
TEXTS = ["", "plain", "tab\tand\nline", "back\\slash \\N", 'quo"te', "žluťoučký 🐎", "\x7f\x01"]


def random_amounts() -> list[int]:
    dice = random.Random(7)
    return [dice.randint(-(10 ** dice.randint(1, 38)) + 1, 10 ** dice.randint(1, 38) - 1) for _ in range(500)]


def test_an_amount_reads_as_its_decimal() -> None:
    for amount in AMOUNTS + random_amounts():
        assert _edge.decimal_text(amount) == amount_text(amount)


def test_the_widest_amounts_have_text_too() -> None:
    for amount in (2**127 - 1, -(2**127)):
        assert _edge.decimal_text(amount) == amount_text(amount)
    with pytest.raises(OverflowError):
        _edge.decimal_text(2**127)


def test_a_moment_reads_as_its_day_and_time() -> None:
    dice = random.Random(8)
    for at_ns in MOMENTS + [dice.randint(-(2**61), 2**62) for _ in range(500)]:
        assert _edge.iso_text(at_ns) == clock.iso(clock.from_ns(at_ns))


def test_a_uuid_reads_as_python_writes_it() -> None:
    for number in (0, 1, 2**64, 2**128 - 1, uuid.uuid4().int):
        assert _edge.uuid_text(uuid.UUID(int=number)) == str(uuid.UUID(int=number))


@contextmanager
def table(columns: str) -> Iterator[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE edge_rows (n serial, {columns}) ON COMMIT DROP")
        yield cursor


def copied(cursor: Any, columns: str, kinds: str, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    with cursor.copy(f"COPY edge_rows ({columns}) FROM STDIN (FORMAT binary)") as copy:
        copy.write(_edge.rows(kinds, rows))
    cursor.execute(f"SELECT {columns} FROM edge_rows ORDER BY n")  # noqa: S608
    return cursor.fetchall()


@pytest.mark.django_db
def test_postgres_reads_every_amount_as_it_was() -> None:
    amounts = AMOUNTS + random_amounts()
    with table("a numeric(38,18)") as cursor:
        found = copied(cursor, "a", "n", [(amount,) for amount in amounts])
    assert [row[0] for row in found] == [amount_decimal(amount) for amount in amounts]
    assert {row[0].as_tuple().exponent for row in found} == {-18}


@pytest.mark.django_db
def test_postgres_adds_up_amounts_that_came_so() -> None:
    amounts = AMOUNTS[:8]
    with table("a numeric(38,18), b numeric(38,18)") as cursor:
        copied(cursor, "a", "n", [(amount,) for amount in amounts])
        cursor.execute("UPDATE edge_rows SET b = a::text::numeric")
        cursor.execute("SELECT sum(a), sum(b), count(*) FILTER (WHERE a = b AND a::text = b::text) FROM edge_rows")
        total, again, same = cursor.fetchone()
    assert total == again == amount_decimal(sum(amounts))
    assert same == len(amounts)


@pytest.mark.django_db
def test_postgres_reads_moments_cut_to_microseconds() -> None:
    with table("t timestamptz") as cursor:
        found = copied(cursor, "t", "t", [(at_ns,) for at_ns in MOMENTS])
    assert [row[0] for row in found] == [clock.from_ns(at_ns) for at_ns in MOMENTS]


@pytest.mark.django_db
def test_postgres_reads_text_bytes_json_and_nothing() -> None:
    order_id = uuid.uuid4()
    rows: list[tuple[Any, ...]] = [
        (text, text.encode(), json.dumps({"a": text}), order_id, True, -(2**15), 2**31 - 1, -(2**63)) for text in TEXTS
    ]
    rows.append((None,) * 8)
    with table("s text, b bytea, j jsonb, u uuid, f boolean, h smallint, i integer, q bigint") as cursor:
        found = copied(cursor, "s, b, j, u, f, h, i, q", "ssju?hiq", rows)
    read = [(s, b and bytes(b), j and json.loads(j), *rest) for s, b, j, *rest in found]
    assert read == [(s, b, j and json.loads(j), *rest) for s, b, j, *rest in rows]


@pytest.mark.django_db
def test_an_array_is_a_parameter_as_postgres_packs_it() -> None:
    order_id = uuid.uuid4()
    for kind, type_name, values, read in (
        ("q", "bigint", [1, None, -5], [1, None, -5]),
        ("s", "text", ["a", "", None], ["a", "", None]),
        ("n", "numeric", [10**18, 1], [Decimal(1), Decimal("1E-18")]),
        ("t", "timestamptz", [MOMENTS[5]], [clock.from_ns(MOMENTS[5])]),
        ("u", "uuid", [order_id], [order_id]),
    ):
        connection.ensure_connection()
        copying.prepare(connection.connection)
        with psycopg.Cursor(connection.connection) as cursor:  # Django's own binds on the client
            cursor.execute(f"SELECT x FROM unnest(%s::{type_name}[]) x", copying.arrays(kind, [(v,) for v in values]))  # noqa: S608
            assert [row[0] for row in cursor.fetchall()] == read


def test_what_fits_no_column_is_refused_before_anything_is_sent() -> None:
    for kinds, row, error in (
        ("h", (2**15,), OverflowError),
        ("i", (2**31,), OverflowError),
        ("q", (2**63,), OverflowError),
        ("n", (2**127,), OverflowError),
        ("s", (5,), TypeError),
        ("u", ("no uuid",), AttributeError),
        ("qq", (1,), ValueError),
        ("x", (1,), ValueError),
    ):
        with pytest.raises(error):
            _edge.rows(kinds, [row])
