"""A clean stop keeps the state whole, so that the next start has nothing to play again."""

from __future__ import annotations

from typing import Any

import psycopg

from orders._core import Core
from orders.engine import recovery
from orders.engine.service import database
from orders.models import Checkpoint, Journal, Lease


def _stop(engine: Any) -> None:
    engine.service._end(engine.connection)


def test_a_stop_leaves_a_checkpoint_of_the_last_entry(engine: Any) -> None:
    engine.ask(engine.place("buy", "0.01"))
    engine.ask(engine.place("buy", "0.01", "50000"))
    _stop(engine)
    newest = Journal.objects.order_by("-seq")[0].seq
    kept = Checkpoint.objects.order_by("-seq")[0]
    assert (kept.seq, kept.core_hash) == (newest, f"{engine.core.hash():016x}")
    core = Core()
    with psycopg.connect(database(), autocommit=True) as connection:
        found = recovery.rebuild(connection, core, 0)
    assert found.entries == 0 and core.hash() == engine.core.hash()


def test_a_stop_lets_go_of_the_shard_at_once(engine: Any) -> None:
    _stop(engine)
    lease = Lease.objects.get(shard=0)
    assert not lease.ready
    with psycopg.connect(database(), autocommit=True) as connection:
        over = connection.execute("SELECT expires_at <= clock_timestamp() FROM orders_lease WHERE shard = 0").fetchone()
    assert over == (True,)


def test_requests_decided_before_the_stop_are_known_after_it(engine: Any) -> None:
    order = engine.ask(engine.place("buy", "0.01", "50000", request_id="kept"))[1]
    engine.ask(engine.cancel(order["id"], request_id="kept-cancel"))
    _stop(engine)
    engine.restart()
    status, again, headers = engine.ask(engine.place("buy", "0.01", "50000", request_id="kept"))
    assert (status, again["id"], headers["Idempotent-Replay"]) == (200, order["id"], "true")
    status, again, headers = engine.ask(engine.cancel(order["id"], request_id="kept-cancel"))
    assert (status, again["status"], headers["Idempotent-Replay"]) == (200, "canceled", "true")
