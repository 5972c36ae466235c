"""A fork is the core as it is now, and from then on a core of its own."""

from __future__ import annotations

import random

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BTC_USDT, BUY, SELL, Desk, make_core, set_instrument

OTHER = 2


def traded(seed: int, orders: int = 400) -> tuple[_core.Core, Desk]:
    """A core in the middle of a day's work: two instruments, books inside and outside their windows, fills, fees."""
    core = make_core(taker_fee_ppm=500)
    set_instrument(core, OTHER)
    desk, chance = Desk(core), random.Random(seed)
    for _ in range(orders):
        far = chance.choice((0, 0, 0, 100_000))
        desk.place(
            chance.choice((ALICE, BOB)),
            chance.randint(0, 1),
            1_000_000 + chance.randint(-20, 20) + far,
            chance.randint(1, 30),
            instrument=chance.choice((BTC_USDT, OTHER)),
            flags=_core.FLAG_ALLOW_SELF_TRADE,
        )
        if chance.random() < 0.2:
            core.cancel(desk.now, chance.randint(1, desk.last_no))
    return core, desk


def picture(core: _core.Core) -> tuple[object, ...]:
    """Both halves, as far as anybody can look."""
    books = [core.depth(instrument, 100) for instrument in (BTC_USDT, OTHER)]
    accounts = [(core.open_orders(a), core.positions(a), core.balance(a, 1), core.balance(a, 2)) for a in (ALICE, BOB)]
    return core.hash(), books, accounts


def work(core: _core.Core, desk_at: int) -> bytes:
    """The same further trading for whoever is given."""
    desk, chance = Desk(core), random.Random(99)
    desk.last_no = desk.now = desk_at
    for _ in range(200):
        desk.place(
            ALICE, chance.randint(0, 1), 1_000_000 + chance.randint(-30, 30), 5, flags=_core.FLAG_ALLOW_SELF_TRADE
        )
        core.cancel(desk.now, chance.randint(1, desk.last_no))
    return core.reports()


@pytest.mark.parametrize("seed", range(5))
def test_a_fork_is_the_core_and_does_what_it_would_do(seed: int) -> None:
    core, desk = traded(seed)
    core.reports()
    fork = core.fork()
    assert picture(fork) == picture(core)
    fork.verify()
    assert work(fork, desk.now) == work(core, desk.now)
    assert picture(fork) == picture(core)


def test_what_a_fork_does_never_touches_the_original() -> None:
    core, desk = traded(7)
    before = picture(core)
    fork = core.fork()
    work(fork, desk.now)
    fork.post(ALICE, 1, 5)
    fork.set_halt(_core.SCOPE_GLOBAL, 0, _core.HALT_HALTED)
    fork.set_account(77, owner=77)
    set_instrument(fork, 3)
    assert picture(core) == before
    assert picture(fork) != before
    del fork
    core.verify()
    assert picture(core) == before


def test_what_the_original_does_never_touches_a_fork() -> None:
    core, desk = traded(8)
    fork = core.fork()
    before = picture(fork)
    work(core, desk.now)
    del core
    assert picture(fork) == before
    fork.verify()


def test_a_fork_has_no_reports_or_prints_to_give_and_the_original_keeps_its_own() -> None:
    core, _ = traded(9)
    fork = core.fork()
    assert fork.reports() == b"" == fork.tape()
    assert core.reports() != b"" != core.tape()


def test_a_fork_of_a_fork_of_an_empty_core_works() -> None:
    fork = _core.Core().fork().fork()
    set_instrument(fork)
    assert fork.best(BTC_USDT) == (None, 0, None, 0)


def test_a_fork_answers_what_an_order_would_cost_without_placing_it() -> None:
    core, desk = traded(10)
    fork = core.fork()
    told = fork.reports()
    assert told == b""
    fork.place(desk.now + 1, 10**6, BOB, BTC_USDT, 1, BUY, 1, 1, _core.FLAG_ALLOW_SELF_TRADE, 0, 0, 10)
    assert fork.stats()["trades"] > core.stats()["trades"]
    assert core.order(10**6) is None and core.market_order(10**6) is None
    assert SELL == 1
