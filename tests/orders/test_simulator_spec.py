"""How an instrument is simulated: numbers given are obeyed, numbers missing are sensible, nonsense is named."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orders.simulator.spec import habits
from tests.orders.simulations import INSTRUMENTS

BTC = INSTRUMENTS[0]


def test_given_numbers_are_obeyed() -> None:
    given = {
        "start_price": "50000", "daily_volatility_bp": 500, "spread_ticks": 200, "depth_lots": 700,
        "events_per_second": 80,
    }  # fmt: skip
    found = habits(replace(BTC, simulation=given))
    assert (found.start_ticks, found.daily_volatility_bp, found.spread_ticks) == (5_000_000, 500, 200)
    assert (found.depth_lots, found.events_per_second) == (700, 80)


def test_an_empty_simulation_is_filled_in() -> None:
    found = habits(replace(BTC, simulation={}))
    assert found.start_ticks >= 1000
    assert found.spread_ticks >= 1
    assert found.depth_lots >= 5
    assert found.events_per_second == 50


def test_a_level_holds_many_of_the_smallest_orders() -> None:
    found = habits(BTC)
    assert found.depth_lots * float(BTC.lot_size) * 64_000 == pytest.approx(1000, rel=0.01)


@pytest.mark.parametrize(
    ("simulation", "named"),
    [
        ({"start_price": "1.00", "spread": 3}, "spread"),
        ({"start_price": "0.50"}, "ticks"),
        ({"events_per_second": 0}, "events_per_second"),
        ({"daily_volatility_bp": -1}, "daily_volatility_bp"),
        ({"daily_volatility_bp": 1e12}, "daily_volatility_bp"),
        ({"events_per_second": 1e9}, "events_per_second"),
        ({"depth_lots": "nan"}, "depth_lots"),
        ({"start_price": 1e30}, "ticks"),
        (["start_price"], "object"),
    ],
)
def test_nonsense_is_named(simulation: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        habits(replace(BTC, tick_size=Decimal("0.01"), simulation=simulation))
