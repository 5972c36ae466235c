"""The C core and the slow house get the same commands; every answer, report, balance, position and queue must agree."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from orders import _core
from tests.oracle.words import (
    AGENT,
    ALLOW_SELF_TRADE,
    DAY,
    FOK,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    POST_ONLY,
    REDUCE_ONLY,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAIL_PERCENT,
    TRAILING_STOP,
)
from tests.orders.core_cast import BUY, command, letters, read
from tests.orders.oracle_pair import ACCOUNTS, INSTRUMENTS, Pair, Placed, Setting

FAR = 3_000_000_000_000  # no window holds it and 100 together
near = st.integers(95, 105)
prices = st.one_of(near, near, near, st.sampled_from([1, 2, 5_000, 100_000, FAR, FAR + 1, FAR - 5_000, 0, -1]))
lots = st.one_of(st.integers(1, 20), st.integers(0, 60))
who = {
    "account": st.sampled_from(ACCOUNTS), "instrument": st.sampled_from([1, 1, 1, 2]), "side": st.integers(0, 1),
    "strategy": st.sampled_from([0, 0, 7, 2**64 - 1]), "lots": lots,
}  # fmt: skip
settings_drawn = st.tuples(
    st.sampled_from([(1, 1), (10**10, 10**7), (3, 10**18)]), st.sampled_from([(0, 0), (1000, 2000), (999_999, 333_333)]),
    st.sampled_from([10**4, 10**9, 10**30]), st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)),
).map(lambda drawn: Setting(*drawn))  # fmt: skip


def placed(**drawn: st.SearchStrategy[int]) -> st.SearchStrategy[Placed]:
    """A place; what is not named is as an ordinary order has it."""
    return st.fixed_dictionaries(drawn).map(lambda words: Placed(**words))


class Trading(RuleBasedStateMachine):
    """Any commands in any order; the pair compares after each."""

    @initialize(setting=settings_drawn)
    def begin(self, setting: Setting) -> None:
        self.pair = Pair(setting)

    @rule(
        placed=placed(**who, kind=st.sampled_from([LIMIT, LIMIT, LIMIT, MARKET]), price=prices,
            tif=st.sampled_from([GTC, GTC, GTC, IOC, FOK, DAY]),
            flags=st.sampled_from([0, 0, 0, ALLOW_SELF_TRADE, POST_ONLY, REDUCE_ONLY, POST_ONLY | REDUCE_ONLY]),
        )
    )  # fmt: skip
    def place(self, placed: Placed) -> None:
        self.pair.place(placed._replace(price=0) if placed.kind == MARKET else placed)

    @rule(placed=placed(**who, price=near, tif=st.just(GTD), expires=st.sampled_from([0, 1, 2, 60, 3600])))
    def place_until(self, placed: Placed) -> None:
        self.pair.place(placed)

    @rule(
        placed=placed(**who, kind=st.sampled_from([STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT]), price=near,
            stop=st.one_of(near, near, st.sampled_from([0, -1, FAR])), flags=st.sampled_from([0, 0, REDUCE_ONLY]),
            tif=st.sampled_from([GTC, GTC, DAY]),
        )
    )  # fmt: skip
    def place_stop(self, placed: Placed) -> None:
        self.pair.place(placed if placed.kind in (STOP_LIMIT, TAKE_PROFIT_LIMIT) else placed._replace(price=0))

    @rule(
        placed=placed(**who, kind=st.just(TRAILING_STOP), trail=st.sampled_from([1, 2, 5, 100, 300, 1000]),
            flags=st.sampled_from([0, 0, REDUCE_ONLY, TRAIL_PERCENT]),
        )
    )  # fmt: skip
    def place_trailing(self, placed: Placed) -> None:
        self.pair.place(placed)

    @rule(
        placed=placed(**who, kind=st.sampled_from([LIMIT, LIMIT, MARKET]), price=near, tp=st.sampled_from([0, 101, 103, 97, 99]),
            sl=st.sampled_from([0, 97, 99, 101, 103]), sl_limit=st.sampled_from([0, 0, 96, 104]),
        )
    )  # fmt: skip
    def place_bracket(self, placed: Placed) -> None:
        self.pair.place(placed._replace(price=0, tif=IOC) if placed.kind == MARKET else placed)

    @rule(
        placed=placed(**who, price=near, sl=st.sampled_from([96, 98, 102, 104]), sl_limit=st.sampled_from([0, 0, 95, 105]),
            flags=st.just(REDUCE_ONLY),
        )
    )  # fmt: skip
    def place_pair(self, placed: Placed) -> None:
        self.pair.place(placed)

    @rule(placed=placed(**who | {"account": st.just(0), "strategy": st.just(0)}, price=near, flags=st.just(AGENT)))
    def place_agent(self, placed: Placed) -> None:
        self.pair.place(placed)

    @rule(pick=st.integers(0, 200))
    def cancel(self, pick: int) -> None:
        self.pair.cancel(self.pair.known(pick))

    @rule(
        pick=st.integers(0, 200),
        price=st.one_of(st.just(0), prices),
        total=st.integers(0, 70),
        flags=st.sampled_from([0, 2]),
    )
    def amend(self, pick: int, price: int, total: int, flags: int) -> None:
        self.pair.amend(self.pair.known(pick), flags, price, total)

    @rule(
        account=st.sampled_from(ACCOUNTS), instrument=st.sampled_from([0, *INSTRUMENTS]), strategy=st.sampled_from([None, 0, 7]),
        side=st.sampled_from([None, 0, 1]),
    )  # fmt: skip
    def sweep(self, account: int, instrument: int, strategy: int | None, side: int | None) -> None:
        self.pair.sweep(account, instrument, strategy, side)

    @rule(seconds=st.sampled_from([0, 1, 59, 60, 3599, 86_400]))
    def wait(self, seconds: int) -> None:
        self.pair.wait(seconds)

    @precondition(lambda self: len(self.pair.tellings) < 4)
    @rule(scope=st.sampled_from([0, 3, 4, 5]), key=st.sampled_from([1, 2, 7]), state=st.sampled_from([0, 1, 2]))
    def halt(self, scope: int, key: int, state: int) -> None:
        self.pair.halt(scope, 0 if scope == 0 else key, state)

    def teardown(self) -> None:
        if hasattr(self, "pair"):
            self.pair.replay()


TestTrading = Trading.TestCase
LONG = 100 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 1
TestTrading.settings = settings(max_examples=50 * LONG, stateful_step_count=30, deadline=None)


def run(pair: Pair, commands: list[tuple[Any, ...]]) -> None:
    for what, *rest in commands:
        getattr(pair, what)(*rest)
    pair.replay()


#: What was found before, as hypothesis shrank it. Each stays here for ever.
FOUND: dict[str, tuple[Setting, list[tuple[Any, ...]]]] = {
    "a stop limit of a bracket stands whole though its position was cut": (
        Setting(policies=(0, 0, 0)),
        [
            ("place", Placed(1, 1, 1, price=105, lots=55)),
            ("place", Placed(0, 1, 0, flags=AGENT, price=95, lots=5)),
            ("place", Placed(3, 1, 0, kind=MARKET, tif=IOC, lots=17, tp=103, sl=97, sl_limit=96)),
            ("place", Placed(3, 1, 1, kind=MARKET, tif=IOC, lots=5)),
        ],
    ),
    "a pair that reduces nothing, with no money to hold": (
        Setting((10**10, 10**7), (0, 0), 10**4, (0, 0, 0)),
        [("place", Placed(1, 1, 0, price=95, sl=96, flags=REDUCE_ONLY))],
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_before_stays_mended(name: str) -> None:
    setting, commands = FOUND[name]
    run(Pair(setting), commands)


def any_order(rng: random.Random, middle: int) -> Placed:
    """Mostly limits around a middle that wanders, with every condition now and then."""
    account, instrument, side, strategy = (
        rng.choice(ACCOUNTS),
        rng.choice([1, 1, 2]),
        rng.randint(0, 1),
        rng.choice([0, 7]),
    )
    price = middle + rng.choice([-1, 1]) * rng.choice([0, 1, 2, 3, 5, 8, 100, 2500, 7000])
    plain = Placed(
        account,
        instrument,
        side,
        LIMIT,
        rng.choice([GTC, GTC, GTC, IOC, FOK, DAY]),
        0,
        strategy,
        price,
        rng.randint(1, 50),
    )
    draw, away = rng.random(), rng.choice([1, 2, 5])
    if draw < 0.1:
        return plain._replace(kind=MARKET, tif=IOC, price=0)
    if draw < 0.2:
        stop = middle + rng.randint(-4, 4)
        kind = rng.choice([STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT])
        return plain._replace(
            kind=kind, tif=GTC, stop=stop, price=stop if kind in (STOP_LIMIT, TAKE_PROFIT_LIMIT) else 0
        )
    if draw < 0.25:
        return plain._replace(kind=TRAILING_STOP, tif=GTC, price=0, trail=away)
    if draw < 0.35:
        sign = 1 if side == BUY else -1
        return plain._replace(tif=GTC, price=middle, tp=middle + sign * away, sl=middle - sign * away)
    if draw < 0.4:
        return plain._replace(flags=rng.choice([POST_ONLY, REDUCE_ONLY]), tif=GTC)
    return plain


@pytest.mark.parametrize("seed", range(6))
def test_long_random_trading_gives_what_the_oracle_gives(seed: int) -> None:
    rng = random.Random(seed)
    pair = Pair(Setting(rng.choice([(1, 1), (10**10, 10**7)]), rng.choice([(1000, 2000), (7, 13)]), 10**30))
    middle = 10_000
    for _ in range(400):
        if rng.random() < 0.05:
            middle += rng.choice([-3000, 3000, -1, 1])
        draw = rng.random()
        if draw < 0.7:
            pair.place(any_order(rng, middle))
        elif draw < 0.85:
            pair.cancel(pair.known(rng.randint(0, 200)))
        elif draw < 0.98:
            pair.amend(pair.known(rng.randint(0, 200)), 0, middle + rng.randint(-5, 5), rng.randint(1, 60))
        else:
            pair.wait(rng.choice([1, 600, 40_000]))
    pair.replay()


def test_a_batch_gives_the_reports_that_single_calls_give() -> None:
    setting = Setting((1, 1), (1000, 2000), 10**9, (0, 0, 0))
    one, many = Pair(setting).core, Pair(setting).core
    rng, packed, singly = random.Random(3), b"", b""
    for n in range(1, 300):
        account, side, price, quantity = (
            rng.choice(ACCOUNTS),
            rng.randint(0, 1),
            rng.randint(95, 105),
            rng.randint(1, 40),
        )
        one.place(n, n, account, 1, 1, side, LIMIT, GTC, 0, 5, price, quantity)
        singly += one.reports()
        packed += command(
            _core.OP_PLACE, n, account=account, instrument=1, spec_version=1, side=side, strategy=5, price_ticks=price,
            qty_lots=quantity, at_ns=n,
        )  # fmt: skip
    batch = many.process(packed)
    assert letters(batch) == letters(singly)
    assert [r._replace(command_index=0) for r in read(batch)] == [r._replace(command_index=0) for r in read(singly)]
    assert one.hash() == many.hash()
    own = {
        r.order_no - 1 for r in read(batch) if r.command_index != _core.NO_COMMAND and r.command_index != r.order_no - 1
    }
    assert not own
