"""What becomes of an order, told by its reports."""

from __future__ import annotations

import struct

import pytest

from orders import _core
from tests.orders.core_cast import (
    ALICE,
    BOB,
    BTC,
    BTC_USDT,
    BUY,
    IOC,
    RICH,
    SELL,
    USDT,
    Desk,
    command,
    letters,
    make_core,
    read,
    reason_name,
    set_instrument,
)


def test_the_formats_describe_the_packed_records():
    assert struct.calcsize(_core.REPORT_FORMAT) == _core.REPORT_SIZE == 320
    assert struct.calcsize(_core.REPORT_HEAD_FORMAT) == _core.REPORT_HEAD_SIZE == 128
    assert struct.calcsize(_core.COMMAND_FORMAT) == _core.COMMAND_SIZE == 96
    assert struct.calcsize(_core.TAPE_FORMAT) == _core.TAPE_SIZE == 72


def test_a_resting_order_holds_its_cost_and_fee():
    core = make_core(taker_fee_ppm=2000, maker_fee_ppm=1000)
    assert Desk(core).place(ALICE, BUY, 100, 7) == 0
    assert core.balance(ALICE, USDT) == (RICH, 702)  # 700 and two per mille, rounded up
    new = read(core.reports())[0]
    assert (new.exec_type, new.ord_status, new.hold, new.held) == ("0", "0", 702, 702)


def test_both_sides_of_a_trade_get_a_report_with_the_state_after_it():
    core = make_core(taker_fee_ppm=2000, maker_fee_ppm=1000)
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 50)
    core.reports()
    desk.place(BOB, BUY, 100, 20)
    new, taken, made = read(core.reports())
    assert (new.exec_type, taken.exec_type, made.exec_type) == ("0", "F", "F")
    assert (taken.account, taken.ord_status, taken.last_lots, taken.last_fee, taken.pos_qty) == (BOB, "2", 20, 4, 20)
    assert (made.account, made.ord_status, made.filled_lots, made.last_fee, made.hold) == (ALICE, "1", 20, 2, 30)
    assert taken.trade_no == made.trade_no
    assert (taken.command_index, made.command_index) == (0, _core.NO_COMMAND)
    assert core.balance(BOB, USDT) == (RICH - 2004, 0)
    assert core.balance(ALICE, USDT) == (RICH + 1998, 0)


def test_what_an_ioc_order_leaves_is_canceled():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 5)
    core.reports()
    desk.place(BOB, BUY, 101, 8, tif=IOC)
    assert letters(core.reports()) == "0FF4"
    assert core.balance(BOB, USDT) == (RICH - 500, 0)


def test_a_market_order_with_nothing_to_match_is_refused():
    core = make_core()
    assert reason_name(Desk(core).market(ALICE, BUY, 1)) == "NO_LIQUIDITY"
    assert letters(core.reports()) == "8"


def test_a_market_order_is_held_to_what_the_book_would_cost_to_the_last_unit():
    core = make_core(rich=False, taker_fee_ppm=1000)
    core.post(ALICE, BTC, 10)
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 5)
    desk.place(ALICE, SELL, 110, 5)
    core.post(BOB, USDT, 500 + 1 + 550 + 1 - 1)
    assert reason_name(desk.market(BOB, BUY, 10)) == "BALANCE_INSUFFICIENT"
    core.post(BOB, USDT, 1)
    assert desk.market(BOB, BUY, 10) == 0
    assert core.balance(BOB, USDT) == (0, 0)
    core.verify()


def test_many_small_fills_never_cost_more_than_was_held():
    core = make_core(rich=False, taker_fee_ppm=1500, maker_fee_ppm=1500)
    core.post(ALICE, USDT, 1002)  # 1000 and a fee of 1.5, rounded up once
    core.post(BOB, BTC, 10)
    desk = Desk(core)
    assert desk.place(ALICE, BUY, 100, 10) == 0
    for _ in range(10):
        assert desk.place(BOB, SELL, 100, 1) == 0
        core.verify()
    assert core.balance(ALICE, USDT) == (0, 0)


def test_an_amend_to_a_crossing_price_trades():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, SELL, 105, 5, number=1)
    desk.place(BOB, BUY, 100, 5, number=2)
    core.reports()
    assert core.amend(9, 2, 0, 105, 5) == 0
    assert letters(core.reports()) == "5FF"
    assert core.position(BOB, BTC_USDT, 0) == (5, 525, 0, 0)


def test_an_amend_below_what_is_filled_is_refused():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 10, number=1)
    desk.place(BOB, BUY, 100, 4)
    core.reports()
    assert reason_name(core.amend(9, 1, 0, 100, 4)) == "QTY_BELOW_FILLED"
    refused = read(core.reports())[0]
    assert (refused.exec_type, refused.ord_status, refused.why) == ("I", "1", "QTY_BELOW_FILLED")


def test_a_cancel_of_an_order_that_is_not_there_is_refused():
    core = make_core()
    assert reason_name(core.cancel(1, 77)) == "ORDER_UNKNOWN"
    assert reason_name(read(core.process(command(_core.OP_CANCEL, 77)))[0].reason) == "ORDER_UNKNOWN"


def test_strategies_of_one_account_have_positions_of_their_own():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 10)
    desk.place(BOB, BUY, 100, 3, strategy=7)
    desk.place(BOB, BUY, 100, 2, strategy=2**64 - 1)
    assert sorted(core.positions(BOB)) == [(BTC_USDT, 7, 3, 300, 0, 0), (BTC_USDT, 2**64 - 1, 2, 200, 0, 0)]


def test_a_batch_larger_than_the_ring_loses_no_report():
    core = _core.Core(ring_capacity=16)
    set_instrument(core)
    core.set_account(ALICE, owner=1)
    core.set_limits(_core.SCOPE_ACCOUNT, ALICE)
    core.post(ALICE, USDT, RICH)
    places = [
        command(_core.OP_PLACE, n, account=ALICE, instrument=1, spec_version=1, price_ticks=n, qty_lots=1)
        for n in range(1, 200)
    ]
    reports = read(core.process(b"".join(places)))
    assert [r.order_no for r in reports] == list(range(1, 200))
    assert [r.command_index for r in reports] == list(range(199))


def test_units_do_not_change_under_open_orders():
    core = make_core()
    Desk(core).place(ALICE, BUY, 100, 1)
    with pytest.raises(_core.CoreError, match="units cannot change"):
        set_instrument(core, base_unit=2, spec_version=2)


def test_a_withdrawal_of_more_than_is_free_is_refused():
    core = make_core()
    Desk(core).place(ALICE, BUY, 100, 5)
    with pytest.raises(_core.CoreError, match="more than is free"):
        core.post(ALICE, USDT, -(RICH - 499))
    assert core.post(ALICE, USDT, -(RICH - 500)) == 500
    with pytest.raises(_core.CoreError, match="open orders"):
        core.reset_account(ALICE)


def test_amounts_of_128_bits_pass_both_ways():
    core = make_core(rich=False)
    assert core.post(ALICE, BTC, 10**36) == 10**36
    assert core.balance(ALICE, BTC) == (10**36, 0)
    with pytest.raises(OverflowError):
        core.post(ALICE, BTC, 2**127)
    with pytest.raises(_core.CoreError):
        core.post(ALICE, BTC, 2**127 - 1)
