"""Margin accounts: they may borrow and trade contracts, as far as their equity bears the worst their open orders could make."""

from __future__ import annotations

import pytest

from orders import _core
from orders._core import Core, CoreError
from tests.orders.core_cast import (
    ALICE,
    BOB,
    BTC,
    BTC_USDT,
    BUY,
    LIMITS,
    SELL,
    USDT,
    Desk,
    command,
    read,
    set_instrument,
    set_limits,
)

SECOND = 10**9
TWICE = 20_000
PERP = 2
BNB = 9


def lever(core: Core, account: int = ALICE, margin: int = TWICE) -> None:
    core.set_account(account, owner=account, exchange=1, reporting_asset=USDT, margin=margin)


def house(margin: int = TWICE, **spec: int) -> Core:
    """Alice has 1,000 USDT and nothing else; a BTC is worth 100."""
    core = Core()
    set_instrument(core, stale_after_ns=2 * SECOND, **spec)
    lever(core, ALICE, margin)
    lever(core, BOB, 10**9)
    for account in (ALICE, BOB):
        core.set_limits(_core.SCOPE_ACCOUNT, account, **LIMITS)
        core.post(account, USDT, 1000 if account == ALICE else 10**9)
    core.mark(BTC_USDT, 100, SECOND)
    return core


def worst(desk: Desk, side: int, lots: int, **other: int) -> str:
    return desk.why(ALICE, side, 100, lots, **other)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_worst_case_may_be_as_large_as_equity_times_leverage_and_not_a_unit_more(side: int) -> None:
    core = house()
    desk = Desk(core)
    assert worst(desk, side, 21) == "MARGIN_INSUFFICIENT"
    refused = read(core.reports())[-1]
    assert (refused.limit, refused.value) == (1000, 1050)
    assert worst(desk, side, 20) == ""
    assert core.balance(ALICE, USDT) == (1000, 0)  # nothing is held
    assert worst(desk, side, 1) == "MARGIN_INSUFFICIENT"
    assert (
        worst(desk, 1 - side, 20, flags=_core.FLAG_ALLOW_SELF_TRADE) == ""
    )  # either side alone is the worst, not both
    core.verify()


def test_selling_what_one_has_not_is_borrowing_it() -> None:
    core = house()
    desk = Desk(core)
    desk.place(BOB, BUY, 100, 10)
    assert worst(desk, SELL, 10) == ""
    assert core.balance(ALICE, BTC) == (-10, 0)
    assert core.balance(ALICE, USDT) == (2000, 0)
    core.mark(BTC_USDT, 120, SECOND)
    assert core.equity(ALICE)[1] == 800
    desk.place(BOB, SELL, 120, 25)
    assert desk.why(ALICE, BUY, 120, 15) == ""  # closes ten and turns long with five
    assert core.position(ALICE, BTC_USDT, 0) == (5, 600, -200, 0)
    assert core.balance(ALICE, BTC) == (5, 0)
    core.verify()


def test_what_makes_the_worst_no_worse_passes_though_the_worth_is_unknown() -> None:
    core = house()
    desk = Desk(core)
    desk.place(BOB, BUY, 100, 20)
    desk.place(BOB, SELL, 100, 5)
    assert worst(desk, SELL, 10) == ""
    core.marks(10 * SECOND, [])
    assert worst(desk, SELL, 1) == "EQUITY_UNKNOWN"
    assert worst(desk, BUY, 5) == ""


def test_a_cash_account_borrows_nothing_and_trades_no_contract() -> None:
    core = house(margin=0)
    set_instrument(core, PERP, kind=_core.KIND_LINEAR)
    desk = Desk(core)
    assert worst(desk, SELL, 1) == "BALANCE_INSUFFICIENT"
    assert worst(desk, BUY, 11) == "BALANCE_INSUFFICIENT"
    assert worst(desk, BUY, 1, instrument=PERP) == "MARGIN_INSUFFICIENT"


def test_an_account_turns_to_margin_only_without_orders_and_back_only_without_debts() -> None:
    core = house(margin=0)
    desk = Desk(core)
    desk.place(ALICE, BUY, 90, 1)
    with pytest.raises(CoreError, match="without open orders"):
        lever(core)
    core.cancel(2, desk.last_no)
    lever(core)
    desk.place(BOB, BUY, 100, 1)
    worst(desk, SELL, 1)
    with pytest.raises(CoreError, match="borrowed"):
        lever(core, margin=0)
    with pytest.raises(CoreError, match="at least 10000"):
        lever(core, margin=9999)
    core.verify()


def test_a_contract_moves_only_what_was_realised_and_fees() -> None:
    core = house(maker_fee_ppm=0, taker_fee_ppm=0)
    set_instrument(core, PERP, kind=_core.KIND_LINEAR, base_unit=10, quote_unit=10, taker_fee_ppm=10_000)
    core.mark(PERP, 100, SECOND)
    desk = Desk(core)
    desk.place(BOB, SELL, 100, 2, instrument=PERP)
    assert worst(desk, BUY, 2, instrument=PERP) == ""
    assert core.balance(ALICE, USDT) == (980, 0)  # a fee of one per cent of 2,000
    assert core.balance(ALICE, BTC) == (0, 0)
    core.mark(PERP, 110, SECOND)
    assert core.equity(ALICE)[1] == 1180
    desk.place(BOB, BUY, 110, 1, instrument=PERP)
    assert desk.why(ALICE, SELL, 110, 1, instrument=PERP) == ""
    assert core.position(ALICE, PERP, 0) == (10, 1000, 100, 31)
    assert core.balance(ALICE, USDT) == (1069, 0)
    core.verify()


def test_an_inverse_contract_pays_in_base_and_gains_as_its_price_rises() -> None:
    core = house()
    whole = 10**18
    set_instrument(core, PERP, kind=_core.KIND_INVERSE, base_unit=100 * whole, quote_unit=whole)
    core.post(ALICE, BTC, whole)
    core.post(BOB, BTC, whole)
    core.mark(PERP, 50_000, SECOND)
    desk = Desk(core)
    desk.place(BOB, SELL, 50_000, 500, instrument=PERP)
    assert desk.why(ALICE, BUY, 50_000, 500, instrument=PERP) == ""
    assert core.position(ALICE, PERP, 0) == (50_000 * whole, whole, 0, 0)
    desk.place(BOB, BUY, 62_500, 500, instrument=PERP)
    assert desk.why(ALICE, SELL, 62_500, 500, instrument=PERP) == ""
    assert core.position(ALICE, PERP, 0) == (0, 0, whole // 5, 0)
    assert core.balance(ALICE, BTC) == (whole + whole // 5, 0)
    assert core.balance(BOB, BTC) == (whole - whole // 5, 0)
    core.verify()


def test_what_an_inverse_fill_cannot_divide_is_rounded_against_who_trades() -> None:
    core = house()
    set_instrument(core, PERP, kind=_core.KIND_INVERSE, base_unit=10**18, quote_unit=10**18)
    core.mark(PERP, 3, SECOND)
    desk = Desk(core)
    for account in (ALICE, BOB):
        core.post(account, BTC, 10**20)
    desk.place(BOB, SELL, 3, 1, instrument=PERP)
    desk.place(ALICE, BUY, 3, 1, instrument=PERP)
    third = 10**18 // 3
    assert core.position(ALICE, PERP, 0) == (10**18, third, 0, 0)
    assert core.position(BOB, PERP, 0) == (-(10**18), -third - 1, 0, 0)


def told(order_no: int, lots: int, fee: int, fee_asset: int) -> bytes:
    """A fill that an exchange tells with the fee it took."""
    raw = bytearray(
        command(_core.OP_FILL, order_no, type=_core.LIQUIDITY_TAKER, price_ticks=100, qty_lots=lots, trade_no=7)
    )
    raw[72:96] = (fee % 2**128).to_bytes(16, "little") + fee_asset.to_bytes(8, "little")
    return bytes(raw)


@pytest.mark.parametrize(
    ("asset", "btc", "usdt", "bnb", "position_fees"),
    [(BTC, 17, 800, 0, 0), (USDT, 20, 797, 0, 3), (BNB, 20, 800, -3, 0)],
)
def test_a_fee_is_taken_once_in_its_own_asset(asset: int, btc: int, usdt: int, bnb: int, position_fees: int) -> None:
    core = house(margin=0, taker_fee_ppm=5000, maker_fee_ppm=5000)
    core.post(ALICE, BTC, 18)
    desk = Desk(core)
    assert worst(desk, BUY, 2) == ""
    placed = core.reports()
    made = core.process(told(desk.last_no, 2, 3, asset))
    assert [core.balance(ALICE, one)[0] for one in (BTC, USDT, BNB)] == [btc, usdt, bnb]
    assert core.position(ALICE, BTC_USDT, 0) == (2, 200, 0, position_fees)
    report = read(made)[-1]
    assert (report.last_fee, report.fee_asset) == (3, 0 if asset == USDT else asset)
    core.verify()
    twin = house(margin=0, taker_fee_ppm=5000, maker_fee_ppm=5000)
    twin.post(ALICE, BTC, 18)
    twin.apply(placed + made)
    assert twin.hash() == core.hash()


def test_an_exchange_may_give_a_fee_back() -> None:
    core = house(margin=0)
    desk = Desk(core)
    worst(desk, BUY, 2)
    core.process(told(desk.last_no, 2, -1, USDT))
    assert core.balance(ALICE, USDT) == (801, 0)
    core.verify()


def test_a_fee_too_large_to_count_is_a_reason() -> None:
    core = house(margin=0)
    desk = Desk(core)
    worst(desk, BUY, 2)
    core.reports()
    for fee in (10**36 + 1, -(10**36) - 1):
        assert read(core.process(told(desk.last_no, 2, fee, BNB)))[-1].why == "NUMBER_OVERFLOW"
    assert read(core.process(told(desk.last_no, 2, 10**36, BNB)))[-1].why == ""


def test_orders_that_only_reduce_are_no_part_of_the_worst_case() -> None:
    core = house()
    desk = Desk(core)
    desk.place(BOB, SELL, 100, 20)
    assert worst(desk, BUY, 20) == ""
    assert desk.why(ALICE, SELL, 200, 20, flags=_core.FLAG_REDUCE_ONLY) == ""
    assert desk.why(ALICE, SELL, 200, 20) == ""
    core.verify()


def test_an_amended_order_counts_once() -> None:
    core = house()
    desk = Desk(core)
    assert worst(desk, BUY, 15) == ""
    assert core.amend(9, desk.last_no, 0, 0, 20) == 0
    assert core.amend(9, desk.last_no, 0, 0, 21) == _core_reason("MARGIN_INSUFFICIENT")
    core.verify()


def _core_reason(name: str) -> int:
    return next(number for number, known in _core.REASONS.items() if known == name)


def test_conditions_of_a_margin_account_hold_nothing_and_protect_a_short() -> None:
    core = house()
    desk = Desk(core)
    desk.place(BOB, BUY, 100, 10)
    assert worst(desk, SELL, 10, profit=80, loss=120) == ""
    assert core.position(ALICE, BTC_USDT, 0) == (-10, -1000, 0, 0)
    assert len(core.open_orders(ALICE)) == 2  # the bracket's legs, which only reduce
    assert core.balance(ALICE, USDT) == (2000, 0)
    assert desk.why(ALICE, BUY, 0, 1, type=_core.TYPE_STOP, tif=_core.TIF_GTC, stop=150) == ""
    core.verify()
    desk.place(BOB, SELL, 125, 30)
    desk.print(122)
    assert (core.position(ALICE, BTC_USDT, 0) or ())[:2] == (0, 0)  # stopped out, and the profit's leg is gone
    assert core.open_orders(ALICE) == [desk_no(core)]
    core.verify()


def desk_no(core: Core) -> int:
    """The one order that still waits."""
    (number,) = core.open_orders(ALICE)
    return number


def test_an_inverse_contract_is_stopped_out() -> None:
    core = house()
    whole = 10**18
    set_instrument(core, PERP, kind=_core.KIND_INVERSE, base_unit=100 * whole, quote_unit=whole)
    for account in (ALICE, BOB):
        core.post(account, BTC, 10 * whole)
    core.mark(PERP, 50_000, SECOND)
    desk = Desk(core)
    desk.place(BOB, SELL, 50_000, 500, instrument=PERP)
    assert desk.why(ALICE, BUY, 50_000, 500, instrument=PERP, loss=40_000) == ""
    desk.place(BOB, BUY, 39_000, 501, instrument=PERP)
    desk.place(BOB, SELL, 39_000, 1, instrument=PERP, flags=_core.FLAG_ALLOW_SELF_TRADE)
    quantity, cost, realised, _ = core.position(ALICE, PERP, 0) or (1, 1, 1, 1)
    assert (quantity, cost) == (0, 0)
    assert realised == whole - (50_000 * whole * whole // (39_000 * whole) + 1)  # a loss, rounded against who sells
    core.verify()


@pytest.mark.parametrize(("limit", "reason"), [(99, ""), (98, "MARKET_IMPACT")])
@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_impact_on_an_inverse_contract_is_counted_in_what_it_costs(limit: int, reason: str, side: int) -> None:
    core = house()
    whole = 10**18
    set_instrument(core, PERP, kind=_core.KIND_INVERSE, base_unit=100 * whole, quote_unit=whole)
    set_limits(core, ALICE, impact_bp=limit if side == BUY else limit + 2)
    for account in (ALICE, BOB):
        core.post(account, BTC, 10 * whole)
    core.mark(PERP, 50_000, SECOND)
    desk = Desk(core)
    desk.place(BOB, SELL, 50_500, 10, instrument=PERP)
    desk.place(BOB, BUY, 49_500, 10, instrument=PERP)
    assert desk.why(ALICE, side, 0, 5, type=_core.TYPE_MARKET, tif=_core.TIF_IOC, instrument=PERP) == reason
