"""Whoever places orders finds the shard's owner again, whatever became of the owners before and of the look for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError

from marketdata import bus, channels
from orders import caller, services
from orders.engine import lease as leases
from orders.models import Lease

FIELDS = {
    "account": "trader",
    "symbol": "BTC/USDT",
    "side": "buy",
    "type": "limit",
    "price": "50000",
    "quantity": "0.001",
}


@pytest.fixture
def live(engine: Any) -> Iterator[Any]:
    caller.default.cache_clear()
    engine.run()
    assert services.place(engine.cast.trader, FIELDS).status == 201
    yield engine
    engine.end()
    caller.default.cache_clear()


def test_an_owner_that_died_at_its_start_leaves_no_stream_nobody_reads(live: Any) -> None:
    live.end()
    assert leases.take(live.connection, 0) is not None  # and dies before it has read what the one before left
    live.restart()
    live.run()
    assert services.place(live.cast.trader, FIELDS).status == 201


def test_after_a_wait_in_vain_the_next_order_asks_who_owns_the_shard(live: Any) -> None:
    live.end()
    left = channels.commands(0, Lease.objects.get(shard=0).epoch)
    live.restart()
    bus.default().create_stream(left)
    live.run()
    assert services.place(live.cast.trader, FIELDS).status == 504
    assert services.place(live.cast.trader, FIELDS).status == 201


def test_a_look_for_the_owner_that_fails_is_made_again(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def filter(self, **_: Any) -> Any:
            raise OperationalError("the database is away")

    caller.default.cache_clear()
    with monkeypatch.context() as broken:
        broken.setattr(Lease, "objects", Away())
        assert services.place(live.cast.trader, FIELDS).status == 503
    assert services.place(live.cast.trader, FIELDS).status == 201
