"""Each reason the core can give has its place in a test of the core; those that fit nowhere else are here."""

from __future__ import annotations

from pathlib import Path

import pytest

from orders import _core
from tests.orders.core_cast import (
    ALICE,
    BOB,
    BUY,
    SELL,
    Desk,
    command,
    make_core,
    read,
    reason_name,
    set_instrument,
    set_limits,
)

HERE = Path(__file__).parent


@pytest.mark.parametrize("reason", sorted(_core.REASONS.values()))
def test_every_reason_is_named_in_a_test_of_the_core(reason: str) -> None:
    assert any(f'"{reason}"' in path.read_text() for path in HERE.glob("test_core_*.py"))


def test_a_number_names_one_order_only() -> None:
    core = make_core()
    desk = Desk(core)
    assert desk.why(ALICE, BUY, 100, 1, number=7) == ""
    before = core.hash()
    assert desk.why(ALICE, BUY, 100, 1, number=7) == "ORDER_NO_REUSED"
    assert core.hash() == before


def test_a_command_that_is_none_is_told_so_and_the_batch_goes_on() -> None:
    core = make_core()
    order = {"account": ALICE, "instrument": 1, "spec_version": 1, "side": BUY, "price_ticks": 100, "qty_lots": 1}
    reports = read(core.process(command(99, 1) + command(_core.OP_PLACE, 2, **order)))
    assert [report.why for report in reports] == ["COMMAND_UNKNOWN", ""]
    assert core.order(1) is None and core.order(2) is not None


def test_when_every_place_for_orders_is_taken_nothing_changes_and_a_cancel_makes_room() -> None:
    core = _core.Core(max_orders=64)
    set_instrument(core)
    core.set_account(ALICE, owner=ALICE)
    set_limits(core, ALICE)
    core.post(ALICE, 2, 10**12)
    desk = Desk(core)
    taken = 0
    while not (why := desk.why(ALICE, BUY, 100, 1)):
        taken += 1
    assert (why, taken) == ("CAPACITY", 64)
    core.reports()
    before = core.hash()
    assert desk.why(ALICE, BUY, 100, 1) == "CAPACITY"
    assert core.hash() == before
    assert core.cancel(99, 1) == 0
    assert desk.why(ALICE, BUY, 100, 1) == ""
    core.verify()


def test_a_seller_needs_what_they_sell() -> None:
    core = make_core(rich=False)
    core.post(BOB, 1, 5)
    desk = Desk(core)
    assert desk.why(BOB, SELL, 100, 6) == "BALANCE_INSUFFICIENT"
    refused = read(core.reports())[-1]
    assert (refused.limit, refused.value) == (5, 6)
    assert desk.why(BOB, SELL, 100, 5) == ""
    assert reason_name(core.amend(9, desk.last_no, 0, 100, 6)) == "BALANCE_INSUFFICIENT"
