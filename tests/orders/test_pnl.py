"""Profit and loss by method, as a pure fold and over REST."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from marketdata import clock
from orders import pnl, portfolio
from orders.models import Position
from tests.orders.cast import Town, book_fill, found_town, hold, place_order

UNIT = 10**18
SCALE = UNIT * UNIT

trades = st.lists(
    st.builds(
        pnl.Trade.at,
        st.integers(-(10**6), 10**6).filter(bool).map(lambda lots: lots * 10**13),
        st.integers(1, 10**7).map(lambda ticks: ticks * 10**16),
    ),
    max_size=30,
)


def signed(fill: pnl.Trade) -> int:
    return fill.worth if fill.quantity > 0 else -fill.worth


def made(method: str, *fills: tuple[int, int]) -> tuple[int, int, int]:
    """(realised, open quantity, what it cost) of whole units."""
    position = pnl.fold(method, [pnl.Trade.at(quantity * UNIT, price * UNIT) for quantity, price in fills])
    return position.realised // SCALE, position.quantity // UNIT, position.cost // SCALE


@pytest.mark.parametrize(("method", "realised", "cost"), [("average", 20, 110), ("fifo", 30, 120), ("lifo", 10, 100)])
def test_each_method_closes_what_it_says(method: str, realised: int, cost: int) -> None:
    assert made(method, (1, 100), (1, 120), (-1, 130)) == (realised, 1, cost)


def test_a_short_position_gains_when_the_price_falls() -> None:
    assert made("average", (-2, 100), (1, 90)) == (10, -1, -100)


def test_a_fill_past_flat_opens_the_rest_at_its_price() -> None:
    assert made("fifo", (1, 100), (-3, 110)) == (10, -2, -220)


def test_a_method_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="average, fifo, lifo"):
        pnl.fold("hifo", [])


@given(trades, st.sampled_from(pnl.METHODS))
def test_realised_less_open_cost_is_what_came_in_less_what_went_out(fills: list[pnl.Trade], method: str) -> None:
    position = pnl.fold(method, fills)
    assert position.realised - position.cost == -sum(signed(fill) for fill in fills)
    assert position.quantity == sum(fill.quantity for fill in fills)


@given(trades, st.sampled_from(pnl.METHODS))
def test_once_flat_every_method_has_realised_the_same(fills: list[pnl.Trade], method: str) -> None:
    rest = -sum(fill.quantity for fill in fills)
    closed = [*fills, pnl.Trade.at(rest, 10**18)] if rest else fills
    position = pnl.fold(method, closed)
    assert (position.quantity, position.cost) == (0, 0)
    assert position.realised == -sum(signed(fill) for fill in closed)


@given(trades)
def test_the_average_agrees_with_a_slow_one_in_fractions(fills: list[pnl.Trade]) -> None:
    quantity = cost = realised = Fraction(0)
    for fill in fills:
        step, price = Fraction(fill.quantity), Fraction(fill.worth, abs(fill.quantity))
        if quantity and (quantity > 0) != (step > 0):
            closing = min(abs(step), abs(quantity)) * (1 if quantity > 0 else -1)
            realised += closing * (price - cost / quantity)
            cost -= cost * closing / quantity
            quantity -= closing
            step += closing
        quantity, cost = quantity + step, cost + step * price
    position = pnl.fold("average", fills)
    assert position.quantity == quantity
    assert abs(position.realised - realised) <= len(fills)  # one unit of 10^-36 for each rounded share


@given(st.integers(-(10**60), 10**60))
def test_money_is_rounded_to_18_places_and_halves_to_even(units: int) -> None:
    assert abs(Fraction(pnl.money(units)) - Fraction(units, SCALE)) <= Fraction(1, 2 * UNIT)


@pytest.fixture
def town(db: None, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(portfolio, "mark_of", lambda *_: portfolio.Mark(Fraction(61_000), True))
    return found_town()


def rows(client: Client, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/pnl?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]  # type: ignore[no-any-return]


def trade_twice(town: Town) -> None:
    """Buys 0.1 at 60,000 and 0.1 at 62,000, sells 0.1 at 63,000; fees 6 each; the average is 61,000."""
    order = place_order(town, town.ann)
    book_fill(town, town.ann, order, 1)
    book_fill(town, town.ann, order, 2, price=Decimal(62_000), cost=Decimal(6_200))
    sale = {"side": "sell", "price": Decimal(63_000), "cost": Decimal(6_300), "realised": Decimal(200)}
    book_fill(town, town.ann, order, 3, **sale)
    hold(town, town.ann)
    left = {"quantity": Decimal("0.1"), "cost": Decimal(6_100), "realised": Decimal(200), "fees": Decimal(18)}
    Position.objects.filter(account=town.ann.account).update(**left)


@pytest.mark.parametrize(
    ("method", "realised", "unrealised"), [("average", "200", "0"), ("fifo", "300", "-100"), ("lifo", "100", "100")]
)
def test_rows_follow_the_method_and_their_sum_does_not(town: Town, method: str, realised: str, unrealised: str) -> None:
    trade_twice(town)
    (row,) = rows(town.ann.client(), f"method={method}&by=total")
    assert row == {
        "account": "ann-sim",
        "symbol": "BTC/USDT",
        "strategy_id": "",
        "day": None,
        "realised": realised,
        "unrealised": unrealised,
        "fees": "18",
        "funding": "0",
        "residual": "0",
    }


def test_days_add_up_to_the_total(town: Town) -> None:
    trade_twice(town)
    before = clock.now().date().isoformat()
    days = rows(town.ann.client())
    assert days[0]["day"] == "2026-11-20"
    assert before <= days[-1]["day"] <= clock.now().date().isoformat()  # a day may end meanwhile
    assert sum(Decimal(row["realised"]) for row in days) == 200
    assert sum(Decimal(row["unrealised"]) for row in days) == 0


def test_what_the_columns_do_not_explain_is_named(town: Town) -> None:
    trade_twice(town)
    Position.objects.filter(account=town.ann.account).update(cost=Decimal(6_101))
    (row,) = rows(town.ann.client(), "by=total")
    assert row["residual"] == "1"


def test_a_position_without_a_fresh_mark_has_no_unrealised(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    trade_twice(town)
    monkeypatch.setattr(portfolio, "mark_of", lambda *_: portfolio.Mark(Fraction(61_000), False))
    (row,) = rows(town.ann.client(), "by=total")
    assert row["unrealised"] is None


def test_rows_can_be_narrowed(town: Town) -> None:
    trade_twice(town)
    ann = town.ann.client()
    assert rows(ann, "strategy_id=grid") == []
    assert rows(ann, "symbol=ETH/USDT") == []
    assert rows(ann, "from=2026-11-20T12:00:03Z&to=2026-11-21T00:00:00Z")[0]["realised"] == "200"
    assert ann.get("/api/v1/pnl?method=hifo").status_code == 400
