"""A bus that answers and refuses to write: surely nothing was accepted, nothing dies of it, and trading goes on afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marketdata import bus
from orders import caller, services
from orders.models import Order

FIELDS = {
    "account": "trader",
    "symbol": "BTC/USDT",
    "side": "buy",
    "type": "limit",
    "price": "50000",
    "quantity": "0.001",
}


@pytest.fixture
def full_bus(engine: Any) -> Iterator[Any]:
    engine.run()
    caller.default.cache_clear()
    assert services.place(engine.cast.trader, FIELDS).status == 201
    bus.default()._redis.config_set("maxmemory", "1")
    yield engine
    bus.default()._redis.config_set("maxmemory", "0")
    caller.default.cache_clear()


def test_a_full_bus_takes_no_order_and_harms_nobody(full_bus: Any) -> None:
    assert services.place(full_bus.cast.trader, FIELDS).status == 503
    bus.default()._redis.config_set("maxmemory", "0")
    assert services.place(full_bus.cast.trader, FIELDS).status == 201
    full_bus.end()
    assert Order.objects.count() == 2
