"""Trailing stops follow the last trade, only ever towards it, and say so each time."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BUY, RICH, SELL, USDT, Desk, letters, make_core, read

TRAILING = _core.TYPE_TRAILING_STOP


@pytest.fixture
def desk() -> Desk:
    desk = Desk(make_core())
    desk.place(BOB, SELL, 300, 100)
    desk.place(BOB, BUY, 10, 100)
    desk.print(100)
    desk.core.reports()
    return desk


def stops(desk: Desk) -> list[tuple[str, int]]:
    return [(r.exec_type, r.last_ticks) for r in read(desk.core.reports()) if r.exec_type in "DL"]


def test_a_selling_one_rises_with_the_market_and_never_falls(desk):
    desk.place(ALICE, SELL, 0, 1, type=TRAILING, trail=10)
    assert read(desk.core.reports())[0].last_ticks == 90  # its stop, from the last trade
    desk.print(99)
    desk.print(105)
    desk.print(104)
    assert stops(desk) == [("D", 95)]
    desk.print(95)
    assert stops(desk) == [("L", 95)]
    desk.core.verify()


def test_a_buying_one_falls_with_the_market_and_holds_less(desk):
    desk.place(ALICE, BUY, 0, 2, type=TRAILING, trail=10)
    assert desk.core.balance(ALICE, USDT) == (RICH, 220)
    desk.print(95)
    assert stops(desk) == [("D", 105)]
    assert desk.core.balance(ALICE, USDT) == (RICH, 210)
    desk.print(105)
    assert stops(desk) == [("L", 105)]
    desk.core.verify()


@pytest.mark.parametrize(("side", "last", "stop"), [(SELL, 210, 207), (BUY, 190, 192)])
def test_a_trail_in_basis_points_is_rounded_down_to_a_tick(desk, side, last, stop):
    desk.place(
        ALICE, side, 0, 1, type=TRAILING, trail=150, flags=_core.FLAG_TRAIL_PERCENT, stop=1 if side == SELL else 299
    )
    desk.core.reports()
    desk.print(last)
    assert stops(desk) == [("D", stop)]


def test_prints_of_one_command_move_it_once(desk):
    desk.place(ALICE, SELL, 0, 1, type=TRAILING, trail=10)
    desk.core.reports()
    for price in (104, 106, 108):
        desk.agent(SELL, price, 1)
    desk.agent(BUY, 0, 3, type=_core.TYPE_MARKET)
    assert stops(desk) == [("D", 98)]


def test_without_a_trade_it_needs_a_stop_to_start_from():
    desk = Desk(make_core())
    assert desk.why(ALICE, SELL, 0, 1, type=TRAILING, trail=10) == "STOP_PRICE_INVALID"
    assert desk.why(ALICE, SELL, 0, 1, type=TRAILING, trail=10, stop=50) == ""
    assert desk.why(ALICE, SELL, 0, 1, type=TRAILING, stop=50) == "TERMS_INVALID"


def test_many_of_them_each_keep_their_own_distance(desk):
    for trail in (5, 10, 20):
        desk.place(ALICE, SELL, 0, 1, type=TRAILING, trail=trail, number=100 + trail)
    desk.print(120)
    desk.core.reports()
    desk.agent(BUY, 111, 2)
    desk.agent(SELL, 0, 1, type=_core.TYPE_MARKET)
    reports = read(desk.core.reports())
    assert [(r.order_no, r.exec_type) for r in reports if r.exec_type == "L"] == [(105, "L")]
    assert letters(desk.core.reports()) == ""
    desk.core.verify()
