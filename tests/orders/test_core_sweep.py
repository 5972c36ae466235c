"""Cancel many at once: by account or owner, instrument, strategy, side; over as many drainings as it takes."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import (
    ALICE,
    BOB,
    BUY,
    RICH,
    SELL,
    USDT,
    Desk,
    command,
    letters,
    make_core,
    reason_name,
    set_instrument,
    set_limits,
)

ANY, BOTH = _core.ANY_STRATEGY, _core.ANY_SIDE


@pytest.fixture
def desk() -> Desk:
    desk = Desk(make_core())
    set_instrument(desk.core, 2)
    desk.place(ALICE, BUY, 90, 1, number=1)
    desk.place(ALICE, SELL, 110, 1, number=2, strategy=7)
    desk.place(ALICE, BUY, 91, 1, number=3, instrument=2)
    desk.place(ALICE, BUY, 0, 1, number=4, type=_core.TYPE_STOP, stop=120, strategy=7)
    desk.place(BOB, BUY, 89, 1, number=5)
    desk.core.reports()
    return desk


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ((ALICE, 0, ANY, BOTH), []),
        ((ALICE, 2, ANY, BOTH), [1, 2, 4]),
        ((ALICE, 0, 7, BOTH), [1, 3]),
        ((ALICE, 0, 0, BOTH), [2, 4]),
        ((ALICE, 0, ANY, SELL), [1, 3, 4]),
        ((ALICE, 1, 7, BUY), [1, 2, 3]),
        ((BOB, 0, ANY, BOTH), [1, 2, 3, 4]),
    ],
)
def test_it_cancels_what_is_meant_and_nothing_else(desk, words, left):
    assert desk.core.sweep(9, *words) == 0
    assert desk.core.open_orders(ALICE) == left
    desk.core.verify()


def test_of_an_owner_it_cancels_in_all_accounts():
    desk = Desk(make_core())
    desk.core.set_account(BOB, owner=ALICE)
    desk.place(ALICE, BUY, 90, 1)
    desk.place(BOB, BUY, 90, 1)
    assert desk.core.sweep(9, 0, 0, ANY, BOTH, ALICE) == 0
    assert desk.core.open_orders(ALICE) == desk.core.open_orders(BOB) == []


def test_without_an_account_or_an_owner_it_cancels_nothing(desk):
    assert reason_name(desk.core.sweep(9, 0, 0, ANY, BOTH)) == "ACCOUNT_UNKNOWN"
    assert reason_name(desk.core.sweep(9, BOB, 0, ANY, BOTH, ALICE)) == "ACCOUNT_UNKNOWN"
    assert len(desk.core.open_orders(ALICE)) == 4


def test_a_batch_goes_on_until_all_are_canceled_however_small_the_ring():
    core = _core.Core(ring_capacity=8)
    set_instrument(core)
    core.set_account(ALICE, owner=ALICE)
    set_limits(core, ALICE)
    core.post(ALICE, USDT, RICH)
    desk = Desk(core)
    for _ in range(60):
        desk.place(ALICE, BUY, 100, 1)
        core.reports()
    told = core.process(command(_core.OP_SWEEP, 0, account=ALICE, strategy=ANY, side=BOTH))
    assert letters(told) == "4" * 60
    assert core.balance(ALICE, USDT) == (RICH, 0)
    core.verify()
