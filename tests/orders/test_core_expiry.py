"""Orders that end by time: time comes with every command, and what is due by then expires first."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BUY, RICH, SECOND, SELL, USDT, Desk, command, letters, make_core, read

DAY, GTD = _core.TIF_DAY, _core.TIF_GTD
MIDNIGHT = 86_400 * SECOND


@pytest.fixture
def desk() -> Desk:
    return Desk(make_core())


def test_a_day_order_ends_at_midnight(desk):
    desk.place(ALICE, BUY, 100, 1, tif=DAY, at=5)
    assert read(desk.core.reports())[0].trade_no == MIDNIGHT  # expires_at_ns
    desk.core.time(MIDNIGHT - 1)
    assert letters(desk.core.reports()) == ""
    desk.core.time(MIDNIGHT)
    ended = read(desk.core.reports())[0]
    assert (ended.exec_type, ended.ord_status, ended.hold) == ("C", "C", 0)
    assert desk.core.balance(ALICE, USDT) == (RICH, 0)
    desk.core.verify()


def test_what_is_due_expires_before_a_command_of_that_time_runs(desk):
    desk.place(ALICE, BUY, 100, 1, tif=GTD, expires=9 * SECOND, at=5)
    desk.core.reports()
    desk.place(BOB, SELL, 100, 1, at=9 * SECOND)
    assert letters(desk.core.reports()) == "C0"
    desk.core.verify()


def test_orders_expire_in_the_order_of_their_ends_in_a_batch_too(desk):
    for number, end in ((50, 30), (51, 10), (52, 20), (53, 40)):
        desk.place(ALICE, BUY, 100, 1, tif=GTD, expires=end * SECOND, number=number, at=5)
    desk.core.reports()
    ended = read(desk.core.process(command(_core.OP_TIME, 0, at_ns=30 * SECOND)))
    assert [(r.exec_type, r.order_no) for r in ended] == [("C", 51), ("C", 52), ("C", 50)]
    assert desk.core.open_orders(ALICE) == [53]


def test_an_end_that_is_less_than_a_second_away_is_refused(desk):
    assert desk.why(ALICE, BUY, 100, 1, tif=GTD, expires=6 * SECOND, at=5 * SECOND) == "EXPIRE_IN_PAST"
    assert desk.why(ALICE, BUY, 100, 1, tif=GTD, expires=6 * SECOND + 1, at=5 * SECOND) == ""
    assert desk.why(ALICE, BUY, 100, 1, tif=GTD, at=5 * SECOND) == "EXPIRE_IN_PAST"


def test_a_stop_that_waits_expires_as_well(desk):
    desk.place(ALICE, BUY, 0, 1, type=_core.TYPE_STOP, stop=110, tif=DAY)
    desk.core.reports()
    desk.core.time(MIDNIGHT)
    assert letters(desk.core.reports()) == "C"
    desk.print(110)
    assert letters(desk.core.reports()) == ""
    desk.core.verify()


def test_more_expiries_than_the_ring_has_room_for_all_come():
    core = _core.Core(ring_capacity=8)
    desk = Desk(core)
    from tests.orders.core_cast import set_instrument, set_limits

    set_instrument(core)
    core.set_account(ALICE, owner=ALICE)
    set_limits(core, ALICE)
    core.post(ALICE, USDT, RICH)
    for _ in range(50):
        desk.place(ALICE, BUY, 100, 1, tif=DAY)
        core.reports()
    assert letters(core.process(command(_core.OP_TIME, 0, at_ns=MIDNIGHT))) == "C" * 50
    core.verify()
