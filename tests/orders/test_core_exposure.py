"""Worst cases: what could be held once every open order had been filled never passes its limit, and what reduces always may."""

from __future__ import annotations

import random

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BTC, BTC_USDT, BUY, SELL, USDT, Desk, make_core, read, set_limits

SECOND = 1_000_000_000
GRID = 2**63 + 5


def market(rich: bool = True, **limits: int) -> Desk:
    """A BTC is worth 100; Alice counts in USDT and has 10,000 of them."""
    core = make_core(rich=False)
    core.set_account(ALICE, owner=ALICE, exchange=1, reporting_asset=USDT)
    core.post(ALICE, USDT, 10_000)
    core.post(BOB, BTC, 10**9)
    core.post(BOB, USDT, 10**9)
    if rich:
        core.post(ALICE, BTC, 1000, flow=True)
    core.mark(BTC_USDT, 100, SECOND)
    set_limits(core, ALICE, **limits)
    return Desk(core)


def test_open_orders_count_as_if_they_were_filled():
    desk = market(position_max=1000)
    assert [desk.why(ALICE, BUY, 90, 6), desk.why(ALICE, BUY, 90, 5)] == ["", "POSITION_MAX"]
    assert (read(desk.core.reports())[-1].limit, read(desk.core.reports())) == (1000, [])
    assert desk.why(ALICE, BUY, 90, 4) == ""
    assert [desk.why(ALICE, SELL, 200, 11), desk.why(ALICE, SELL, 200, 10)] == ["POSITION_MAX", ""]
    desk.core.cancel(9, 1)
    assert desk.why(ALICE, BUY, 90, 6) == ""


def test_what_brings_a_position_nearer_to_zero_passes():
    desk = market(position_max=1000)
    desk.place(BOB, SELL, 100, 10)
    assert desk.why(ALICE, BUY, 100, 10) == ""
    desk.core.mark(BTC_USDT, 300, 2 * SECOND)  # worth thrice the limit now
    assert desk.why(ALICE, BUY, 90, 1) == "POSITION_MAX"
    assert desk.why(ALICE, SELL, 300, 10) == ""


def test_a_position_is_limited_by_a_share_of_equity():
    desk = market(rich=False, position_bp=2500)
    assert [desk.why(ALICE, BUY, 90, 26), desk.why(ALICE, BUY, 90, 25)] == ["POSITION_MAX", ""]


def test_without_a_known_worth_nothing_opens():
    core = make_core()
    core.set_account(ALICE, owner=ALICE, exchange=1, reporting_asset=USDT)
    set_limits(core, ALICE, position_bp=2500)
    assert Desk(core).why(ALICE, BUY, 90, 1) == "EQUITY_UNKNOWN"


def test_a_strategy_has_a_limit_of_its_own():
    desk = market()
    desk.core.set_limits(_core.SCOPE_STRATEGY, GRID, position_max=500)
    assert desk.why(ALICE, BUY, 90, 5, strategy=GRID) == ""
    assert desk.why(ALICE, BUY, 90, 1, strategy=GRID) == "POSITION_MAX"
    assert desk.why(ALICE, BUY, 90, 1) == ""


@pytest.mark.parametrize(
    ("scope", "key"), [(_core.SCOPE_GLOBAL, 0), (_core.SCOPE_EXCHANGE, 1), (_core.SCOPE_INSTRUMENT, 1)]
)
def test_wider_scopes_add_up_what_everybody_holds(scope: int, key: int):
    desk = market()
    desk.core.set_limits(scope, key, position_max=1000)
    assert desk.why(BOB, BUY, 90, 6) == ""
    assert [desk.why(ALICE, BUY, 90, 5), desk.why(ALICE, BUY, 90, 4)] == ["POSITION_MAX", ""]


def test_gross_exposure_adds_the_worst_of_all_instruments():
    desk = market(gross_max=2000)
    core = desk.core
    core.set_instrument(
        2, exchange=1, spec_version=1, base_asset=5, quote_asset=USDT, base_unit=1, quote_unit=1, quantity_min_lots=1,
        quantity_max_lots=0, notional_min=0, status=0, maker_fee_ppm=0, taker_fee_ppm=0,
    )  # fmt: skip
    core.mark(2, 10, SECOND)
    assert desk.why(ALICE, BUY, 90, 12) == ""
    assert [desk.why(ALICE, BUY, 9, 81, instrument=2), desk.why(ALICE, BUY, 9, 80, instrument=2)] == [
        "GROSS_EXPOSURE_MAX",
        "",
    ]
    assert desk.why(ALICE, SELL, 200, 12) == ""  # the worst of an instrument is one side of it
    assert desk.why(ALICE, SELL, 200, 1) == "GROSS_EXPOSURE_MAX"


def test_leverage_is_of_margin_accounts():
    desk = market(leverage_bp=15_000, rich=False)
    assert desk.why(ALICE, BUY, 50, 151) == ""  # cash
    desk.core.cancel(2, 1)
    desk.core.set_account(ALICE, owner=ALICE, exchange=1, reporting_asset=USDT, margin=100_000)
    assert [desk.why(ALICE, BUY, 50, 151), desk.why(ALICE, BUY, 50, 150)] == ["LEVERAGE_MAX", ""]
    assert desk.core.check(9, 99, ALICE, 1, 1, BUY, 0, 0, 0, 0, 50, 1)[-1] is not None


@pytest.mark.parametrize("seed", range(8))
def test_the_worst_case_never_passes_its_limit(seed: int):
    """I30, at every command of a random story: places, amends, cancels, fills."""
    desk, dice = market(position_max=3000), random.Random(seed)
    core = desk.core
    for _ in range(400):
        side, price, lots = dice.randrange(2), dice.randrange(95, 106), dice.randrange(1, 12)
        match dice.randrange(5):
            case 0:
                core.cancel(desk.now, dice.randrange(1, desk.last_no + 2))
            case 1:
                core.amend(desk.now, dice.randrange(1, desk.last_no + 2), 0, price, lots)
            case 2:
                desk.place(BOB, side, price, lots)
            case _:
                desk.place(ALICE, side, price, lots)
        open_lots = {BUY: 0, SELL: 0}
        for number in core.open_orders(ALICE):
            order = core.order(number)
            assert order is not None
            open_lots[order["side"]] += order["qty_lots"] - order["filled_lots"]
        held = (core.position(ALICE, BTC_USDT, 0) or (0,))[0]
        assert max(held + open_lots[BUY], open_lots[SELL] - held) * 100 <= 3000
    core.verify()
