"""Conditions in a market that is elsewhere: its prints set stops off, and orders of ours trade with its entries."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BTC, BTC_USDT, RICH, SECOND, Desk, make_core, read
from tests.orders.mirror_cast import BUY, MS, SELL, Told, packed

STOP = _core.TYPE_STOP
PROFIT, LOSS = _core.CHILD_TAKE_PROFIT, _core.CHILD_STOP_LOSS


class Far:
    """A mirror with 10 bid at 99 and 10 asked at 101, and Alice's desk."""

    def __init__(self) -> None:
        self.core = make_core()
        self.core.set_mirror(BTC_USDT, on=True, front_ppm=0)
        self.desk = Desk(self.core)
        self.told = Told()
        self.now = 0
        self.market(self.told.snapshot(0, {99: 10, 95: 50}, {101: 10, 105: 50}))

    def market(self, records: list) -> None:
        self.now += 10 * MS
        assert self.core.market(packed(records), self.now) == len(records)
        self.desk.now = self.now

    def trade(self, taker: int, ticks: int, lots: int = 1) -> None:
        self.market([self.told.trade(self.now // MS + 1, taker, ticks, lots)])
        self.market(
            [self.told.level(self.now // MS + 400, BUY, 95, 50)]
        )  # the book goes on, so the print is not held back

    def happened(self) -> list[tuple[str, int]]:
        return [(r.exec_type, r.order_no) for r in read(self.core.reports())]


@pytest.fixture
def far() -> Far:
    return Far()


def test_a_print_of_the_market_sets_a_stop_off_and_it_takes_the_entries(far):
    far.desk.place(ALICE, SELL, 0, 4, number=5, type=STOP, stop=98)
    far.trade(SELL, 99)
    assert far.happened() == [("0", 5)]
    far.trade(SELL, 98)
    assert far.happened() == [("L", 5), ("F", 5)]
    assert far.core.position(ALICE, BTC_USDT, 0)[0] == -4
    far.core.verify()


def test_a_trailing_stop_follows_the_markets_prints(far):
    far.desk.place(ALICE, SELL, 0, 1, number=5, type=_core.TYPE_TRAILING_STOP, trail=3, stop=90)
    far.trade(BUY, 101)
    assert far.happened() == [("0", 5), ("D", 5)]
    far.trade(SELL, 98)
    assert far.happened() == [("L", 5), ("F", 5)]


def test_a_bracket_lives_in_it(far):
    far.desk.place(ALICE, BUY, 101, 4, number=5, profit=104, loss=97)
    assert far.happened() == [("0", 5), ("F", 5), ("0", 5 | PROFIT), ("0", 5 | LOSS)]
    assert far.core.balance(ALICE, BTC) == (RICH + 4, 4)
    far.trade(BUY, 105, 2)  # through the take profit: all of it
    assert far.happened() == [("F", 5 | PROFIT), ("4", 5 | LOSS)]
    far.core.verify()


def test_reduce_only_stops_at_flat_there_too(far):
    far.desk.place(ALICE, BUY, 101, 4, number=5)
    far.desk.place(ALICE, SELL, 103, 4, number=6, flags=_core.FLAG_REDUCE_ONLY)
    far.desk.place(ALICE, SELL, 99, 3, number=7)
    far.core.reports()
    far.trade(BUY, 105, 9)
    assert far.happened() == [("F", 6), ("4", 6)]
    assert far.core.position(ALICE, BTC_USDT, 0)[0] == 0
    far.core.verify()


def test_orders_expire_with_the_time_that_blocks_bring(far):
    far.desk.place(ALICE, BUY, 95, 1, number=5, tif=_core.TIF_GTD, expires=far.now + 2 * SECOND)
    far.core.reports()
    far.now += 3 * SECOND
    far.market([far.told.level(far.now // MS, BUY, 95, 50)])
    assert far.happened() == [("C", 5)]
    far.core.verify()


def test_post_only_and_fill_or_kill_look_at_the_markets_entries(far):
    assert far.desk.why(ALICE, BUY, 101, 1, flags=_core.FLAG_POST_ONLY) == "POST_ONLY_WOULD_TAKE"
    assert far.desk.why(ALICE, BUY, 101, 11, tif=_core.TIF_FOK) == "FOK_UNFILLABLE"
    assert far.desk.why(ALICE, BUY, 101, 10, tif=_core.TIF_FOK) == ""
