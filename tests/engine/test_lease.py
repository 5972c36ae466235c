"""One writer a shard: its lease is renewed while nothing happens, and whoever was overtaken changes nothing more."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

from orders.engine import lease as leases
from orders.engine.service import database
from orders.models import Journal, Lease, Order, Request


def test_an_idle_engine_renews_its_lease_four_times_a_second(engine: Any) -> None:
    engine.run()
    seen = set()
    ends = time.monotonic() + 2
    while time.monotonic() < ends:
        seen.add(Lease.objects.get(shard=0).expires_at)
        time.sleep(0.02)
    engine.end()
    assert 5 <= len(seen) <= 10  # seven or eight, and a slow machine's allowance


def test_an_engine_that_was_overtaken_changes_nothing(engine: Any) -> None:
    before = Journal.objects.count()
    Lease.objects.filter(shard=0).update(epoch=engine.service.lease.epoch + 1)
    with pytest.raises(leases.LeaseLost):
        engine.ask(engine.place("buy", "0.01"))
    assert Journal.objects.count() == before
    assert not Order.objects.exists() and not Request.objects.exists()


def test_a_shard_whose_owner_lives_is_not_given_away(engine: Any) -> None:
    Lease.objects.filter(shard=0).update(holder="another machine", pid=1)
    with psycopg.connect(database(), autocommit=True) as connection:
        assert leases.take(connection, 0) is None
        connection.execute("UPDATE orders_lease SET expires_at = clock_timestamp() - interval '1 ms' WHERE shard = 0")
        taken = leases.take(connection, 0)
    assert taken is not None and taken.epoch == engine.service.lease.epoch + 1
