"""An instrument added while the engine runs is a market like the others: depth, a chart, orders; no restart."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

from marketdata import clock, store
from marketdata.models import Asset, Instrument


def _add(engine: Any) -> Instrument:
    btc = engine.cast.btc
    ada = Asset.objects.create(code="ADA")
    made = Instrument.objects.create(
        exchange=btc.exchange, symbol="ADA/USDT", base=ada, quote=btc.quote, settle=btc.quote,
        tick_size=Decimal("0.0001"), lot_size=Decimal(1), notional_min=Decimal(5),
        simulation={"start_price": "0.75", "events_per_second": 0.001},
    )  # fmt: skip
    engine.turn()
    return made


def _newest_closed_minute() -> int:
    return clock.now_ms() // 60_000 * 60_000 - 60_000


def test_it_trades_from_the_next_transaction_on(engine: Any) -> None:
    ada = _add(engine)
    assert [len(side) for side in engine.core.depth(ada.pk, 20)] == [20, 20]
    status, order, _ = engine.ask(engine.place("buy", "100", instrument=ada))
    assert (status, order["status"]) == (201, "filled")


def test_its_chart_has_the_newest_500_minutes_up_to_its_price(engine: Any) -> None:
    before = _newest_closed_minute()
    ada = _add(engine)
    bars = store.history(ada.pk, "1m", limit=500)
    assert len(bars) == 500
    assert before <= bars[-1].open_ms <= _newest_closed_minute()  # a minute may end while it is made
    assert abs(bars[-1].close / Decimal("0.75") - 1) < Decimal("0.01")
    assert {later.open_ms - bar.open_ms for bar, later in pairwise(bars)} == {60_000}


def test_bars_it_has_already_are_left_alone(engine: Any) -> None:
    before = len(store.history(engine.cast.btc.pk, "1m", limit=500))
    Instrument.objects.filter(pk=engine.cast.btc.pk).update(notional_min=Decimal(6))
    engine.turn()
    assert len(store.history(engine.cast.btc.pk, "1m", limit=500)) == before
