"""Orders that are filled on a condition or not at all: fill-or-kill, post-only, reduce-only."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import (
    ALICE,
    BOB,
    BUY,
    RICH,
    SELL,
    USDT,
    Desk,
    letters,
    make_core,
    read,
    reason_name,
    set_limits,
)

FOK = _core.TIF_FOK
POST_ONLY, REDUCE_ONLY = _core.FLAG_POST_ONLY, _core.FLAG_REDUCE_ONLY


@pytest.fixture
def desk() -> Desk:
    desk = Desk(make_core())
    desk.place(BOB, SELL, 100, 5)
    desk.place(BOB, SELL, 102, 5)
    desk.core.reports()
    return desk


def test_fill_or_kill_fills_all_or_is_refused(desk):
    assert desk.why(ALICE, BUY, 101, 6, tif=FOK) == "FOK_UNFILLABLE"
    refused = read(desk.core.reports())[0]
    assert (refused.exec_type, refused.limit, refused.value) == ("8", 5, 6)
    assert desk.why(ALICE, BUY, 102, 6, tif=FOK) == ""
    assert letters(desk.core.reports()) == "0FFFF"
    assert desk.why(ALICE, BUY, 0, 5, type=_core.TYPE_MARKET, tif=FOK) == "FOK_UNFILLABLE"
    desk.core.verify()


def test_a_post_only_order_never_takes(desk):
    assert desk.why(ALICE, BUY, 100, 1, flags=POST_ONLY) == "POST_ONLY_WOULD_TAKE"
    assert desk.why(ALICE, BUY, 99, 1, flags=POST_ONLY, number=50) == ""
    assert reason_name(desk.core.amend(9, 50, 0, 100, 1)) == "POST_ONLY_WOULD_TAKE"
    assert desk.core.amend(9, 50, 0, 98, 1) == 0
    assert letters(desk.core.reports()) == "80I5"


def long_of(desk: Desk, lots: int) -> None:
    desk.place(ALICE, BUY, 102, lots)
    desk.core.reports()


def test_reduce_only_is_refused_beyond_the_strategys_position(desk):
    long_of(desk, 5)
    assert desk.why(ALICE, SELL, 110, 6, flags=REDUCE_ONLY) == "REDUCE_ONLY_VIOLATION"
    assert desk.why(ALICE, BUY, 90, 1, flags=REDUCE_ONLY) == "REDUCE_ONLY_VIOLATION"
    assert desk.why(ALICE, SELL, 110, 5, flags=REDUCE_ONLY, strategy=7) == "REDUCE_ONLY_VIOLATION"
    assert desk.why(ALICE, SELL, 110, 5, flags=REDUCE_ONLY, number=50) == ""
    assert reason_name(desk.core.amend(9, 50, 0, 110, 6)) == "REDUCE_ONLY_VIOLATION"


def test_reduce_only_never_trades_past_flat_and_the_excess_is_canceled(desk):
    long_of(desk, 5)
    desk.place(ALICE, SELL, 110, 5, flags=REDUCE_ONLY, number=50)
    desk.agent(BUY, 91, 3)
    desk.place(ALICE, SELL, 91, 3, number=51)
    desk.core.reports()
    desk.agent(BUY, 110, 100)
    told = [(r.order_no, r.exec_type, r.last_lots, r.why) for r in read(desk.core.reports()) if r.order_no == 50]
    assert told == [(50, "F", 2, ""), (50, "4", 0, "REDUCE_ONLY_VIOLATION")]
    assert desk.core.position(ALICE, 1, 0)[0] == 0
    desk.core.verify()


def test_a_market_order_pays_for_what_reduce_only_orders_will_really_sell():
    core = make_core(rich=False)
    core.post(ALICE, 1, 20)
    core.post(ALICE, USDT, 1000)
    core.post(BOB, USDT, RICH)
    core.post(BOB, 1, RICH)
    desk = Desk(core)
    desk.place(BOB, SELL, 100, 5)
    desk.place(ALICE, BUY, 100, 5)
    desk.place(ALICE, SELL, 101, 5, flags=REDUCE_ONLY)
    desk.place(ALICE, SELL, 102, 5, flags=REDUCE_ONLY)  # together they would go past flat
    desk.place(BOB, SELL, 200, 5)
    before, _ = core.balance(BOB, USDT)
    set_limits(core, BOB, self_trade=0)
    desk.market(BOB, BUY, 8)
    assert before - core.balance(BOB, USDT)[0] == 505 + 600 - 600
    core.verify()
