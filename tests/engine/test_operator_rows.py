"""Whatever an operator writes into a row, the engine goes on; what cannot be meant refuses orders, it never lets them through."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F

from marketdata.models import Exchange, Instrument
from orders import services
from orders.models import Halt, RiskLimit


@pytest.mark.parametrize("value", [Decimal(-1), Decimal(10) ** 15])
def test_a_limit_that_cannot_be_read_refuses(engine: Any, value: Decimal) -> None:
    RiskLimit.objects.filter(profile__name="paper", code="open_orders_max").update(value=value)
    status, body, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    assert (status, body["code"]) == (422, "LIMITS_MISSING")


def test_limits_taken_away_refuse_and_given_back_allow(engine: Any) -> None:
    row = RiskLimit.objects.get(profile__name="paper", code="rate_burst")
    value = row.value
    row.delete()
    assert engine.ask(engine.place("buy", "0.01", "50000"))[1]["code"] == "LIMITS_MISSING"
    before = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before
    assert engine.ask(engine.place("buy", "0.01", "50000"))[1]["code"] == "LIMITS_MISSING"
    RiskLimit.objects.create(profile=row.profile, code="rate_burst", value=value)
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201


@pytest.mark.parametrize(
    "values",
    [
        {"quantity_max": Decimal(10) ** 19},
        {"notional_min": Decimal(10) ** 19},
        {"contract_size": Decimal(0)},
        {"tick_size": Decimal(0)},
        {"tick_size": Decimal("0.000000000000000001")},
        {"simulation": {"start_price": "much"}},
        {"simulation": {"start_price": "Infinity"}},
        {"simulation": {"events_per_second": 1e12}},
        {"simulation": {"depth_lots": "nan"}},
        {"simulation": ["a", "list"]},
    ],
)
def test_an_instrument_that_makes_no_sense_stops_alone(engine: Any, values: dict[str, Any]) -> None:
    Instrument.objects.filter(pk=engine.cast.btc.pk).update(spec_version=F("spec_version") + 1, **values)
    engine.turn()
    assert engine.ask(engine.place("buy", "500000", instrument=engine.cast.shib))[0] == 201
    engine.restart()
    assert engine.ask(engine.place("buy", "500000", instrument=engine.cast.shib))[0] == 201


def test_a_disabled_exchange_takes_no_orders_and_lets_them_be_canceled(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    Exchange.objects.update(enabled=False)
    assert engine.ask(engine.place("buy", "0.01", "50000"))[1]["code"] == "INSTRUMENT_NOT_TRADING"
    assert engine.ask(engine.cancel(order["id"]))[0] == 200


def test_an_owner_has_one_halt_whatever_door_it_came_by(engine: Any) -> None:
    services.set_halt("owner", "", "halted", by="the console", owner=engine.cast.trader)
    services.set_halt("owner", engine.cast.trader.name, "active", by="the screen", owner=engine.cast.trader)
    assert Halt.objects.count() == 1
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201
