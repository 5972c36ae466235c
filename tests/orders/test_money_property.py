"""Any sequence of fills, on the awkward instruments: the core against the slow book-keeper, to the last unit."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BUY, LIMITS, SELL, Desk
from tests.orders.money_model import UNIT, Market, Person

BASE, QUOTE = 1, 2
MAKER_PPM, TAKER_PPM = 200, 700
PURSE = 10**30
KINDS = {"spot": _core.KIND_SPOT, "linear": _core.KIND_LINEAR, "inverse": _core.KIND_INVERSE}

MARKETS = [
    Market("BTC/USDT", Fraction(1, 100), Fraction(1, 10**5)),
    Market("SHIB/USDT", Fraction(1, 10**8), Fraction(1)),
    Market("BTC/IDR", Fraction(1000), Fraction(1, 10**6)),
    Market("ETH/BTC", Fraction(1, 10**5), Fraction(1, 10**4)),
    Market("a tick of 1e-10", Fraction(1, 10**10), Fraction(1, 10**8)),
    Market("a spot contract of ten", Fraction(1, 2), Fraction(1, 10**4), "spot", Fraction(10)),
    Market("a linear contract of ten", Fraction(1, 2), Fraction(1), "linear", Fraction(10)),
    Market("a linear contract of a thousandth", Fraction(1, 10), Fraction(1), "linear", Fraction(1, 1000)),
    Market("an inverse contract of 100", Fraction(1, 2), Fraction(1), "inverse", Fraction(100)),
    Market("an inverse contract of 1, tick 1e-4", Fraction(1, 10**4), Fraction(1), "inverse"),
]

fills = st.lists(
    st.tuples(
        st.sampled_from((BUY, SELL)),
        st.one_of(st.integers(1, 50), st.integers(1, 10**7)),  # ticks
        st.one_of(st.integers(1, 5), st.integers(1, 10**6)),  # lots
        st.sampled_from((0, 0, 7, 2**64 - 1)),  # strategy
    ),
    min_size=1,
    max_size=25,
)
Fills = list[tuple[int, int, int, int]]


def units(market: Market) -> tuple[int, int]:
    """(base_unit, quote_unit) as the core is told."""
    if market.kind == "inverse":
        return int(market.lot_worth * UNIT), int(market.tick * UNIT)
    return int(market.lot_worth * UNIT), int(market.tick * market.lot_worth * UNIT)


def house(market: Market, *, margin: int) -> _core.Core:
    core = _core.Core()
    base_unit, quote_unit = units(market)
    core.set_instrument(
        1, exchange=1, spec_version=1, base_asset=BASE, quote_asset=QUOTE, base_unit=base_unit, quote_unit=quote_unit,
        quantity_min_lots=1, quantity_max_lots=0, notional_min=0, status=_core.INSTRUMENT_TRADING,
        maker_fee_ppm=MAKER_PPM, taker_fee_ppm=TAKER_PPM, kind=KINDS[market.kind],
    )  # fmt: skip
    for account in (ALICE, BOB):
        core.set_account(account, owner=account, exchange=1, reporting_asset=QUOTE, margin=margin)
        core.set_limits(_core.SCOPE_ACCOUNT, account, **LIMITS)
        core.post(account, BASE, PURSE)
        core.post(account, QUOTE, PURSE)
    core.rate(BASE, QUOTE, 1, 1, 1)
    core.mark(1, 1000, 1)
    return core


def trade(core: _core.Core, sequence: Fills) -> bytes:
    """Bob stands, Alice takes: each of the sequence is one fill of hers. The packed reports of it all."""
    desk, reports = Desk(core), b""
    for side, ticks, lots, strategy in sequence:
        assert desk.why(BOB, 1 - side, ticks, lots) == ""
        assert desk.why(ALICE, side, ticks, lots, strategy=strategy) == ""
        reports += core.reports()
    return reports


def model(market: Market, sequence: Fills) -> tuple[Person, Person]:
    alice, bob = Person(), Person()
    for side, ticks, lots, strategy in sequence:
        alice.fill(market, strategy, side, ticks, lots, TAKER_PPM)
        bob.fill(market, 0, 1 - side, ticks, lots, MAKER_PPM)
    return alice, bob


def rounding(market: Market, sequence: Fills) -> int:
    """Units that the two sides of inverse fills were rounded apart."""
    if market.kind != "inverse":
        return 0
    exact = [market.lot_worth * lots / (market.tick * ticks) * UNIT for _, ticks, lots, _ in sequence]
    return sum(ceil(worth) - floor(worth) for worth in exact)


def agree(core: _core.Core, account: int, market: Market, person: Person) -> None:
    total = [0, 0, 0, 0]
    for strategy, wanted in person.positions.items():
        found = core.position(account, 1, strategy)
        assert found is not None
        quantity, cost, realised, fees = found
        assert quantity == wanted.quantity * UNIT
        assert fees == wanted.fees
        assert abs(realised - wanted.realised) <= 2 * wanted.closings
        assert abs(cost - wanted.cost) <= 2 * wanted.closings
        if quantity == 0:
            assert cost == 0
            assert realised == wanted.realised  # whole again: nothing was lost on the way
        total = [a + b for a, b in zip(total, found, strict=True)]
    assert core.account_position(account, 1) == tuple(total)
    if market.kind == "spot":
        money = person.money
        assert core.balance(account, BASE)[0] == PURSE + money["base"]
        assert core.balance(account, QUOTE)[0] == PURSE + money["quote"]
    else:
        settle, other = (BASE, QUOTE) if market.kind == "inverse" else (QUOTE, BASE)
        assert core.balance(account, settle)[0] == PURSE + total[2] - total[3]  # realised less fees, and nothing else
        assert core.balance(account, other)[0] == PURSE


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
@given(sequence=fills)
def test_any_sequence_of_fills_is_what_the_definitions_say(market: Market, sequence: Fills) -> None:
    core = house(market, margin=0 if market.kind == "spot" else 10**9)
    trade(core, sequence)
    alice, bob = model(market, sequence)
    agree(core, ALICE, market, alice)
    agree(core, BOB, market, bob)
    core.verify()


@given(sequence=fills)
def test_a_margin_account_goes_short_and_flips(sequence: Fills) -> None:
    market = MARKETS[0]
    core = house(market, margin=10**9)
    for account in (ALICE, BOB):
        core.post(account, BASE, -PURSE)  # nothing to sell but what is borrowed
    trade(core, sequence)
    alice, _ = model(market, sequence)
    quantity = (core.account_position(ALICE, 1) or (0,))[0]
    assert core.balance(ALICE, BASE) == (quantity, 0) == (alice.money["base"], 0)
    assert core.balance(ALICE, QUOTE)[0] == PURSE + alice.money["quote"]
    assert sum(position.quantity for position in alice.positions.values()) * UNIT == quantity
    core.verify()


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
@given(sequence=fills)
def test_nothing_is_made_and_nothing_is_lost(market: Market, sequence: Fills) -> None:
    core = house(market, margin=10**9)
    trade(core, sequence)
    sums = [core.account_position(account, 1) or (0, 0, 0, 0) for account in (ALICE, BOB)]
    fees = sum(one[3] for one in sums)
    apart = rounding(market, sequence)
    gained = sum(one[2] for one in sums)
    assert sum(one[0] for one in sums) == 0
    for asset in (BASE, QUOTE):
        held = sum(core.balance(account, asset)[0] for account in (ALICE, BOB)) - 2 * PURSE
        settles = asset == (BASE if market.kind == "inverse" else QUOTE)
        posted = gained if market.kind != "spot" else 0
        assert held == (posted - fees if settles else 0)
    open_cost = sum(one[1] for one in sums)
    assert gained - (-open_cost if market.kind == "inverse" else open_cost) == -apart


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
@given(sequence=fills, ticks=st.integers(1, 10**6))
def test_closing_to_flat_leaves_cost_exactly_zero(market: Market, sequence: Fills, ticks: int) -> None:
    core = house(market, margin=10**9)
    trade(core, sequence)
    left = {strategy: 0 for _, _, _, strategy in sequence}
    for side, _, lots, strategy in sequence:
        left[strategy] += lots if side == BUY else -lots
    trade(core, [(SELL if lots > 0 else BUY, ticks, abs(lots), strategy) for strategy, lots in left.items() if lots])
    for account in (ALICE, BOB):
        assert (core.account_position(account, 1) or (0, 0))[:2] == (0, 0)
    assert all(core.position(ALICE, 1, strategy)[:2] == (0, 0) for strategy in left)  # type: ignore[index]


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
@given(sequence=fills)
def test_reports_and_checkpoints_come_to_the_same_sums(market: Market, sequence: Fills) -> None:
    core, twin, again = house(market, margin=10**9), house(market, margin=10**9), _core.Core()
    twin.apply(trade(core, sequence))
    again.restore(core.checkpoint())
    for one in (twin, again):
        assert one.hash() == core.hash()
        one.verify()
        assert one.account_position(ALICE, 1) == core.account_position(ALICE, 1)


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
@given(sequence=fills, num=st.integers(1, 10**9), den=st.integers(1, 3))
def test_worth_is_money_and_what_open_contracts_gained(market: Market, sequence: Fills, num: int, den: int) -> None:
    core = house(market, margin=10**9)
    trade(core, sequence)
    core.mark(1, num, 2, den=den)
    price, exact = market.tick * num / den, Fraction(0)
    rate = price if market.kind == "spot" else Fraction(1)
    worth = core.balance(ALICE, BASE)[0] * rate + core.balance(ALICE, QUOTE)[0]
    if market.kind != "spot":
        for _, _, quantity, cost, _, _ in core.positions(ALICE):
            value = Fraction(quantity) / price if market.kind == "inverse" else quantity * price
            exact += cost - value if market.kind == "inverse" else value - cost
    known, equity, *_ = core.equity(ALICE)
    if not known:
        assert market.kind == "spot" or num > 10**8  # a worth that leaves the range of amounts
        return
    assert equity is not None
    assert abs(equity - worth - exact) <= len(core.positions(ALICE)) + 1
