"""A check says what a place would answer, of every control, and changes nothing; both are functions of the state alone (I31)."""

from __future__ import annotations

import random

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BTC, BTC_USDT, BUY, SELL, USDT, Desk, make_core, set_limits

SECOND = 1_000_000_000


def named(
    verdicts: list[tuple[int, bool, int | None, int | None, int | None]],
) -> dict[str, tuple[bool, int | None, int | None]]:
    return {_core.REASONS[reason]: (ok, limit, room) for reason, ok, limit, _, room in verdicts}


def test_every_control_answers_with_the_room_that_is_left():
    core = make_core()
    set_limits(core, ALICE, notional_max=1000, open_orders_max=2, rate_per_second=1, rate_burst=1, collar_bp=300)
    desk = Desk(core)
    desk.place(BOB, BUY, 99, 5)
    desk.place(BOB, SELL, 101, 5)
    verdicts = core.check(SECOND, 9, ALICE, BTC_USDT, 1, BUY, 0, 0, 0, 0, 100, 9)
    answer = named(verdicts)
    assert all(ok for ok, _, _ in answer.values())
    assert answer["NOTIONAL_MAX"] == (True, 1000, 100)
    assert answer["OPEN_ORDERS_MAX"][0]
    assert answer["PRICE_COLLAR"] == (True, 103, 3)
    assert answer["BALANCE_INSUFFICIENT"] == (True, 10**12, 10**12 - 900)
    assert answer["PRICE_FAR"] == (True, None, None)
    assert len(verdicts) >= 20


def test_every_control_is_asked_even_after_one_said_no():
    core = make_core()
    set_limits(core, ALICE, notional_max=10, quantity_max=1)
    answer = named(core.check(SECOND, 9, ALICE, BTC_USDT, 1, BUY, 0, 0, 0, 0, 10**12, 9))
    assert [code for code, (ok, _, _) in answer.items() if not ok] == [
        "QTY_MAX",
        "NOTIONAL_MAX",
        "BALANCE_INSUFFICIENT",
    ]


def test_a_check_takes_no_token_and_leaves_no_trace():
    core = make_core()
    set_limits(core, ALICE, rate_per_second=1, rate_burst=1, duplicate_ms=1000, message_per_second=1, message_burst=3)
    order = (SECOND, 9, ALICE, BTC_USDT, 1, BUY, 0, 0, 0, 0, 100, 1)
    before, stats = core.checkpoint(), core.stats()
    for _ in range(50):
        assert all(verdict[1] for verdict in core.check(*order))
    assert core.checkpoint() == before and core.stats() == stats and core.reports() == b""
    assert core.place(*order) == 0


def test_what_cannot_be_compared_ends_the_list():
    core = make_core()
    assert list(named(core.check(1, 9, ALICE, 77, 1, BUY, 0, 0, 0, 0, 100, 1)))[-1] == "INSTRUMENT_UNKNOWN"
    assert list(named(core.check(1, 9, 77, 1, 1, BUY, 0, 0, 0, 0, 100, 1)))[-1] == "ACCOUNT_UNKNOWN"


def limits_of(dice: random.Random) -> dict[str, int]:
    every = {
        "open_orders_max": 12, "open_orders_instrument_max": 10, "notional_max": 1200, "rate_per_second": 3, "rate_burst": 6,
        "message_per_second": 4, "message_burst": 12, "self_trade": 1, "duplicate_ms": 900, "collar_bp": 400, "far_bp": 700,
        "impact_bp": 90, "volatility_bp": 500, "volatility_window_s": 5, "volatility_pause_s": 5, "position_max": 3000,
        "gross_max": 3200, "quantity_max": 11,
    }  # fmt: skip
    return {code: value for code, value in every.items() if dice.random() < 0.4 or code.startswith("volatility")}


@pytest.mark.parametrize("seed", range(12))
def test_place_refuses_exactly_what_check_names_first(seed: int):
    dice = random.Random(seed)
    core = make_core(taker_fee_ppm=1000)
    core.set_account(ALICE, owner=ALICE, exchange=1, reporting_asset=USDT)
    desk = Desk(core)
    now, met = SECOND, set()
    for number in range(1, 600):
        now += dice.randrange(SECOND)
        if number % 40 == 1:
            set_limits(core, ALICE, **limits_of(dice))
            scope, key = dice.choice([(_core.SCOPE_GLOBAL, 0), (_core.SCOPE_OWNER, ALICE), (_core.SCOPE_INSTRUMENT, 1)])
            core.set_limits(
                scope, key, open_orders_max=dice.randrange(30), rate_per_second=dice.randrange(5), rate_burst=9
            )
            core.set_halt(_core.SCOPE_EXCHANGE, 1, dice.choice([0, 0, 1, 2]))
            core.set_gates(_core.SCOPE_ACCOUNT, ALICE, dice.choice([0, 0, 0, 2, 4]))
        core.mark(BTC_USDT, 100, now)
        desk.place(BOB, dice.randrange(2), dice.randrange(97, 104), dice.randrange(1, 9), at=now, number=number * 2)
        kind = dice.random() < 0.2
        order = (
            now, number * 2 + 1, ALICE, BTC_USDT, 1, dice.randrange(2), int(kind), int(kind), 0, 0,
            0 if kind else dice.randrange(90, 110), dice.randrange(0, 13),
        )  # fmt: skip
        first = core.check(*order)
        assert core.check(*order) == first  # the same state, the same answer
        no = next((reason for reason, ok, *_ in first if not ok), 0)
        assert core.place(*order) == no, (_core.REASONS.get(no), order)
        met.add(no)
        if dice.random() < 0.3:
            core.cancel(now, dice.choice(core.open_orders(ALICE) or [0]))
    core.verify()
    assert len(met) > 5 and core.balance(ALICE, BTC)
