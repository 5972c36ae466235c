"""Orders that wait for a price: what sets them off, and what becomes of them then."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BTC, BUY, RICH, SELL, USDT, Desk, letters, make_core, read, reason_name

STOP, STOP_LIMIT = _core.TYPE_STOP, _core.TYPE_STOP_LIMIT
TAKE_PROFIT, TAKE_PROFIT_LIMIT = _core.TYPE_TAKE_PROFIT, _core.TYPE_TAKE_PROFIT_LIMIT


@pytest.fixture
def desk() -> Desk:
    """Bob offers 10 at 120 and bids 10 at 80; the last trade was at 100."""
    desk = Desk(make_core())
    desk.place(BOB, SELL, 120, 10)
    desk.place(BOB, BUY, 80, 10)
    desk.print(100)
    desk.core.reports()
    return desk


@pytest.mark.parametrize(
    ("type", "side", "stop", "quiet", "loud"),
    [
        (STOP, BUY, 110, 109, 110),
        (STOP, SELL, 90, 91, 90),
        (TAKE_PROFIT, BUY, 90, 91, 90),
        (TAKE_PROFIT, SELL, 110, 109, 110),
    ],
)
def test_a_print_at_the_stop_sets_it_off_and_one_short_of_it_does_not(desk, type, side, stop, quiet, loud):
    assert desk.why(ALICE, side, 0, 2, type=type, stop=stop) == ""
    desk.print(quiet)
    assert letters(desk.core.reports()) == "0"
    desk.print(loud)
    triggered, taken, *_ = read(desk.core.reports())
    assert (triggered.exec_type, triggered.last_ticks, triggered.ord_status) == ("L", loud, "0")
    assert triggered.flags & _core.FLAG_TRIGGERED
    assert (taken.exec_type, taken.order_no, taken.last_ticks) == ("F", desk.last_no, 120 if side == BUY else 80)
    desk.core.verify()


def test_a_stop_that_is_reached_already_is_set_off_at_once(desk):
    assert desk.why(ALICE, SELL, 0, 2, type=STOP, stop=101) == ""
    assert letters(desk.core.reports()) == "0LFF"


def test_before_the_first_trade_a_stop_waits():
    core = make_core()
    desk = Desk(core)
    desk.place(BOB, BUY, 80, 10)
    assert desk.why(ALICE, SELL, 0, 2, type=STOP, stop=90) == ""
    assert letters(core.reports()) == "00"
    core.verify()


def test_a_triggered_stop_limit_stands_at_its_limit(desk):
    desk.place(ALICE, BUY, 111, 2, type=STOP_LIMIT, stop=110, number=50)
    assert desk.core.market_order(50) is None
    desk.print(115)
    assert letters(desk.core.reports()) == "0L"
    assert desk.core.market_order(50)["price_ticks"] == 111
    assert desk.core.cancel(99, 50) == 0
    desk.core.verify()


def test_a_triggered_stop_with_nothing_to_trade_is_over():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, BUY, 0, 2, type=STOP, stop=110)
    desk.print(111)
    assert [(r.exec_type, r.why) for r in read(core.reports())] == [("0", ""), ("L", ""), ("4", "NO_LIQUIDITY")]
    assert core.balance(ALICE, USDT) == (RICH, 0)


def test_stops_go_off_by_price_and_then_by_arrival(desk):
    for number, stop in ((50, 110), (51, 105), (52, 110), (53, 112)):
        desk.place(ALICE, BUY, 0, 1, type=STOP, stop=stop, number=number)
    desk.core.reports()
    desk.print(110)
    assert [r.order_no for r in read(desk.core.reports()) if r.exec_type == "L"] == [51, 50, 52]


def test_what_one_stop_trades_may_set_off_the_next(desk):
    desk.place(BOB, SELL, 105, 1)
    desk.place(ALICE, BUY, 110, 1, type=STOP_LIMIT, stop=104, number=50)
    desk.place(ALICE, BUY, 130, 1, type=STOP_LIMIT, stop=105, number=51)
    desk.core.reports()
    desk.agent(SELL, 104, 1)
    desk.place(BOB, BUY, 104, 1)
    assert [r.order_no for r in read(desk.core.reports()) if r.exec_type == "L"] == [50, 51]
    assert desk.core.position(ALICE, 1, 0)[:2] == (2, 225)
    desk.core.verify()


def test_a_stop_that_buys_holds_its_stop_price_with_the_fee_and_spends_no_more():
    core = make_core(taker_fee_ppm=10_000)
    desk = Desk(core)
    desk.place(BOB, SELL, 110, 4)
    desk.place(BOB, SELL, 130, 10)
    desk.place(ALICE, BUY, 0, 5, type=STOP, stop=110)
    assert core.balance(ALICE, USDT) == (RICH, 550 + 6)
    core.reports()
    desk.print(110)
    reports = read(core.reports())
    assert [r.exec_type for r in reports if r.account == ALICE] == ["L", "F", "F", "4"]
    assert reports[-1].why == "BALANCE_INSUFFICIENT"
    total, hold = core.balance(ALICE, USDT)
    assert (RICH - total, hold) == (446, 0)  # one more lot at 130 was not held for
    core.verify()


def test_a_stop_that_sells_holds_what_it_sells(desk):
    desk.place(ALICE, SELL, 0, 4, type=STOP, stop=90)
    assert desk.core.balance(ALICE, BTC) == (RICH, 4)


def test_a_waiting_stop_is_amended_and_canceled(desk):
    desk.place(ALICE, BUY, 111, 2, type=STOP_LIMIT, stop=110, number=50)
    assert desk.core.amend(5, 50, 0, 115, 6) == 0
    assert desk.core.balance(ALICE, USDT) == (RICH, 690)
    assert desk.core.cancel(6, 50) == 0
    assert desk.core.balance(ALICE, USDT) == (RICH, 0)
    desk.print(110)
    assert letters(desk.core.reports()) == "054"
    desk.core.verify()


def test_a_stop_without_a_limit_has_none_to_amend(desk):
    desk.place(ALICE, BUY, 0, 2, type=STOP, stop=110, number=50)
    assert reason_name(desk.core.amend(5, 50, 0, 111, 2)) == "TERMS_INVALID"
    assert desk.core.amend(6, 50, 0, 0, 3) == 0
    assert desk.core.balance(ALICE, USDT) == (RICH, 330)


@pytest.mark.parametrize("type", [STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT])
def test_what_waits_needs_a_price_to_wait_for(desk, type):
    assert desk.why(ALICE, BUY, 100, 1, type=type) == "STOP_PRICE_INVALID"
    assert desk.why(ALICE, BUY, 100, 1, type=type, stop=-1) == "STOP_PRICE_INVALID"


def test_terms_that_mean_nothing_together_are_refused(desk):
    assert desk.why(ALICE, BUY, 100, 1, stop=90) == "TERMS_INVALID"
    assert desk.why(ALICE, BUY, 100, 1, trail=3) == "TERMS_INVALID"
    assert desk.why(ALICE, BUY, 100, 1, expires=10**18) == "TERMS_INVALID"
    assert desk.why(ALICE, BUY, 100, 1, loss_limit=90) == "TERMS_INVALID"
    assert desk.why(ALICE, BUY, 0, 1, type=_core.TYPE_MARKET, tif=_core.TIF_DAY) == "TERMS_INVALID"
    assert desk.why(ALICE, BUY, 100, 1, tif=_core.TIF_IOC, flags=_core.FLAG_POST_ONLY) == "TERMS_INVALID"
    desk.core.verify()
