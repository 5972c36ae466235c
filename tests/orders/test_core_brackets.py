"""Brackets and OCO: children sized to what was filled, one hold for two legs, the end of one the end of the other."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BTC, BUY, RICH, SELL, USDT, Desk, letters, make_core, read

PROFIT, LOSS = _core.CHILD_TAKE_PROFIT, _core.CHILD_STOP_LOSS
REDUCE_ONLY = _core.FLAG_REDUCE_ONLY


@pytest.fixture
def desk() -> Desk:
    """The last trade was at 100; Bob bids 100 at 80."""
    desk = Desk(make_core())
    desk.place(BOB, BUY, 80, 100)
    desk.print(100)
    desk.core.reports()
    return desk


def bracket(desk: Desk, lots: int = 10, **other: int) -> None:
    """Alice bids at 100, to sell at 110 or at a stop of 95."""
    desk.place(ALICE, BUY, 100, lots, number=7, **{"profit": 110, "loss": 95} | other)


def happened(desk: Desk) -> list[tuple[str, int]]:
    return [(r.exec_type, r.order_no) for r in read(desk.core.reports()) if r.account == ALICE]


def test_children_are_born_at_the_first_fill_and_share_one_hold(desk):
    bracket(desk)
    assert happened(desk) == [("0", 7)]
    desk.place(BOB, SELL, 100, 4)
    assert happened(desk) == [("F", 7), ("0", 7 | PROFIT), ("0", 7 | LOSS)]
    profit, loss = desk.core.order(7 | PROFIT), desk.core.order(7 | LOSS)
    assert (profit["type"], profit["price_ticks"], profit["qty_lots"], profit["side"]) == (
        _core.TYPE_LIMIT,
        110,
        4,
        SELL,
    )
    assert (loss["type"], loss["qty_lots"], loss["side"]) == (_core.TYPE_STOP, 4, SELL)
    assert profit["flags"] & loss["flags"] & REDUCE_ONLY & ~0 and profit["flags"] & _core.FLAG_CHILD
    assert (profit["hold"], loss["hold"]) == (4, 0)
    assert desk.core.balance(ALICE, BTC) == (RICH + 4, 4)
    desk.core.verify()


def test_children_grow_with_each_further_fill(desk):
    bracket(desk)
    desk.place(BOB, SELL, 100, 4)
    happened(desk)
    desk.place(BOB, SELL, 100, 5)
    assert happened(desk) == [("F", 7), ("5", 7 | PROFIT), ("5", 7 | LOSS)]
    assert [desk.core.order(7 | leg)["qty_lots"] for leg in (PROFIT, LOSS)] == [9, 9]
    assert desk.core.balance(ALICE, BTC)[1] == 9
    desk.core.verify()


def test_what_the_profit_trades_leaves_the_stop_and_its_end_is_the_stops(desk):
    bracket(desk)
    desk.place(BOB, SELL, 100, 10)
    happened(desk)
    desk.place(BOB, BUY, 110, 4)
    assert happened(desk) == [("F", 7 | PROFIT), ("5", 7 | LOSS)]
    assert desk.core.order(7 | LOSS)["qty_lots"] == 6
    desk.place(BOB, BUY, 110, 6)
    ended = [(r.exec_type, r.order_no, r.why) for r in read(desk.core.reports()) if r.account == ALICE]
    assert ended == [("F", 7 | PROFIT, ""), ("4", 7 | LOSS, "OCO_OTHER_LEG")]
    assert desk.core.balance(ALICE, BTC) == (RICH, 0)
    desk.core.verify()


def test_the_stop_takes_the_profit_with_it_when_it_is_set_off(desk):
    bracket(desk)
    desk.place(BOB, SELL, 100, 10)
    happened(desk)
    desk.agent(SELL, 94, 1)
    desk.agent(BUY, 0, 1, type=_core.TYPE_MARKET)
    assert happened(desk) == [("4", 7 | PROFIT), ("L", 7 | LOSS), ("F", 7 | LOSS)]
    assert desk.core.position(ALICE, 1, 0)[0] == 0
    assert desk.core.balance(ALICE, BTC) == (RICH, 0)
    desk.core.verify()


def test_when_a_child_is_done_what_is_left_of_the_entry_is_canceled(desk):
    bracket(desk)
    desk.place(BOB, SELL, 100, 4)
    happened(desk)
    desk.place(BOB, BUY, 110, 4)
    assert happened(desk) == [("F", 7 | PROFIT), ("4", 7 | LOSS), ("4", 7)]
    desk.core.verify()


def test_a_person_who_cancels_one_leg_keeps_the_other_and_its_hold(desk):
    bracket(desk)
    desk.place(BOB, SELL, 100, 10)
    happened(desk)
    assert desk.core.cancel(50, 7 | PROFIT) == 0
    assert happened(desk) == [("4", 7 | PROFIT), ("5", 7 | LOSS)]
    assert desk.core.order(7 | LOSS)["hold"] == 10
    assert desk.core.balance(ALICE, BTC)[1] == 10
    desk.core.verify()


def test_an_entry_that_is_canceled_before_a_fill_bears_none(desk):
    bracket(desk)
    assert desk.core.cancel(50, 7) == 0
    assert happened(desk) == [("0", 7), ("4", 7)]
    desk.core.verify()


def test_a_sellers_legs_lie_the_other_way_round_and_hold_for_the_dearer(desk):
    desk.place(ALICE, SELL, 100, 3, number=7, profit=90, loss=105, loss_limit=106)
    desk.place(BOB, BUY, 100, 3)
    loss = desk.core.order(7 | LOSS)
    assert (loss["side"], loss["type"], loss["price_ticks"]) == (BUY, _core.TYPE_STOP_LIMIT, 106)
    assert [desk.core.order(7 | leg)["hold"] for leg in (PROFIT, LOSS)] == [318, 0]
    assert desk.core.balance(ALICE, USDT)[1] == 318
    desk.core.verify()


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"profit": 100}, "STOP_PRICE_INVALID"),
        ({"loss": 100}, "STOP_PRICE_INVALID"),
        ({"profit": 90, "loss": 95}, "STOP_PRICE_INVALID"),
        ({"profit": 110, "loss_limit": 90}, "TERMS_INVALID"),
        ({"profit": -1}, "TERMS_INVALID"),
        ({"profit": 110, "flags": REDUCE_ONLY}, "TERMS_INVALID"),
        ({"profit": 110, "number": 7 | LOSS}, "TERMS_INVALID"),
    ],
)
def test_legs_that_could_not_do_their_work_are_refused(desk, terms, why):
    assert desk.why(ALICE, BUY, 100, 1, **terms) == why


def test_nobody_takes_the_number_of_a_child_that_may_be_born(desk):
    bracket(desk)
    assert desk.why(ALICE, BUY, 90, 1, number=7 | LOSS) == "ORDER_NO_REUSED"


def pair(desk: Desk, lots: int = 10) -> None:
    """Alice has bought 10 at 100 and means to sell them at 110, or at a stop of 95."""
    desk.place(BOB, SELL, 100, 10)
    desk.place(ALICE, BUY, 100, 10, number=6)
    desk.core.reports()
    assert desk.why(ALICE, SELL, 110, lots, number=7, flags=REDUCE_ONLY, loss=95) == ""


def test_the_stop_leg_of_an_oco_is_born_at_once(desk):
    pair(desk)
    assert happened(desk) == [("0", 7), ("0", 7 | LOSS)]
    assert [desk.core.order(n)["hold"] for n in (7, 7 | LOSS)] == [10, 0]
    desk.place(BOB, BUY, 110, 3)
    assert happened(desk) == [("F", 7), ("5", 7 | LOSS)]
    desk.agent(SELL, 95, 1)
    desk.agent(BUY, 0, 1, type=_core.TYPE_MARKET)
    assert happened(desk) == [("4", 7), ("L", 7 | LOSS), ("F", 7 | LOSS)]
    assert desk.core.position(ALICE, 1, 0)[0] == 0
    desk.core.verify()


def test_legs_stay_of_one_size_when_one_is_amended(desk):
    pair(desk)
    assert desk.core.amend(60, 7, 0, 111, 6) == 0
    assert desk.core.order(7 | LOSS)["qty_lots"] == 6
    assert _core.REASONS[desk.core.amend(61, 7 | LOSS, 0, 0, 7)] == "TERMS_INVALID"  # the other leg holds for both
    assert desk.core.amend(62, 7 | LOSS, 0, 0, 5) == 0
    assert desk.core.order(7)["qty_lots"] == 5
    desk.core.verify()


def test_an_oco_for_the_day_expires_with_both_legs(desk):
    desk.place(BOB, SELL, 100, 10)
    desk.place(ALICE, BUY, 100, 10)
    desk.place(ALICE, SELL, 110, 10, number=7, flags=REDUCE_ONLY, loss=95, tif=_core.TIF_DAY)
    desk.core.reports()
    desk.core.time(86_400 * 10**9)
    assert [(r.exec_type, r.order_no) for r in read(desk.core.reports())] == [
        ("C", 7),
        ("5", 7 | LOSS),
        ("C", 7 | LOSS),
    ]
    assert letters(desk.core.reports()) == ""
    desk.core.verify()
