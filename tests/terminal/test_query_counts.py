"""How many questions each page asks the database, and that no list reads a large table from end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders import auth, portfolio
from orders.audit import floods, lines
from tests.orders.cast import Town, book_fill, found_town, hold, place_order

pytestmark = pytest.mark.django_db

COUNTS = {
    "/api/v1/orders": 2, "/api/v1/orders?limit=2": 2, "/api/v1/orders/client:otto-1": 1, "/api/v1/fills": 2,
    "/api/v1/positions": 2, "/api/v1/balances": 2, "/api/v1/accounts": 1, "/api/v1/pnl": 4, "/api/v1/pnl/equity": 2,
    "/api/v1/risk/limits": 4, "/api/v1/risk/state": 3, "/api/v1/risk/drill": 1, "/api/v1/keys": 2, "/api/v1/audit": 2,
    "/api/v1/metrics/latency": 3, "/api/v1/orders/client:otto-1/flight": 3, "/api/v1/instruments": 1,
    "/api/v1/exchanges": 1, "/api/v1/subscriptions": 1,
    "/admin/orders/order/": 4, "/admin/orders/fill/": 4, "/admin/orders/ledgerentry/": 4, "/admin/orders/journal/": 4,
    "/admin/orders/audit/": 4, "/admin/orders/account/": 7, "/admin/orders/apikey/": 5, "/admin/orders/halt/": 5,
    "/admin/orders/limitprofile/": 6, "/admin/orders/risklimit/": 6, "/admin/orders/owner/": 6,
    "/halt": 9,
}  # fmt: skip
# these keep prices in memory for a moment: at most so many
AT_MOST = {"/": 20, "/portfolio": 16, "/portfolio/figures": 15, "/portfolio/summary": 14, "/api/v1/tickers": 3}
LISTS = [path for path in COUNTS if path.startswith(("/api/v1/orders", "/api/v1/fills", "/api/v1/audit", "/admin/"))]
MANY = 1000  # rows of a table that nothing shall read from end to end
ROWS = 20_000
# a copy of a row, but for these columns, which are expressions of g
FILL = {
    "orders_order": "'id', gen_random_uuid(), 'created_at', t.created_at - g * interval '1 ms', 'account_id', 900 + g % 97, "
    "'owner_id', 900 + g % 97, 'order_no', 1000 + g, 'request_id', 'r' || g, 'status', 'filled'",
    "orders_fill": "'id', gen_random_uuid(), 'at', t.at - g * interval '1 ms', 'account_id', 900 + g % 97, "
    "'owner_id', 900 + g % 97, 'account_seq', 1000 + g",
    "orders_audit": "'id', 1000 + g, 'seq', 1000 + g, 'owner_id', NULL",
}


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Town:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setattr(portfolio, "mark_of", lambda *_: None)
    monkeypatch.setattr(floods, "_here", floods.Floods())
    monkeypatch.setattr(auth, "FRESH_NS", 10**13)  # a slow machine forgets nothing between two calls
    town = found_town()
    for number in range(1, 8):  # more than one of everything: a question for each row would be seen
        book_fill(town, town.otto, place_order(town, town.otto, number), number)
        lines.note("test.act", actor="otto", owner_id=town.otto.owner.pk)
    hold(town, town.otto)
    return town


def asked(client: Client, path: str) -> list[str]:
    """The questions of the second time, when what is remembered is remembered."""
    client.get(path)
    with CaptureQueriesContext(connection) as heard:
        answer = client.get(path)
    assert answer.status_code == 200, (path, answer.content[:300])
    return [query["sql"] for query in heard.captured_queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]


def test_every_page_asks_a_fixed_number_of_questions(town: Town) -> None:
    client = town.otto.client()
    assert {path: len(asked(client, path)) for path in COUNTS} == COUNTS
    assert {path: count for path, most in AT_MOST.items() if (count := len(asked(client, path))) > most} == {}


def test_no_list_reads_a_large_table_from_end_to_end(town: Town) -> None:
    with connection.cursor() as cursor:
        for table, changes in FILL.items():
            cursor.execute(
                f"INSERT INTO {table} SELECT r.* FROM (SELECT * FROM {table} LIMIT 1) t, generate_series(1, {ROWS}) g, "  # noqa: S608
                f"LATERAL jsonb_populate_record(NULL::{table}, to_jsonb(t) || jsonb_build_object({changes})) r"
            )
            cursor.execute(f"ANALYZE {table}")
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [MANY])
        large = {row[0] for row in cursor.fetchall() if row[0].startswith(tuple(FILL))}
    assert len(large) >= len(FILL)
    client = town.otto.client()
    assert {path: found for path in LISTS if (found := list(_end_to_end(asked(client, path), large)))} == {}


def _end_to_end(questions: list[str], large: set[str]) -> Iterator[str]:
    for question in questions:
        if question.startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN (FORMAT JSON) " + question.replace("%", "%%"), [])
                plan = cursor.fetchone()[0]
            plan = json.loads(plan) if isinstance(plan, str) else plan
            yield from _scans(plan[0]["Plan"], large, bounded=False)


def _scans(node: dict[str, Any], large: set[str], bounded: bool) -> Iterator[str]:
    """Large tables read whole: by a scan without an index, unless a limit right above it ends it early."""
    kind = node["Node Type"]
    if kind == "Seq Scan" and node["Relation Name"] in large and not bounded:
        yield node["Relation Name"]
    below = kind == "Limit" or (bounded and kind in ("Append", "Nested Loop", "Subquery Scan", "Result", "Memoize"))
    for inner in node.get("Plans", ()):
        yield from _scans(inner, large, below)
