"""Reports are short where one hold changed and whole where money moved; bytes of another layout are never guessed at."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BUY, RICH, SELL, Desk, make_core, read


def sizes(packed: bytes) -> list[int]:
    return [report.size for report in read(packed)]


def test_only_what_moves_money_or_refuses_is_whole():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 5)
    assert sizes(core.reports()) == [_core.REPORT_HEAD_SIZE]
    desk.place(BOB, BUY, 100, 2)
    assert sizes(core.reports()) == [_core.REPORT_HEAD_SIZE, _core.REPORT_SIZE, _core.REPORT_SIZE]
    core.amend(9, 1, 0, 101, 5)
    core.cancel(9, 1)
    assert sizes(core.reports()) == [_core.REPORT_HEAD_SIZE] * 2
    core.cancel(9, 1)
    assert sizes(core.reports()) == [_core.REPORT_SIZE]


def test_a_short_report_tells_the_whole_hold_of_its_balance():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, BUY, 100, 5)
    desk.place(ALICE, BUY, 100, 3)
    core.cancel(9, 1)
    assert [(report.hold, report.held) for report in read(core.reports())] == [(500, 500), (300, 800), (0, 300)]


def test_an_execution_tells_both_balances_and_the_position():
    core = make_core(taker_fee_ppm=10_000)
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 5)
    desk.place(BOB, BUY, 100, 2)
    bought = read(core.reports())[2]
    assert (bought.base_total, bought.quote_total, bought.quote_hold) == (RICH + 2, RICH - 202, 0)
    assert (bought.pos_qty, bought.pos_cost, bought.pos_fees, bought.last_fee) == (2, 200, 2, 2)


def test_reports_of_another_layout_are_refused_with_a_sentence():
    core = make_core()
    Desk(core).place(ALICE, SELL, 100, 5)
    stored = bytearray(core.reports())
    stored[86] = 1
    with pytest.raises(_core.CoreError, match="another layout"):
        make_core().apply(bytes(stored))
    before = make_core()
    with pytest.raises(_core.CoreError, match="another layout"):
        before.apply(bytes(320))
    assert before.hash() == make_core().hash()


def test_reports_that_are_cut_short_are_refused():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 5)
    desk.place(BOB, BUY, 100, 2)
    stored = core.reports()
    for end in (1, 127, 129, len(stored) - 1):
        with pytest.raises(_core.CoreError, match="cut short"):
            make_core().apply(stored[:end])
