"""A core that lost its memory, or a report, comes back to the same state."""

from __future__ import annotations

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
)

MAKER, TAKER = _core.LIQUIDITY_MAKER, _core.LIQUIDITY_TAKER


def told(core: _core.Core, order_no: int, price: int, lots: int, **words: int) -> list:
    return read(
        core.process(
            command(_core.OP_FILL, order_no, price_ticks=price, qty_lots=lots, trade_no=99, type=MAKER, **words)
        )
    )


def test_a_checkpoint_and_its_tail_give_the_whole():
    core = make_core(taker_fee_ppm=1000)
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 10)
    desk.place(BOB, BUY, 100, 4)
    core.set_halt(_core.SCOPE_STRATEGY, 5, _core.HALT_REDUCING)
    core.reports()
    saved = core.checkpoint()
    desk.place(BOB, BUY, 101, 2)
    desk.place(BOB, BUY, 90, 2)
    core.cancel(9, 4)
    tail = core.reports()
    again = _core.Core()
    again.restore(saved)
    again.apply(tail)
    assert again.hash() == core.hash()
    assert again.rebuild_books() == 1
    assert again.depth(BTC_USDT, 5) == core.depth(BTC_USDT, 5)
    again.verify()


def test_a_damaged_checkpoint_is_refused():
    saved = make_core().checkpoint()
    for damage in (saved[:-8], saved[:-1], b"", saved[:40] + b"\x01" + saved[41:]):
        with pytest.raises(_core.CoreError, match="checkpoint"):
            _core.Core().restore(damage)
    with pytest.raises(_core.CoreError, match="fresh"):
        make_core().restore(saved)


def test_rebuilt_books_keep_the_order_of_arrival():
    core = make_core()
    desk = Desk(core)
    for number in (1, 2, 3):
        desk.place(ALICE, SELL, 100, 5, number=number)
    core.amend(9, 1, 0, 100, 6)  # grows: goes behind the others
    again = make_core()
    again.apply(core.reports())
    again.rebuild_books()
    for one in (core, again):
        assert one.place(10, 50, BOB, BTC_USDT, 1, BUY, 0, 0, 0, 0, 100, 12) == 0
        assert one.market_order(2) is None
        assert one.market_order(3) is None
        assert one.market_order(1) == {
            "price_ticks": 100,
            "remaining_lots": 4,
            "instrument": 1,
            "side": SELL,
            "flags": 0,
        }
        one.verify()
    with pytest.raises(_core.CoreError, match="empty"):
        core.rebuild_books()


def test_a_lost_maker_report_is_mended_by_what_the_exchange_tells():
    core = make_core(maker_fee_ppm=1000)
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 10, number=1)
    core.reports()
    core.fail_at("market.report", 2)
    desk.place(BOB, BUY, 100, 10, number=2)
    assert letters(core.reports()) == "0F"  # Alice's is lost
    assert core.market_order(1) is None
    assert core.order(1) is not None
    assert reason_name(core.cancel(5, 1)) == "ORDER_FINAL"
    core.verify()
    (mended,) = [r for r in told(core, 1, 100, 10) if r.exec_type == "F"]
    assert (mended.ord_status, mended.last_fee, mended.hold, mended.flags & _core.FLAG_TOLD) == (
        "2",
        1,
        0,
        _core.FLAG_TOLD,
    )
    assert core.balance(ALICE, USDT) == (RICH + 999, 0)
    assert core.balance(ALICE, BTC) == (RICH - 10, 0)
    assert core.order(1) is None
    core.verify()


def test_a_told_fill_of_an_order_that_stands_takes_it_out_of_the_book_too():
    core = make_core()
    Desk(core).place(ALICE, SELL, 100, 10, number=1)
    told(core, 1, 100, 4)
    assert core.depth(BTC_USDT, 1) == ([], [(100, 6)])
    told(core, 1, 101, 6)
    assert core.depth(BTC_USDT, 1) == ([], [])
    core.verify()


def test_told_fills_that_cannot_be_are_refused():
    core = make_core()
    Desk(core).place(ALICE, SELL, 100, 10, number=1)
    core.reports()
    assert [r.why for r in told(core, 1, 100, 11)] == ["FILL_EXCEEDS_ORDER"]
    assert [r.why for r in told(core, 1, 99, 1)] == ["FILL_PRICE_WORSE"]
    assert [r.why for r in told(core, 2, 99, 1)] == ["ORDER_UNKNOWN"]


def test_the_exchange_may_end_an_order():
    core = make_core()
    Desk(core).place(ALICE, BUY, 100, 10, number=1)
    core.reports()
    (end,) = read(core.process(command(_core.OP_CLOSE, 1, type=ord("C"))))
    assert (end.exec_type, end.ord_status, end.held) == ("C", "C", 0)
    assert core.best(BTC_USDT) == (None, 0, None, 0)
    core.verify()


def test_a_fill_told_after_the_end_still_moves_the_money():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 10)
    core.fail_at("market.report", 1)
    desk.place(BOB, BUY, 100, 15, number=2, tif=IOC)
    assert letters(core.reports()) == "00F4"  # Bob's fill is lost and the rest canceled
    (late,) = told(core, 2, 100, 10, flags=_core.FLAG_LATE, account=BOB, instrument=BTC_USDT, side=BUY)
    assert (late.exec_type, late.pos_qty, late.quote_total) == ("F", 10, RICH - 1000)
    assert core.position(BOB, BTC_USDT, 0) == (10, 1000, 0, 0)
    core.verify()


def test_told_and_late_reports_replay_as_well():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 10, number=1)
    desk.place(BOB, BUY, 90, 10, number=2)
    journal = core.reports()
    journal += core.process(command(_core.OP_FILL, 1, price_ticks=100, qty_lots=4, trade_no=5, type=TAKER))
    journal += core.process(command(_core.OP_CLOSE, 1, type=ord("8")))
    late = {"flags": _core.FLAG_LATE, "account": ALICE, "instrument": BTC_USDT, "side": SELL, "type": MAKER}
    journal += core.process(command(_core.OP_FILL, 1, price_ticks=100, qty_lots=1, trade_no=6, **late))
    again = make_core()
    again.apply(journal)
    assert again.hash() == core.hash()
    again.verify()


def test_trade_numbers_go_on_after_a_restart():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 10)
    desk.place(BOB, BUY, 100, 1)
    again = make_core()
    again.apply(core.reports())
    again.rebuild_books()
    again.advance_trade_no(40)
    again.place(9, 9, BOB, BTC_USDT, 1, BUY, 0, 0, 0, 0, 100, 1)
    assert read(again.reports())[-1].trade_no == 41
