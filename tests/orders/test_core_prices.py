"""Controls of price: at their limit an order passes, one tick beyond it does not; without a price to compare with none opens."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BTC_USDT, BUY, MARKET, SELL, Desk, make_core, read, set_limits

SECOND = 1_000_000_000


def market(**limits: int) -> Desk:
    """Bob quotes 990 and 1010, a hundred each, and 1100 behind: the middle is 1000."""
    core = make_core()
    desk = Desk(core)
    desk.place(BOB, BUY, 990, 100)
    desk.place(BOB, SELL, 1010, 100)
    desk.place(BOB, SELL, 1100, 100)
    set_limits(core, ALICE, **limits)
    return desk


def test_a_collar_stops_an_order_through_the_market():
    desk = market(collar_bp=300)
    assert desk.why(ALICE, BUY, 1031, 1) == "PRICE_COLLAR"
    assert read(desk.core.reports())[-1].limit == 1030
    assert desk.why(ALICE, SELL, 969, 1) == "PRICE_COLLAR"
    assert [desk.why(ALICE, SELL, 970, 1), desk.why(ALICE, BUY, 1030, 1)] == ["", ""]


def test_a_price_far_on_the_other_side_is_a_typing_error():
    desk = market(far_bp=5000)
    assert [desk.why(ALICE, BUY, 499, 1), desk.why(ALICE, SELL, 1501, 1)] == ["PRICE_FAR", "PRICE_FAR"]
    assert [desk.why(ALICE, BUY, 500, 1), desk.why(ALICE, SELL, 1500, 1)] == ["", ""]


@pytest.mark.parametrize(("limit", "reason"), [("collar_bp", "PRICE_COLLAR"), ("far_bp", "PRICE_FAR")])
def test_with_one_side_empty_there_is_nothing_to_compare_with(limit: str, reason: str):
    core = make_core()
    desk = Desk(core)
    desk.place(BOB, SELL, 1000, 10)
    desk.place(ALICE, BUY, 1000, 10)
    set_limits(core, ALICE, **{limit: 300})
    assert desk.why(ALICE, BUY, 1000, 1) == reason
    assert desk.why(ALICE, SELL, 1000, 10) == ""  # reduces


def test_a_market_order_may_not_move_the_price_too_far():
    desk = market(impact_bp=550)
    assert desk.why(ALICE, BUY, 0, 200, type=MARKET, tif=1) == ""  # 1055 on average
    desk = market(impact_bp=549)
    assert desk.why(ALICE, BUY, 0, 200, type=MARKET, tif=1) == "MARKET_IMPACT"
    report = read(desk.core.reports())[-1]
    assert (report.limit, report.value) == (549, 550)
    assert desk.why(ALICE, BUY, 1100, 200) == "MARKET_IMPACT"
    assert desk.why(ALICE, BUY, 1010, 200) == ""


def test_a_market_order_is_worth_its_worst_price_and_two_per_cent():
    desk = market(notional_max=1100 * 200 * 102 // 100)
    assert desk.why(ALICE, BUY, 0, 200, type=MARKET, tif=1) == ""
    desk = market(notional_max=1100 * 200 * 102 // 100 - 1)
    assert desk.why(ALICE, BUY, 0, 200, type=MARKET, tif=1) == "NOTIONAL_MAX"


def test_after_a_violent_move_opening_pauses_for_a_while():
    limits = {"volatility_bp": 500, "volatility_window_s": 60, "volatility_pause_s": 30}
    core = make_core()
    set_limits(core, ALICE, **limits)
    desk = Desk(core)

    def prints(price: int, second: int) -> None:
        desk.place(BOB, SELL, price, 10, at=second * SECOND, flags=_core.FLAG_ALLOW_SELF_TRADE)
        desk.place(BOB, BUY, price, 10, at=second * SECOND, flags=_core.FLAG_ALLOW_SELF_TRADE)

    prints(1000, 100)
    prints(1050, 110)
    assert desk.why(ALICE, BUY, 900, 1, at=111 * SECOND) == ""
    prints(1051, 120)
    assert desk.why(ALICE, BUY, 900, 1, at=120 * SECOND) == "VOLATILITY_PAUSE"
    assert read(core.reports())[-1].value == 510
    # the window forgets 100 at second 161; from the last moment it moved too far the pause runs
    assert desk.why(ALICE, BUY, 900, 1, at=189 * SECOND) == "VOLATILITY_PAUSE"
    assert desk.why(ALICE, BUY, 900, 1, at=191 * SECOND) == ""


def test_a_price_that_jumps_lets_its_instrument_only_reduce():
    core = make_core()
    core.set_limits(_core.SCOPE_EXCHANGE, 1, price_jump_bp=1000)
    desk = Desk(core)
    for price in (1000, 1100):
        desk.place(BOB, SELL, price, 10)
        desk.place(ALICE, BUY, price, 10)
    assert core.trips() == b""
    desk.place(BOB, SELL, 1211, 10)
    desk.place(ALICE, BUY, 1211, 10)
    assert desk.why(ALICE, BUY, 900, 1) == "PRICE_JUMP"
    assert desk.why(ALICE, SELL, 2000, 30) == ""
    core.set_halt(_core.SCOPE_INSTRUMENT, BTC_USDT, _core.HALT_ACTIVE)
    assert desk.why(ALICE, BUY, 900, 1) == ""
