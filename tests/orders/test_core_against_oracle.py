"""The C core and the slow house get the same commands; every answer, balance, position and queue must agree."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders import _core
from tests.oracle.accounts import Instrument, Limits, OracleHouse, Order
from tests.orders.core_cast import (
    BUY,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    command,
    letters,
    read,
    reason_name,
    set_instrument,
    set_limits,
)

ACCOUNTS = (1, 2, 3)
OWNERS = {1: 1, 2: 2, 3: 2}  # the third is the second's other account
ASSETS = (1, 2, 3)
FAR = 3_000_000_000_000  # no window holds it and 100 together


def instruments(units: tuple[int, int], fees: tuple[int, int]) -> dict[int, Instrument]:
    base, quote = units
    maker, taker = fees
    return {
        1: Instrument(1, 2, base, quote, maker_ppm=maker, taker_ppm=taker),
        2: Instrument(1, 3, 1, 1, quantity_min=2, quantity_max=50, notional_min=150, maker_ppm=taker, taker_ppm=maker),
    }


class Pair:
    """Both of them, always told the same."""

    def __init__(self, units: tuple[int, int], fees: tuple[int, int], money: int) -> None:
        self.core, self.house = _core.Core(), OracleHouse()
        for number, spec in instruments(units, fees).items():
            self.house.add_instrument(number, spec)
            set_instrument(
                self.core,
                number,
                base_asset=spec.base_asset,
                quote_asset=spec.quote_asset,
                base_unit=spec.base_unit,
                quote_unit=spec.quote_unit,
                quantity_min_lots=spec.quantity_min,
                quantity_max_lots=spec.quantity_max,
                notional_min=spec.notional_min,
                maker_fee_ppm=spec.maker_ppm,
                taker_fee_ppm=spec.taker_ppm,
            )
        for account in ACCOUNTS:
            self.core.set_account(account, owner=OWNERS[account])
            limits = Limits(open_orders=9, open_orders_here=6, self_trade_allowed=account == 1)
            set_limits(
                self.core, account, open_orders_max=9, open_orders_instrument_max=6, self_trade=int(account != 1)
            )
            self.house.owners[account], self.house.limits[account] = OWNERS[account], limits
            for asset in ASSETS:
                self.core.post(account, asset, money)
                self.house.totals[account, asset] = money
        self.posted, self.journal, self.now = money, b"", 0

    def place(self, order: Order, tif: int) -> None:
        self.now += 1
        reason = self.core.place(
            self.now,
            order.order_no,
            order.account,
            order.instrument,
            1,
            order.side,
            order.kind,
            tif,
            0,
            order.strategy,
            order.price,
            order.lots,
        )
        assert reason_name(reason) == self.house.place(order, tif)

    def cancel(self, order_no: int) -> None:
        self.now += 1
        assert reason_name(self.core.cancel(self.now, order_no)) == self.house.cancel(order_no)

    def amend(self, order_no: int, price: int, total: int) -> None:
        self.now += 1
        assert reason_name(self.core.amend(self.now, order_no, 0, price, total)) == self.house.amend(
            order_no, price, total
        )

    def compare(self) -> None:
        core, house = self.core, self.house
        self.journal += core.reports()
        core.verify()
        for account in ACCOUNTS:
            for asset in ASSETS:
                assert core.balance(account, asset) == (house.totals[account, asset], house.hold(account, asset))
            open_orders = [o for o in house.orders.values() if o.account == account]
            assert sorted(core.open_orders(account)) == sorted(o.order_no for o in open_orders)
            for order in open_orders:
                seen = core.order(order.order_no)
                assert seen is not None
                wanted = (order.price, order.lots, order.filled, order.hold, order.cost)
                assert (
                    seen["price_ticks"],
                    seen["qty_lots"],
                    seen["filled_lots"],
                    seen["hold"],
                    seen["cum_cost"],
                ) == wanted
            for instrument, strategy, *numbers in core.positions(account):
                p = house.positions[account, instrument, strategy]
                assert numbers == [p.quantity, p.cost, p.realised, p.fees]
        for number, book in house.books.items():
            assert core.depth(number, 50) == book.depth(50)
        assert core.stats()["trades"] == len(house.trades)

    def replay(self) -> None:
        """The reports alone give the same account half, and it makes the same books."""
        other = Pair.__new__(Pair)
        other.core = self.blank()
        other.core.apply(self.journal)
        other.core.apply(self.journal)
        assert other.core.hash() == self.core.hash()
        other.core.rebuild_books()
        other.core.verify()
        restored = _core.Core()
        restored.restore(self.core.checkpoint())
        assert restored.hash() == self.core.hash()
        restored.rebuild_books()
        restored.verify()
        for number in self.house.books:
            assert other.core.depth(number, 50) == restored.depth(number, 50) == self.core.depth(number, 50)

    def blank(self) -> _core.Core:
        return Pair(self.units, self.fees, self.posted).core

    units: tuple[int, int] = (1, 1)
    fees: tuple[int, int] = (0, 0)


def make_pair(units: tuple[int, int], fees: tuple[int, int], money: int) -> Pair:
    pair = Pair(units, fees, money)
    pair.units, pair.fees = units, fees
    return pair


near = st.integers(95, 105)
prices = st.one_of(near, near, near, st.sampled_from([1, 2, 5_000, 100_000, FAR, FAR + 1, FAR - 5_000, 0, -1]))
places = st.tuples(
    st.just("place"),
    st.sampled_from(ACCOUNTS),
    st.sampled_from([1, 1, 1, 2]),
    st.integers(0, 1),
    st.sampled_from([LIMIT, LIMIT, LIMIT, MARKET]),
    st.sampled_from([GTC, GTC, IOC]),
    prices,
    st.integers(0, 60),
    st.sampled_from([0, 7, 2**64 - 1]),
)
touches = st.one_of(
    st.tuples(st.just("cancel"), st.integers(0, 200)),
    st.tuples(st.just("amend"), st.integers(0, 200), prices, st.integers(0, 70)),
)


def run(pair: Pair, commands: list[tuple]) -> None:  # type: ignore[type-arg]
    given_numbers = [0]
    for n, (what, *words) in enumerate(commands, start=1):
        if what == "place":
            account, instrument, side, kind, tif, price, lots, strategy = words
            pair.place(Order(n, account, instrument, strategy, side, kind, 0 if kind == MARKET else price, lots), tif)
            given_numbers.append(n)
        elif what == "cancel":
            pair.cancel(given_numbers[words[0] % len(given_numbers)])
        else:
            pair.amend(given_numbers[words[0] % len(given_numbers)], words[1], words[2])
        pair.compare()
    pair.replay()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(places, places, touches), max_size=40),
    st.sampled_from([(1, 1), (10**10, 10**7), (3, 10**18)]),
    st.sampled_from([(0, 0), (1000, 2000), (999_999, 333_333)]),
    st.sampled_from([10**4, 10**9, 10**30]),
)
def test_any_sequence_of_commands_gives_what_the_oracle_gives(commands, units, fees, money):
    run(make_pair(units, fees, money), commands)


@pytest.mark.parametrize("seed", range(6))
def test_long_random_trading_gives_what_the_oracle_gives(seed):
    rng = random.Random(seed)
    pair = make_pair(rng.choice([(1, 1), (10**10, 10**7)]), rng.choice([(1000, 2000), (7, 13)]), 10**30)
    middle, commands = 10_000, []
    for _ in range(400):
        if rng.random() < 0.05:
            middle += rng.choice([-3000, 3000, -1, 1])
        draw = rng.random()
        if draw < 0.7:
            kind = MARKET if rng.random() < 0.1 else LIMIT
            price = middle + rng.choice([-1, 1]) * rng.choice([0, 1, 2, 3, 5, 8, 100, 2500, 7000])
            commands.append(
                (
                    "place",
                    rng.choice(ACCOUNTS),
                    rng.choice([1, 1, 2]),
                    rng.randint(0, 1),
                    kind,
                    rng.choice([GTC, GTC, GTC, IOC]),
                    price,
                    rng.randint(1, 50),
                    rng.choice([0, 7]),
                )
            )
        elif draw < 0.85:
            commands.append(("cancel", rng.randint(0, 200)))
        else:
            commands.append(("amend", rng.randint(0, 200), middle + rng.randint(-5, 5), rng.randint(1, 60)))
    run(pair, commands)


def test_a_batch_gives_the_reports_that_single_calls_give():
    one, many = make_pair((1, 1), (1000, 2000), 10**9), make_pair((1, 1), (1000, 2000), 10**9)
    rng, packed, singly = random.Random(3), b"", b""
    for n in range(1, 300):
        account, side, price, lots = rng.choice(ACCOUNTS), rng.randint(0, 1), rng.randint(95, 105), rng.randint(1, 40)
        one.core.place(n, n, account, 1, 1, side, LIMIT, GTC, 0, 5, price, lots)
        singly += one.core.reports()
        packed += command(
            _core.OP_PLACE,
            n,
            account=account,
            instrument=1,
            spec_version=1,
            side=side,
            strategy=5,
            price_ticks=price,
            qty_lots=lots,
            at_ns=n,
        )
    batch = many.core.process(packed)
    assert letters(batch) == letters(singly)
    assert [r._replace(command_index=0) for r in read(batch)] == [r._replace(command_index=0) for r in read(singly)]
    assert one.core.hash() == many.core.hash()
    own = {
        r.order_no - 1 for r in read(batch) if r.command_index != _core.NO_COMMAND and r.command_index != r.order_no - 1
    }
    assert not own
    assert BUY == 0
