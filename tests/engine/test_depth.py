"""The demo's markets: prices and lots of very different scale, and 20 levels a side in everything anybody ever sees of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from marketdata import bus
from marketdata.mirror import Change, MarketMirror
from marketdata.models import Instrument
from orders import caller, services
from orders.models import Funding
from tests.marketdata.conftest import wait_for

LEVELS_MIN = 20


def test_the_demos_instruments_are_of_very_different_scale(db: None) -> None:
    call_command("seed", "demo", verbosity=0)
    markets = list(Instrument.objects.filter(exchange__source="simulator"))
    assert len(markets) >= 6
    prices = [Decimal(str(market.simulation["start_price"])) for market in markets]
    assert max(prices) / min(prices) > 10**12
    assert {market.tick_size for market in markets} >= {Decimal("0.00000001"), Decimal("0.01"), Decimal(1000)}
    assert len({market.lot_size for market in markets}) >= 4
    assert Instrument.objects.filter(exchange__name="tokocrypto", symbol="TKO/IDR", order_symbol="TKO_IDR").exists()


@pytest.fixture
def live(engine: Any) -> Iterator[Any]:
    """A running engine whose trader is rich enough to take all that stands."""
    cast = engine.cast
    for asset in (cast.btc.base, cast.btc.quote, cast.shib.base):
        Funding.objects.create(
            owner=cast.trader, account=cast.account, kind="transfer", asset=asset, amount=Decimal(10**12)
        )
    engine.run()
    caller.default.cache_clear()
    yield engine
    engine.end()
    caller.default.cache_clear()
    connection.close()


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_nobody_sees_fewer_than_20_levels_while_a_user_sweeps_the_book(live: Any, side: str) -> None:
    seen: dict[int, int] = {}

    def look(change: Change) -> None:
        book = mirror.book(change.instrument_id)
        levels = min(len(book["bids"]), len(book["asks"])) if book else 0
        seen[change.instrument_id] = min(seen.get(change.instrument_id, levels), levels)

    mirror = MarketMirror(bus.default()).start()
    try:
        markets = (live.cast.btc, live.cast.shib)
        wait_for(lambda: all(mirror.book(market.pk) for market in markets))
        mirror.listen(look)
        for market in markets * 4:
            book = mirror.book(market.pk)
            assert book
            standing = sum(Decimal(quantity) for _, quantity in book["asks" if side == "buy" else "bids"])
            order = {"exchange": "sim", "symbol": market.symbol, "side": side, "type": "market"}
            reply = services.place(live.cast.trader, {**order, "quantity": f"{standing:f}"})
            assert (reply.status, json.loads(reply.body)["status"]) == (201, "filled"), reply.body
            time.sleep(0.15)
    finally:
        mirror.stop()
    assert set(seen) == {market.pk for market in markets}
    assert min(seen.values()) >= LEVELS_MIN
