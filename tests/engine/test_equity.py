"""Each minute every account's worth is written down, in its reporting asset; what flowed in is told apart from what was won."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from orders import valuation
from orders.models import Balance, EquityPoint


def test_the_first_minute_has_a_point_with_the_opening_as_flow(engine: Any) -> None:
    engine.turn()
    engine.turn()
    point = EquityPoint.objects.get(account=engine.cast.account)
    bid, _, ask, _ = engine.core.best(engine.cast.btc.pk)
    mid = Fraction(bid + ask, 2) / 100
    assert point.equity == point.cash_flow == valuation.to_decimal(100_000 + 2 * mid)


def test_the_next_minute_has_no_flow_and_the_worth_of_then(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.turn()
    engine.turn()
    engine.ask(engine.place("buy", "0.5"))
    monkeypatch.setattr("orders.engine.equity.is_told", lambda cursor, minute: False)
    engine.service.last_minute = engine.service.valuer.last_ns = 0  # a minute and a second later
    engine.turn()
    points = EquityPoint.objects.filter(account=engine.cast.account).order_by("at")
    assert points.count() == 2
    held = dict(Balance.objects.filter(account=engine.cast.account).values_list("asset__code", "total"))
    bid, _, ask, _ = engine.core.best(engine.cast.btc.pk)
    assert points[1].equity == held["USDT"] + held["BTC"] * (bid + ask) / 200
    assert points[1].cash_flow == 0


def test_a_restart_in_the_same_minute_adds_no_point(engine: Any) -> None:
    engine.turn()
    engine.turn()
    engine.restart()
    engine.turn()
    assert EquityPoint.objects.filter(account=engine.cast.account).count() == 1


def test_an_unknown_rate_means_no_point_not_a_wrong_one() -> None:
    marks = {("BTC", "USDT"): Fraction(64000)}
    assert valuation.worth([("BTC", Decimal(1)), ("XYZ", Decimal(1))], "USDT", marks) is None
    assert valuation.worth([("BTC", Decimal(1)), ("XYZ", Decimal(0))], "USDT", marks) == Decimal(64000)
    assert valuation.convert(Decimal(64000), "USDT", "BTC", marks) == 1


def test_rates_go_through_a_bridge() -> None:
    marks = {("BTC", "USDT"): Fraction(64000), ("BTC", "IDR"): Fraction(10**9)}
    assert valuation.convert(Decimal(10**9), "IDR", "USDT", marks) == 64000


def test_an_asset_with_one_market_goes_through_its_currency() -> None:
    marks = {("TKO", "IDR"): Fraction(920), ("BTC", "USDT"): Fraction(64000), ("BTC", "IDR"): Fraction(10**9)}
    assert valuation.convert(Decimal(10**9), "TKO", "USDT", marks) == 920 * 64000
