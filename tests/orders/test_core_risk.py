"""Every pre-trade control refuses at its limit plus one, accepts at its limit, and a refusal changes nothing."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import (
    ALICE,
    BOB,
    BTC_USDT,
    BUY,
    RICH,
    SELL,
    USDT,
    Desk,
    make_core,
    read,
    set_instrument,
    set_limits,
)

SECOND = 1_000_000_000


def test_each_control_has_its_reason_and_leaves_the_state_as_it_was():
    core = make_core(quantity_min_lots=2, quantity_max_lots=100, notional_min=150)
    desk = Desk(core)
    set_limits(core, ALICE, notional_max=5000)
    before = core.hash()
    assert desk.why(ALICE, BUY, 100, 2, instrument=9) == "INSTRUMENT_UNKNOWN"
    assert desk.why(9, BUY, 100, 2) == "ACCOUNT_UNKNOWN"
    assert desk.why(ALICE, BUY, 100, 2, spec_version=2) == "SPEC_CHANGED"
    assert desk.why(ALICE, BUY, 0, 2) == "PRICE_PRECISION"
    assert desk.why(ALICE, BUY, -5, 2) == "PRICE_PRECISION"
    assert desk.why(ALICE, BUY, 100, 0) == "QTY_PRECISION"
    assert desk.why(ALICE, BUY, 100, 1) == "QTY_MIN"
    assert desk.why(ALICE, BUY, 100, 101) == "QTY_MAX"
    assert desk.why(ALICE, BUY, 74, 2) == "NOTIONAL_MIN"
    assert desk.why(ALICE, BUY, 2501, 2) == "NOTIONAL_MAX"
    assert desk.why(BOB, BUY, RICH, 2) == "BALANCE_INSUFFICIENT"
    assert desk.why(BOB, BUY, 2**62, 100) == "BALANCE_INSUFFICIENT"
    assert desk.why(BOB, BUY, 100, 2, type=9) == "TYPE_UNSUPPORTED"
    assert desk.why(BOB, BUY, 100, 2, tif=9) == "TIF_UNSUPPORTED"
    assert core.hash() == before
    assert desk.why(ALICE, BUY, 2500, 2) == ""
    assert desk.why(ALICE, BUY, 75, 2) == ""


def test_a_number_too_large_is_a_reason_not_a_wrap():
    core = make_core(quote_unit=10**30)
    assert Desk(core).why(ALICE, BUY, 2**62, 2**62) == "NUMBER_OVERFLOW"


def test_without_limits_everything_is_refused():
    core = make_core()
    core.set_account(3, owner=3)
    assert Desk(core).why(3, BUY, 100, 1) == "LIMITS_MISSING"


@pytest.mark.parametrize(
    ("scope", "key"),
    [
        (_core.SCOPE_GLOBAL, 0),
        (_core.SCOPE_EXCHANGE, 1),
        (_core.SCOPE_OWNER, ALICE),
        (_core.SCOPE_ACCOUNT, ALICE),
        (_core.SCOPE_STRATEGY, 2**63 + 5),
        (_core.SCOPE_INSTRUMENT, BTC_USDT),
    ],
)
def test_a_halt_of_any_scope_stops_orders_and_lets_cancels_pass(scope, key):
    core = make_core()
    desk = Desk(core)
    assert desk.place(ALICE, BUY, 100, 1, number=1, strategy=2**63 + 5) == 0
    core.set_halt(scope, key, _core.HALT_HALTED)
    assert desk.why(ALICE, BUY, 100, 1, strategy=2**63 + 5) == "TRADING_HALTED"
    refused = read(core.reports())[-1]
    assert (refused.limit, refused.value) == (scope, key)
    assert core.amend(9, 1, 0, 101, 1) != 0
    assert core.cancel(9, 1) == 0
    core.set_halt(scope, key, _core.HALT_ACTIVE)
    assert desk.why(ALICE, BUY, 100, 1, strategy=2**63 + 5) == ""


def test_while_reducing_only_orders_that_bring_a_position_nearer_to_zero_pass():
    core = make_core()
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 10)
    desk.place(BOB, BUY, 100, 10)
    core.set_halt(_core.SCOPE_ACCOUNT, BOB, _core.HALT_REDUCING)
    assert desk.why(BOB, BUY, 90, 1) == "TRADING_REDUCING"
    assert desk.why(BOB, SELL, 110, 11) == "TRADING_REDUCING"
    assert desk.why(BOB, SELL, 110, 6) == ""
    assert desk.why(BOB, SELL, 110, 5) == "TRADING_REDUCING"  # six of the ten are on their way already
    assert desk.why(BOB, SELL, 110, 4) == ""
    assert desk.why(BOB, SELL, 110, 1, strategy=7) == "TRADING_REDUCING"


def test_a_halted_or_delisted_instrument_takes_no_order():
    core = make_core()
    for status in (_core.INSTRUMENT_HALTED, _core.INSTRUMENT_DELISTED):
        set_instrument(core, status=status)
        assert Desk(core).why(ALICE, BUY, 100, 1) == "INSTRUMENT_NOT_TRADING"


def test_open_orders_are_counted_by_account_and_by_instrument():
    core = make_core()
    set_instrument(core, 2)
    set_limits(core, ALICE, open_orders_max=3, open_orders_instrument_max=2)
    desk = Desk(core)
    assert [desk.why(ALICE, BUY, 100, 1) for _ in range(3)] == ["", "", "OPEN_ORDERS_MAX"]
    assert [desk.why(ALICE, BUY, 100, 1, instrument=2) for _ in range(2)] == ["", "OPEN_ORDERS_MAX"]
    assert core.cancel(9, 1) == 0
    assert desk.why(ALICE, BUY, 100, 1) == ""


def test_the_bucket_of_orders_fills_with_time_and_a_refusal_takes_nothing_from_it():
    core = make_core()
    set_limits(core, ALICE, rate_per_second=2, rate_burst=3)
    desk = Desk(core)
    assert [desk.why(ALICE, BUY, 100, 1, at=SECOND) for _ in range(5)] == ["", "", "", "RATE_ORDERS", "RATE_ORDERS"]
    assert read(core.reports())[-1].value == SECOND // 2  # how long to wait
    assert desk.why(ALICE, BUY, 100, 1, at=SECOND + SECOND // 2 - 1) == "RATE_ORDERS"
    assert desk.why(ALICE, BUY, 100, 1, at=SECOND + SECOND // 2) == ""
    assert desk.why(ALICE, BUY, 100, 1, at=0) == "RATE_ORDERS"


def test_an_owner_does_not_trade_with_themself_through_another_account():
    core = make_core()
    core.set_account(3, owner=ALICE)
    set_limits(core, 3)
    core.post(3, USDT, RICH)
    desk = Desk(core)
    desk.place(ALICE, SELL, 100, 5, number=41)
    assert desk.why(3, BUY, 100, 1) == "SELF_TRADE"
    assert read(core.reports())[-1].value == 41
    assert desk.why(3, BUY, 99, 1) == ""
    assert desk.why(3, BUY, 100, 1, flags=_core.FLAG_ALLOW_SELF_TRADE) == ""
    assert desk.why(BOB, BUY, 100, 1) == ""


def test_at_least_eight_controls_are_evaluated_for_each_new_order():
    core = make_core()
    Desk(core).place(ALICE, BUY, 100, 1)
    assert core.stats()["checks"] >= 8


def test_agents_trade_without_accounts_and_print_on_the_tape():
    core = make_core()
    desk = Desk(core)
    assert desk.place(0, SELL, 100, 5, flags=_core.FLAG_AGENT, number=1000) == 0
    assert desk.place(0, BUY, 100, 2, flags=_core.FLAG_AGENT, number=1001) == 0
    assert core.reports() == b""
    assert len(core.tape()) == _core.TAPE_SIZE
    assert core.market_order(1000) == {
        "price_ticks": 100,
        "remaining_lots": 3,
        "instrument": 1,
        "side": SELL,
        "flags": _core.FLAG_AGENT,
    }
    assert core.amend(1, 1000, _core.FLAG_QTY_REMAINING, 101, 9) == 0
    assert core.cancel(1, 1000) == 0
    assert core.best(BTC_USDT) == (None, 0, None, 0)
    core.verify()
