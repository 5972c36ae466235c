"""Every number at its limit is taken, and one beyond it is refused with a reason: nothing wraps, nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orders import _core
from tests.orders.core_cast import (
    ALICE,
    BOB,
    BTC,
    BTC_USDT,
    BUY,
    IOC,
    SELL,
    USDT,
    Desk,
    command,
    make_core,
    read,
    reason_name,
    saved,
    set_instrument,
    set_limits,
)

I64, U32, U64 = 2**63 - 1, 2**32 - 1, 2**64 - 1
AMOUNT = 10**36
TOTAL = 10**37


def rich(**spec: int) -> _core.Core:
    core = make_core(rich=False, **spec)
    for account in (ALICE, BOB):
        for asset in (BTC, USDT):
            core.post(account, asset, TOTAL)
    return core


def unchanged(core: _core.Core, act: Callable[[], Any]) -> Any:
    core.reports()
    before = saved(core), core.depth(BTC_USDT, 50)
    try:
        return act()
    finally:
        core.reports()
        assert (saved(core), core.depth(BTC_USDT, 50)) == before
        core.verify()


# -- orders -------------------------------------------------------------------------------------------------------------


def test_quantity_and_price_reach_the_last_int64_and_no_further() -> None:
    core = rich()
    desk = Desk(core)
    assert desk.why(ALICE, BUY, 1, I64) == ""
    with pytest.raises(OverflowError):
        unchanged(core, lambda: desk.place(ALICE, BUY, 1, I64 + 1))
    core = rich()
    desk = Desk(core)
    assert desk.why(ALICE, SELL, I64, 1) == ""
    with pytest.raises(OverflowError):
        unchanged(core, lambda: desk.place(ALICE, SELL, I64 + 1, 1))
    assert unchanged(core, lambda: desk.why(ALICE, BUY, -(2**63), 1)) == "PRICE_PRECISION"
    assert unchanged(core, lambda: desk.why(ALICE, BUY, 1, -(2**63))) == "QTY_PRECISION"
    assert unchanged(core, lambda: desk.why(ALICE, BUY, 0, 1)) == "PRICE_PRECISION"
    assert unchanged(core, lambda: desk.why(ALICE, BUY, 1, 0)) == "QTY_PRECISION"


@pytest.mark.parametrize("unit", [1, 10**9, 10**18])
def test_a_value_of_ten_to_the_thirtysix_is_the_largest(unit: int) -> None:
    price = 10**18
    lots = AMOUNT // price // unit
    core = rich(quote_unit=unit)
    desk = Desk(core)
    assert unchanged(core, lambda: desk.why(ALICE, BUY, price, lots + 1)) == "NUMBER_OVERFLOW"
    assert unchanged(core, lambda: desk.why(ALICE, BUY, price + 1, lots)) == "NUMBER_OVERFLOW"
    assert unchanged(core, lambda: desk.why(ALICE, BUY, I64, I64)) == "NUMBER_OVERFLOW"
    assert desk.why(ALICE, BUY, price, lots) == ""
    assert core.balance(ALICE, USDT) == (TOTAL, AMOUNT)


def test_an_amount_of_ten_to_the_thirtysix_is_the_largest() -> None:
    core = rich(base_unit=10**30)
    desk = Desk(core)
    assert unchanged(core, lambda: desk.why(ALICE, SELL, 1, 10**6 + 1)) == "NUMBER_OVERFLOW"
    assert unchanged(core, lambda: desk.why(ALICE, BUY, 1, 10**6 + 1)) == "NUMBER_OVERFLOW"
    assert desk.why(ALICE, SELL, 1, 10**6) == ""


def test_the_largest_value_trades_with_the_largest_fee_exactly() -> None:
    core = rich(quote_unit=10**18, maker_fee_ppm=10**6, taker_fee_ppm=10**6)
    desk = Desk(core)
    assert desk.why(ALICE, BUY, 10**9, 10**9) == ""
    assert core.balance(ALICE, USDT) == (TOTAL, 2 * AMOUNT)
    assert desk.why(BOB, SELL, 10**9, 10**9) == ""
    assert core.balance(ALICE, USDT) == (TOTAL - 2 * AMOUNT, 0)
    assert core.balance(BOB, USDT) == (TOTAL, 0)
    assert core.position(ALICE, BTC_USDT, 0) == (10**9, AMOUNT, 0, AMOUNT)
    core.verify()


def test_a_side_of_a_book_sums_to_the_last_int64_and_no_further() -> None:
    core = rich()
    desk = Desk(core)
    assert desk.why(ALICE, BUY, 1, I64 - 2) == ""
    assert desk.why(ALICE, BUY, 2, 1) == ""
    assert unchanged(core, lambda: desk.why(ALICE, BUY, 1, 2)) == "NUMBER_OVERFLOW"
    last = desk.why(ALICE, BUY, 1, 1), desk.last_no
    assert last[0] == ""
    assert unchanged(core, lambda: desk.why(BOB, BUY, 1, 1)) == "NUMBER_OVERFLOW"
    assert unchanged(core, lambda: reason_name(core.amend(99, last[1], 0, 0, 2))) == "NUMBER_OVERFLOW"
    assert unchanged(core, lambda: core.place(99, 999, 0, BTC_USDT, 1, BUY, 0, 0, _core.FLAG_AGENT, 0, 1, 1)) != 0
    assert desk.why(BOB, SELL, 1, I64) == ""
    assert core.best(BTC_USDT) == (None, 0, None, 0)


def test_an_amend_counts_what_is_filled_up_to_the_last_int64() -> None:
    core = rich()
    desk = Desk(core)
    desk.place(ALICE, BUY, 1, 10, number=1)
    desk.place(BOB, SELL, 1, 3)
    more = _core.FLAG_QTY_REMAINING
    assert unchanged(core, lambda: reason_name(core.amend(9, 1, more, 0, I64 - 2))) == "NUMBER_OVERFLOW"
    assert core.amend(9, 1, more, 0, I64 - 3) == 0
    order = core.order(1)
    assert order is not None and order["qty_lots"] == I64
    assert unchanged(core, lambda: reason_name(core.amend(9, 1, 0, 10**18, I64))) == "NUMBER_OVERFLOW"


def test_a_balance_is_held_to_its_last_unit() -> None:
    for money, why in ((100 * 7, ""), (100 * 7 - 1, "BALANCE_INSUFFICIENT")):
        core = make_core(rich=False)
        core.post(ALICE, USDT, money)
        assert Desk(core).why(ALICE, BUY, 100, 7) == why
    for money, why in ((701, ""), (700, "BALANCE_INSUFFICIENT")):  # a fee of 0.7 is one whole unit
        core = make_core(rich=False, taker_fee_ppm=1000)
        core.post(ALICE, USDT, money)
        assert Desk(core).why(ALICE, BUY, 100, 7) == why


@pytest.mark.parametrize("at", [-(2**63), -1, 0, 1, 2**63 - 1])
def test_any_time_is_a_time(at: int) -> None:
    core = rich()
    set_limits(core, ALICE, rate_per_second=U32, rate_burst=2)
    for number, moment in enumerate((at, -at - 1, at, 5), 1):
        core.place(moment, number, ALICE, BTC_USDT, 1, BUY, 0, 0, 0, 0, 100, 1)
        core.verify()
    for moment in (at - 2**64, 2**63, -(2**63) - 1):
        with pytest.raises(OverflowError):
            core.cancel(moment, 1)


# -- what is told -------------------------------------------------------------------------------------------------------

SPEC_EDGES = [
    ("base_unit", 1, 0), ("base_unit", AMOUNT, AMOUNT + 1), ("quote_unit", 1, 0), ("quote_unit", AMOUNT, AMOUNT + 1),
    ("notional_min", 0, -1), ("notional_min", AMOUNT, AMOUNT + 1), ("quantity_min_lots", 0, -1), ("quantity_min_lots", I64, I64 + 1),
    ("quantity_max_lots", 0, -1), ("quantity_max_lots", I64, I64 + 1), ("maker_fee_ppm", 10**6, 10**6 + 1),
    ("taker_fee_ppm", 10**6, 10**6 + 1), ("status", _core.INSTRUMENT_DELISTED, _core.INSTRUMENT_DELISTED + 1),
    ("spec_version", U32, U32 + 1), ("exchange", U32, U32 + 1), ("exchange", 0, -1), ("base_asset", U32, U32 + 1),
]  # fmt: skip
REFUSED = (_core.CoreError, OverflowError, ValueError)


@pytest.mark.parametrize(("field", "last", "beyond"), SPEC_EDGES)
def test_an_instrument_is_taken_at_its_limits_and_refused_beyond(field: str, last: int, beyond: int) -> None:
    core = make_core()
    set_instrument(core, 2, **{field: last})
    with pytest.raises(REFUSED):
        unchanged(core, lambda: set_instrument(core, 3, **{field: beyond}))
    with pytest.raises(REFUSED):
        unchanged(core, lambda: set_instrument(core, 2, **{field: beyond}))


@pytest.mark.parametrize(
    ("field", "last", "beyond"),
    [("open_orders_max", U32, U32 + 1), ("notional_max", AMOUNT, AMOUNT + 1), ("notional_max", 0, -1),
     ("rate_per_second", U32, U32 + 1), ("rate_burst", U32, U32 + 1), ("open_orders_instrument_max", U32, U32 + 1)],
)  # fmt: skip
def test_limits_are_taken_at_their_limits_and_refused_beyond(field: str, last: int, beyond: int) -> None:
    core = make_core()
    set_limits(core, ALICE, **{field: last})
    with pytest.raises(REFUSED):
        unchanged(core, lambda: set_limits(core, ALICE, **{field: beyond}))


def test_money_is_posted_up_to_ten_to_the_thirtyseven() -> None:
    core = make_core(rich=False)
    assert core.post(ALICE, USDT, TOTAL) == TOTAL
    for beyond in (1, TOTAL, 2**127 - 1):
        with pytest.raises(REFUSED):
            unchanged(core, lambda amount=beyond: core.post(ALICE, USDT, amount))
    for beyond in (2**127, -(2**127) - 1, 10**60):
        with pytest.raises(OverflowError):
            unchanged(core, lambda amount=beyond: core.post(ALICE, USDT, amount))
    for beyond in (-TOTAL - 1, -(2**127)):
        with pytest.raises(REFUSED):
            unchanged(core, lambda amount=beyond: core.post(ALICE, USDT, amount))
    assert core.post(ALICE, USDT, -TOTAL) == 0


def test_ids_are_taken_to_the_end_of_their_type() -> None:
    core = make_core()
    core.set_account(U32, owner=U32)
    set_limits(core, U32)
    set_instrument(core, U32, exchange=U32)
    core.post(U32, USDT, 10**6)
    assert core.place(1, 5, U32, U32, 1, BUY, 0, 0, 0, U64, 100, 1) == 0
    assert core.open_orders(U32) == [5]
    core.set_halt(_core.SCOPE_STRATEGY, U64, _core.HALT_HALTED)
    for call in (
        lambda: core.set_account(U32 + 1, owner=1), lambda: core.place(1, U64 + 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1),
        lambda: core.place(1, 1, 1, 1, 1, 0, 0, 0, 0, U64 + 1, 1, 1), lambda: core.set_halt(_core.SCOPE_STRATEGY, U64 + 1, 1),
        lambda: core.cancel(1, -1), lambda: core.place(1, 1, -1, 1, 1, 0, 0, 0, 0, 0, 1, 1),
    ):  # fmt: skip
        with pytest.raises(OverflowError):
            unchanged(core, call)


# -- what exchanges tell --------------------------------------------------------------------------------------------------


def told(core: _core.Core, order_no: int, price: int, lots: int, **words: int) -> list[str]:
    raw = core.process(command(_core.OP_FILL, order_no, price_ticks=price, qty_lots=lots, trade_no=7, type=1, **words))
    return [report.why for report in read(raw)]


def test_told_executions_are_bounded_as_well() -> None:
    core = rich(quote_unit=10**18)
    desk = Desk(core)
    desk.place(ALICE, SELL, 1, 10**9, number=1)
    for price, lots, why in (
        (10**9 + 1, 10**9, "NUMBER_OVERFLOW"), (I64, 1, "NUMBER_OVERFLOW"), (1, 10**9 + 1, "FILL_EXCEEDS_ORDER"),
        (1, I64, "FILL_EXCEEDS_ORDER"), (0, 1, "PRICE_PRECISION"), (-1, 1, "PRICE_PRECISION"), (1, 0, "QTY_PRECISION"),
        (1, -(2**63), "QTY_PRECISION"),
    ):  # fmt: skip
        assert unchanged(core, lambda p=price, n=lots: told(core, 1, p, n)) == [why]
    assert told(core, 1, 10**9, 10**9) == [""]
    assert core.balance(ALICE, USDT)[0] == TOTAL + AMOUNT
    core.verify()


def test_late_executions_are_bounded_as_well() -> None:
    core = rich(quote_unit=10**18)
    late = {"flags": _core.FLAG_LATE, "account": ALICE, "instrument": BTC_USDT, "side": SELL, "spec_version": 1}
    for price, lots, why in (
        (10**9, 10**9 + 1, "NUMBER_OVERFLOW"), (I64, I64, "NUMBER_OVERFLOW"), (1, 0, "QTY_PRECISION"), (1, -1, "QTY_PRECISION"),
    ):  # fmt: skip
        assert unchanged(core, lambda p=price, n=lots: told(core, 5, p, n, **late)) == [why]
    assert told(core, 5, 10**9, 10**9, **late) == [""]
    core.verify()


def test_a_market_order_through_a_book_of_the_largest_numbers_is_refused_or_exact() -> None:
    core = rich(quote_unit=10**18)
    desk = Desk(core)
    for number in range(1, 5):
        assert desk.why(BOB, SELL, 10**9 + number, 10**9 - 10**4) == ""
    why = desk.why(ALICE, BUY, 0, 4 * (10**9 - 10**4), type=_core.TYPE_MARKET, tif=IOC)
    assert why in ("", "BALANCE_INSUFFICIENT", "NUMBER_OVERFLOW")
    core.verify()
