"""Money at the limits of what can be counted: a reason or an unknown worth, never a wrap."""

from __future__ import annotations

import pytest

from orders import _core
from orders._core import Core, CoreError
from tests.orders.core_cast import ALICE, BOB, BTC, BUY, SELL, USDT, Desk, set_instrument, set_limits

AMOUNT_MAX = 10**36
LOTS_MAX = 2**63 - 1
PERP = 2


def house(kind: int, base_unit: int, quote_unit: int) -> Core:
    core = Core()
    set_instrument(core)
    set_instrument(core, PERP, kind=kind, base_unit=base_unit, quote_unit=quote_unit)
    for account in (ALICE, BOB):
        core.set_account(account, owner=account, reporting_asset=USDT, margin=2**32 - 1)
        set_limits(core, account)
        core.post(account, USDT, AMOUNT_MAX)
    core.rate(BTC, USDT, 1, 1, 1)
    return core


def why(core: Core, side: int, price: int, lots: int) -> str:
    return Desk(core).why(ALICE, side, price, lots, instrument=PERP, number=core.stats()["commands"] + 1)


@pytest.mark.parametrize(
    ("kind", "base_unit", "quote_unit", "price", "lots"),
    [
        (_core.KIND_LINEAR, 1, 10**18, 10**9, 10**9),
        (_core.KIND_LINEAR, 10**18, 1, 1, 10**18),
        (_core.KIND_INVERSE, 10**18, 10**18, 1, 10**18),
        (_core.KIND_INVERSE, 10**18, 10**36, 1, 10**18),
    ],
)
def test_a_contract_worth_all_that_can_be_counted_passes_and_one_lot_more_is_an_overflow(
    kind: int, base_unit: int, quote_unit: int, price: int, lots: int
) -> None:
    core = house(kind, base_unit, quote_unit)
    core.mark(PERP, 1, 1)
    assert why(core, SELL, price, lots) == ""
    assert why(core, SELL, price, lots + 1) == "NUMBER_OVERFLOW"
    core.verify()


def test_a_worst_case_too_large_to_count_is_unknown() -> None:
    core = house(_core.KIND_LINEAR, 10**36, 1)
    core.mark(PERP, 1, 1)
    for _ in range(10):
        assert why(core, BUY, 1, 1) == ""
    assert why(core, BUY, 1, 1) == "EQUITY_UNKNOWN"  # past 10^37 of base
    core.verify()


def test_open_lots_are_counted_to_the_last_and_one_more_is_an_overflow() -> None:
    core = house(_core.KIND_LINEAR, 1, 1)
    core.mark(PERP, 1, 1)
    assert why(core, BUY, 1, LOTS_MAX - 1) == ""
    assert why(core, BUY, 1, 2) == "NUMBER_OVERFLOW"
    assert why(core, BUY, 1, 1) == ""
    assert why(core, BUY, 1, 1) == "NUMBER_OVERFLOW"
    core.verify()


@pytest.mark.parametrize("name", ["num", "den"])
def test_a_rate_is_counted_up_to_the_largest_amount(name: str) -> None:
    core = house(_core.KIND_LINEAR, 1, 1)
    parts = {"num": 1, "den": 1}
    core.rate(3, USDT, **parts | {name: AMOUNT_MAX}, at_ns=1)
    with pytest.raises(CoreError, match="a rate must be"):
        core.rate(3, USDT, **parts | {name: AMOUNT_MAX + 1}, at_ns=1)


def test_a_worth_too_large_to_count_is_unknown_and_comes_back() -> None:
    core = house(_core.KIND_LINEAR, 1, 1)
    core.post(ALICE, 3, AMOUNT_MAX * 10)
    core.rate(3, USDT, 8, 1, 2)
    assert core.equity(ALICE)[1] == AMOUNT_MAX * 81
    core.rate(3, USDT, 9, 1, 3)
    assert core.equity(ALICE)[0] is False
    core.rate(3, USDT, 1, 1, 4)
    assert core.equity(ALICE)[1] == AMOUNT_MAX * 11


def test_an_exposure_too_large_to_count_refuses() -> None:
    core = house(_core.KIND_LINEAR, 10**18, 10**18)
    core.mark(PERP, 10**18, 1)
    assert why(core, BUY, 1, 1) == ""
    assert why(core, BUY, 1, 10**18) == "EQUITY_UNKNOWN"
    core.verify()


@pytest.mark.parametrize("price", [0, -1, -(2**63)])
def test_a_mark_that_is_no_price_is_refused(price: int) -> None:
    core = house(_core.KIND_LINEAR, 1, 1)
    with pytest.raises(CoreError, match="a mark must be"):
        core.mark(PERP, price, 1)
    with pytest.raises(CoreError, match="a mark must be"):
        core.mark(PERP, 1, 1, den=price)


def test_a_deposit_past_the_largest_balance_is_refused_and_counts_as_no_flow() -> None:
    core = house(_core.KIND_LINEAR, 1, 1)
    core.mark(PERP, 1, 1)
    core.post(ALICE, USDT, AMOUNT_MAX * 9)
    before = core.equity(ALICE)
    with pytest.raises(CoreError, match="range of amounts"):
        core.post(ALICE, USDT, 1)
    with pytest.raises(CoreError, match="more than is free"):
        core.post(ALICE, USDT, -AMOUNT_MAX * 10 - 1)
    assert core.equity(ALICE) == before
