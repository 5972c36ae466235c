"""A flatten's order gets out: halted, unarmed, past every limit; but it only ever reduces."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BTC_USDT, BUY, IOC, MARKET, RICH, SELL, USDT, Desk, make_core, set_limits

OUT = _core.FLAG_REDUCE_ONLY | _core.FLAG_UNWIND
CAROL = 3  # another account of Alice's


def holding() -> Desk:
    """Alice is long 10, Bob bids for 10 more at two prices."""
    desk = Desk(make_core())
    desk.place(BOB, SELL, 100, 10)
    desk.place(ALICE, BUY, 100, 10)
    desk.place(BOB, BUY, 99, 5)
    desk.place(BOB, BUY, 90, 5)
    desk.place(BOB, SELL, 101, 1)
    return desk


def out(desk: Desk, lots: int = 10, side: int = SELL, flags: int = OUT) -> str:
    return desk.why(ALICE, side, 0, lots, type=MARKET, tif=IOC, flags=flags)


@pytest.mark.parametrize(
    ("scope", "key"), [(_core.SCOPE_GLOBAL, 0), (_core.SCOPE_ACCOUNT, ALICE), (_core.SCOPE_INSTRUMENT, BTC_USDT)]
)
@pytest.mark.parametrize("state", [_core.HALT_HALTED, _core.HALT_REDUCING])
def test_it_passes_a_halt_and_leaves_nothing(scope: int, key: int, state: int) -> None:
    desk = holding()
    desk.core.set_halt(scope, key, state)
    assert out(desk) == ""
    assert desk.core.position(ALICE, BTC_USDT, 0)[0] == 0
    desk.core.verify()


def test_a_plain_reduce_only_order_does_not_pass_a_halt() -> None:
    desk = holding()
    desk.core.set_halt(_core.SCOPE_ACCOUNT, ALICE, _core.HALT_HALTED)
    assert out(desk, flags=_core.FLAG_REDUCE_ONLY) == "TRADING_HALTED"


@pytest.mark.parametrize(("lots", "side", "flags"), [(11, SELL, OUT), (1, BUY, OUT), (10, SELL, _core.FLAG_UNWIND)])
def test_what_would_not_surely_reduce_gets_no_leave(lots: int, side: int, flags: int) -> None:
    desk = holding()
    desk.core.set_halt(_core.SCOPE_ACCOUNT, ALICE, _core.HALT_HALTED)
    assert out(desk, lots, side, flags) == "TRADING_HALTED"


def test_an_account_that_is_not_armed_still_gets_out() -> None:
    desk = holding()
    desk.core.set_gates(_core.SCOPE_ACCOUNT, ALICE, _core.GATE_ARM)
    assert out(desk, flags=_core.FLAG_REDUCE_ONLY) == "LIVE_NOT_ARMED"
    assert out(desk) == ""


@pytest.mark.parametrize(
    "limits",
    [
        {"notional_max": 100},
        {"quantity_max": 1},
        {"impact_bp": 1},
        {"rate_per_second": 1, "rate_burst": 1},
        {"message_per_second": 1, "message_burst": 1},
    ],
)
def test_no_limit_of_the_account_keeps_it_in(limits: dict[str, int]) -> None:
    desk = holding()
    set_limits(desk.core, ALICE, **limits)
    desk.place(ALICE, BUY, 1, 1)  # uses the one token there is
    assert out(desk, flags=_core.FLAG_REDUCE_ONLY) != ""
    assert out(desk) == ""


def test_the_instruments_own_rules_hold() -> None:
    desk = Desk(make_core(quantity_min_lots=5))
    desk.place(BOB, SELL, 100, 10)
    desk.place(ALICE, BUY, 100, 10)
    assert out(desk, 4) == "QTY_MIN"
    assert out(desk) == "NO_LIQUIDITY"


def test_its_owners_own_orders_give_way_to_it() -> None:
    desk = holding()
    core = desk.core
    core.set_account(CAROL, owner=ALICE)
    set_limits(core, CAROL)
    core.post(CAROL, USDT, RICH)
    desk.place(CAROL, BUY, 100, 10)
    assert out(desk, flags=_core.FLAG_REDUCE_ONLY) == "SELF_TRADE"
    assert out(desk) == ""
    assert core.open_orders(CAROL) == []
    assert core.position(ALICE, BTC_USDT, 0)[0] == 0 and core.position(CAROL, BTC_USDT, 0) is None
    core.verify()
