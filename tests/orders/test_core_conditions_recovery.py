"""Orders with conditions outlive the process: by their reports alone, and by a checkpoint with its books rebuilt."""

from __future__ import annotations

import random

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BUY, SECOND, SELL, Desk, make_core, read, reason_name, set_limits

PROFIT, LOSS = _core.CHILD_TAKE_PROFIT, _core.CHILD_STOP_LOSS
REDUCE_ONLY = _core.FLAG_REDUCE_ONLY


def rebuilt(core: _core.Core) -> _core.Core:
    again = _core.Core()
    again.restore(core.checkpoint())
    assert again.hash() == core.hash()
    again.rebuild_books()
    again.verify()
    return again


def busy() -> Desk:
    """One order of each kind, none of them over."""
    desk = Desk(make_core())
    desk.place(BOB, BUY, 50, 100)
    desk.print(100)
    desk.place(ALICE, BUY, 100, 10, number=101, profit=110, loss=90, loss_limit=89)
    desk.place(BOB, SELL, 100, 4)
    desk.place(ALICE, SELL, 0, 1, number=102, type=_core.TYPE_TRAILING_STOP, trail=10)
    desk.place(
        ALICE, BUY, 121, 1, number=103, type=_core.TYPE_STOP_LIMIT, stop=120, tif=_core.TIF_GTD, expires=9 * SECOND
    )
    desk.place(ALICE, SELL, 130, 2, number=104, flags=REDUCE_ONLY, loss=80)
    desk.agent(SELL, 105, 1)
    desk.agent(BUY, 105, 1)
    return desk


def test_reports_alone_give_the_same_account_half():
    desk = busy()
    again = make_core()
    again.apply(desk.core.reports())
    assert again.hash() == desk.core.hash()
    again.verify()


def test_what_waited_waits_again_and_acts_alike():
    desk = busy()
    desk.core.reports()
    again = rebuilt(desk.core)
    for core in (desk.core, again):
        other = Desk(core)
        other.now, other.last_agent = 1000, 1000
        other.place(BOB, BUY, 110, 2, number=900)  # the take profit
        other.agent(SELL, 89, 5)
        other.agent(BUY, 89, 5)
    first, second = read(desk.core.reports()), read(again.reports())
    assert [(r.order_no, r.exec_type, r.last_lots) for r in first] == [
        (r.order_no, r.exec_type, r.last_lots) for r in second
    ]
    assert {"D", "L", "4", "5", "F"} <= {r.exec_type for r in first}
    assert desk.core.hash() == again.hash()
    again.time(9 * SECOND)
    assert [(r.order_no, r.exec_type) for r in read(again.reports())] == [(103, "C")]


def test_a_bracket_goes_on_bearing_after_a_restart():
    desk = Desk(make_core())
    desk.place(ALICE, BUY, 100, 10, number=7, profit=110, loss=90)
    again = Desk(rebuilt(desk.core))
    again.place(BOB, SELL, 100, 4, number=8)
    third = Desk(rebuilt(again.core))
    third.place(BOB, SELL, 100, 6, number=9)
    assert [third.core.order(7 | leg)["qty_lots"] for leg in (PROFIT, LOSS)] == [10, 10]
    third.core.verify()


def test_a_fork_waits_apart():
    desk = busy()
    before = desk.core.hash()
    fork = Desk(desk.core.fork())
    fork.last_agent = 1000
    fork.print(125)
    assert {"D", "F", "5"} <= {r.exec_type for r in read(fork.core.reports())}
    assert desk.core.hash() == before
    desk.core.verify()
    fork.core.verify()


@pytest.mark.parametrize("seed", range(12))
def test_anything_that_happens_can_be_followed_by_its_reports(seed: int):
    draw = random.Random(seed)
    desk, again = Desk(make_core()), make_core()
    for account in (ALICE, BOB):
        for core in (desk.core, again):
            set_limits(core, account, self_trade=seed % 3)
    for number in range(1, 400):
        act(desk, draw, number)
        again.apply(desk.core.reports())
        assert again.hash() == desk.core.hash(), number
        if number % 50 == 0:
            desk.core.verify()
            rebuilt(desk.core)
    again.verify()


def act(desk: Desk, draw: random.Random, number: int) -> None:
    at = number * SECOND // 4
    what = draw.random()
    side, price, lots = draw.choice((BUY, SELL)), draw.randint(90, 110), draw.randint(1, 9)
    if what < 0.35:
        desk.now = at
        desk.agent(side, price, lots, type=draw.choice((_core.TYPE_LIMIT, _core.TYPE_MARKET)))
    elif what < 0.45:
        desk.core.cancel(at, draw.randint(1, number) | draw.choice((0, PROFIT, LOSS)))
    elif what < 0.55:
        desk.core.amend(at, draw.randint(1, number) | draw.choice((0, PROFIT, LOSS)), 0, draw.choice((0, price)), lots)
    elif what < 0.57:
        desk.core.sweep(at, draw.choice((ALICE, BOB)), 0, _core.ANY_STRATEGY, side)
    else:
        place(desk, draw, number, at, side, price, lots)


def place(desk: Desk, draw: random.Random, number: int, at: int, side: int, price: int, lots: int) -> None:
    kind = draw.choice((0, 0, 0, 1, 2, 3, 4, 5, 6))
    away = 1 if side == BUY else -1
    words: dict[str, int] = {"type": kind, "tif": draw.choice((0, 0, 0, 1, 2, 3)), "at": at}
    if kind > _core.TYPE_MARKET:
        words["stop"] = draw.randint(90, 110)
    if kind == _core.TYPE_TRAILING_STOP:
        words["trail"] = draw.randint(1, 8)
    if draw.random() < 0.3:
        words |= {"profit": price + 4 * away, "loss": price - 4 * away}
    elif draw.random() < 0.2:
        words |= {"flags": REDUCE_ONLY, "loss": price + 5 * away}
    account = draw.choice((ALICE, BOB))
    assert reason_name(desk.place(account, side, price, lots, number=number, **words)) != "CAPACITY"
