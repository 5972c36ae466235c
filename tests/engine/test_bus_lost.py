"""The bus is a doorbell: flushed in mid-trade, nothing durable is lost and trading goes on under a new epoch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marketdata import bus
from orders import caller, services
from orders.models import Lease, Order

FIELDS = {
    "account": "trader",
    "symbol": "BTC/USDT",
    "side": "buy",
    "type": "limit",
    "price": "50000",
    "quantity": "0.001",
}


@pytest.fixture
def live(engine: Any) -> Any:
    engine.run()
    caller.default.cache_clear()
    yield engine
    engine.end()
    caller.default.cache_clear()


def test_after_a_flush_orders_are_taken_again_and_the_old_ones_are_there(live: Any) -> None:
    assert services.place(live.cast.trader, FIELDS).status == 201
    epoch = Lease.objects.get(shard=0).epoch
    bus.default()._redis.flushall()
    statuses = []
    while 201 not in statuses:
        statuses.append(services.place(live.cast.trader, FIELDS).status)
        assert len(statuses) < 5 and set(statuses) <= {201, 503, 504}
    assert Lease.objects.get(shard=0).epoch > epoch
    assert Order.objects.filter(status="new").count() == 2


def test_the_same_request_after_the_flush_is_known(live: Any) -> None:
    first = json.loads(services.place(live.cast.trader, {**FIELDS, "request_id": "kept"}).body)
    bus.default()._redis.flushall()
    reply = services.place(live.cast.trader, {**FIELDS, "request_id": "kept"})
    while reply.status in (503, 504):
        reply = services.place(live.cast.trader, {**FIELDS, "request_id": "kept"})
    assert reply.status == 200 and json.loads(reply.body)["id"] == first["id"]
