"""An instrument gets other steps: its open orders end with the reason, its market stands again, old orders still show right."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import F

from marketdata.models import Instrument
from orders.messages import Terms
from orders.models import Balance, Order


def _other_steps(engine: Any) -> None:
    Instrument.objects.filter(pk=engine.cast.btc.pk).update(
        tick_size=Decimal("0.5"), lot_size=Decimal("0.0001"), spec_version=F("spec_version") + 1
    )


def _check(engine: Any, order_id: str) -> None:
    row = Order.objects.get(id=order_id)
    assert (row.status, row.reason["code"]) == ("canceled", "SPEC_CHANGED")
    assert (row.price, row.quantity) == (Decimal("50000.01"), Decimal("0.00123"))
    assert Balance.objects.get(account=engine.cast.account, asset__code="USDT").used == 0
    status, body, _ = engine.ask(engine.cancel(order_id))
    assert (status, body["order"]["price"], body["order"]["quantity"]) == (409, "50000.01", "0.00123")
    engine.cast.btc.refresh_from_db()
    assert engine.ask(engine.place("buy", "0.01", "50000.5", spec_version=2))[0] == 201
    assert engine.ask(engine.place("buy", "0.01", "50000.5", spec_version=1))[0] == 409
    assert engine.core.best(engine.cast.btc.pk)[2] is not None
    engine.core.verify()


def test_while_the_engine_runs(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.00123", "50000.01"))
    _other_steps(engine)
    engine.turn()
    _check(engine, order["id"])
    before = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before


def test_while_it_was_down(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.00123", "50000.01"))
    engine.crash()
    _other_steps(engine)
    engine.start()
    _check(engine, order["id"])


def test_an_order_of_old_steps_is_answered_as_it_was_after_a_restart(engine: Any) -> None:
    first = engine.ask(engine.place("buy", "0.00123", request_id="old"))[1]
    _other_steps(engine)
    engine.restart()
    status, again, _ = engine.ask(engine.place("buy", "0.00123", request_id="old"))
    assert status == 200 and again == first


def test_settings_that_make_no_market_stop_that_market_alone(engine: Any) -> None:
    Instrument.objects.filter(pk=engine.cast.btc.pk).update(tick_size=Decimal(5000), spec_version=F("spec_version") + 1)
    engine.turn()
    assert engine.ask(engine.place("buy", "500000", instrument=engine.cast.shib))[0] == 201


def _with_conditions(engine: Any) -> list[str]:
    """A waiting stop, an open entry with legs to come, and a filled one with its legs."""
    legs = Terms(take_profit_ticks=8_000_000, stop_loss_ticks=4_000_000)
    stop = engine.ask(engine.place("sell", "0.00123", type="stop", terms=Terms(stop_ticks=5_000_001)))[1]
    waiting = engine.ask(engine.place("buy", "0.00123", "50000.01", terms=legs))[1]
    filled = engine.ask(engine.place("buy", "0.00123", terms=legs))[1]
    assert Order.objects.filter(parent_id=filled["id"], status="new").count() == 2
    return [
        stop["id"],
        waiting["id"],
        *map(str, Order.objects.filter(parent_id=filled["id"]).values_list("id", flat=True)),
    ]


def _all_ended(engine: Any, ids: list[str]) -> None:
    rows = Order.objects.filter(id__in=ids)
    assert {row.status for row in rows} == {"canceled"} and len(rows) == len(ids)
    assert Order.objects.get(id=ids[0]).stop_price == Decimal("50000.01")
    assert not Balance.objects.filter(account=engine.cast.account, used__gt=0).exists()
    engine.core.verify()
    before = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before


def test_orders_with_conditions_end_too_while_the_engine_runs(engine: Any) -> None:
    ids = _with_conditions(engine)
    _other_steps(engine)
    engine.turn()
    _all_ended(engine, ids)


def test_orders_with_conditions_end_too_when_it_was_down(engine: Any) -> None:
    ids = _with_conditions(engine)
    engine.crash()
    _other_steps(engine)
    engine.start()
    _all_ended(engine, ids)
