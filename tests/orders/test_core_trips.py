"""What the core halts by itself: the events that make it, the record it leaves, and that only a person or the clock ends it."""

from __future__ import annotations

import struct
from typing import NamedTuple

import pytest

from marketdata.blocks import PROOF
from orders import _core
from tests.orders.core_cast import (
    ALICE,
    BOB,
    BTC,
    BTC_USDT,
    BUY,
    SELL,
    USDT,
    Desk,
    command,
    make_core,
    set_limits,
)
from tests.orders.mirror_cast import Told, packed

SECOND = 1_000_000_000
GRID = 2**63 + 5


class Trip(NamedTuple):
    at_ns: int
    until_ns: int
    key: int
    scope: int
    why: str
    state: int
    limit: int
    value: int


def trips(core: _core.Core) -> list[Trip]:
    rows = struct.iter_unpack(_core.TRIP_FORMAT, core.trips())
    return [
        Trip(*row[:4], _core.REASONS[row[4]], row[5], row[6] + (row[7] << 64), row[8] + (row[9] << 64)) for row in rows
    ]


def fill(desk: Desk, price: int = 100, at: int = 0, **more: int) -> None:
    """Alice buys one from Bob."""
    desk.place(BOB, SELL, price, 1, at=at)
    desk.place(ALICE, BUY, price, 1, at=at, **more)


def test_a_strategy_that_trades_too_often_is_halted_until_a_person_lets_it_go_on():
    core = make_core()
    set_limits(core, ALICE, executions_max=3, executions_window_s=60)
    desk = Desk(core)
    for second in (0, 1, 61, 62):
        fill(desk, at=second * SECOND, strategy=GRID)
    assert trips(core) == []
    fill(desk, at=63 * SECOND, strategy=GRID)
    (trip,) = trips(core)
    assert trip[2:] == (GRID, _core.SCOPE_STRATEGY, "REPEATED_EXECUTION", _core.HALT_HALTED, 3, 3)
    assert desk.why(ALICE, BUY, 90, 1, strategy=GRID, at=10**6 * SECOND) == "REPEATED_EXECUTION"
    assert desk.why(ALICE, BUY, 90, 1, at=64 * SECOND) == ""  # by hand
    core.set_halt(_core.SCOPE_STRATEGY, GRID, _core.HALT_ACTIVE)
    fill(desk, at=64 * SECOND, strategy=GRID)
    assert trips(core) == []  # counted anew
    assert desk.why(ALICE, BUY, 90, 1, strategy=GRID, at=64 * SECOND) == ""


@pytest.mark.parametrize(
    ("strategy", "scope", "key"), [(GRID, _core.SCOPE_STRATEGY, GRID), (0, _core.SCOPE_ACCOUNT, ALICE)]
)
def test_a_storm_of_rejects_halts_who_sent_them(strategy: int, scope: int, key: int):
    core = make_core()
    set_limits(core, ALICE, rejects_max=3, rejects_window_s=60)
    desk = Desk(core)
    for second in (1, 2, 3):
        desk.place(ALICE, BUY, 90, 1, strategy=strategy, at=second * SECOND)
        core.process(command(_core.OP_CLOSE, desk.last_no, type=ord("8"), at_ns=second * SECOND))
    assert [trip[2:6] for trip in trips(core)] == [(key, scope, "REJECT_STORM", _core.HALT_HALTED)]
    assert desk.why(ALICE, BUY, 90, 1, strategy=strategy) == "REJECT_STORM"


def test_an_exchange_whose_outcomes_are_unknown_only_reduces():
    core = make_core()
    set_limits(core, ALICE, unknown_max=2, unknown_window_s=60)
    core.outcome(ALICE, 1, _core.OUTCOME_UNKNOWN, 1)
    core.outcome(ALICE, 1, _core.OUTCOME_UNKNOWN, 62 * SECOND)
    assert trips(core) == []
    core.outcome(ALICE, 1, _core.OUTCOME_UNKNOWN, 63 * SECOND)
    assert [trip[2:6] for trip in trips(core)] == [(1, _core.SCOPE_EXCHANGE, "EXCHANGE_DEGRADED", _core.HALT_REDUCING)]
    assert Desk(core).why(ALICE, BUY, 90, 1) == "EXCHANGE_DEGRADED"


def test_an_exchange_that_fails_too_many_requests_only_reduces():
    core = make_core()
    set_limits(core, ALICE, errors_bp=3000, errors_window_s=60)
    for n in range(20):
        core.outcome(ALICE, 1, _core.OUTCOME_FAILED if n < 6 else _core.OUTCOME_ANSWERED, n)
    assert trips(core) == []  # 30 % is not more than 30 %
    core.outcome(ALICE, 1, _core.OUTCOME_FAILED, 30)
    assert [(trip.why, trip.limit, trip.value) for trip in trips(core)] == [("EXCHANGE_DEGRADED", 3000, 3333)]


def test_after_a_losing_close_there_is_a_pause():
    core = make_core()
    set_limits(core, ALICE, cooldown_s=300)
    desk = Desk(core)
    fill(desk, at=SECOND)
    desk.place(BOB, BUY, 99, 1, at=SECOND)
    desk.place(ALICE, SELL, 99, 1, at=SECOND)
    (trip,) = trips(core)
    assert trip[1:6] == (301 * SECOND, ALICE << 32 | BTC_USDT, _core.SCOPE_POSITION, "COOLDOWN", _core.HALT_REDUCING)
    assert desk.why(ALICE, BUY, 90, 1, at=301 * SECOND - 1) == "COOLDOWN"
    assert desk.why(BOB, BUY, 90, 1, at=2 * SECOND) == ""
    assert desk.why(ALICE, BUY, 90, 1, at=301 * SECOND) == ""


def test_a_winning_close_and_a_loss_that_stays_open_pause_nothing():
    core = make_core()
    set_limits(core, ALICE, cooldown_s=300)
    desk = Desk(core)
    fill(desk)
    fill(desk)
    desk.place(BOB, BUY, 99, 1)
    desk.place(ALICE, SELL, 99, 1)
    desk.place(BOB, BUY, 101, 1)
    desk.place(ALICE, SELL, 101, 1)
    assert trips(core) == []


def test_what_tripped_is_a_halt_that_a_replay_is_told():
    core = make_core()
    set_limits(core, ALICE, executions_max=2, executions_window_s=60)
    desk = Desk(core)
    fill(desk, strategy=GRID)
    fill(desk, strategy=GRID)
    reports = core.reports()
    (trip,) = trips(core)
    again = make_core()
    set_limits(again, ALICE, executions_max=2, executions_window_s=60)
    again.apply(reports)
    assert again.trips() == b""
    assert again.hash() == core.hash()
    number = next(number for number, name in _core.REASONS.items() if name == trip.why)
    again.set_halt(trip.scope, trip.key, trip.state, number, trip.until_ns, trip.limit, trip.value)
    assert again.hash() == core.hash()
    for one in (core, again):
        one.set_halt(trip.scope, trip.key, _core.HALT_ACTIVE)
    assert again.hash() == core.hash()


def test_stops_that_lose_lock_the_instrument_for_a_while():
    core = make_core()
    set_limits(core, ALICE, stop_outs_max=2, stop_outs_window_s=60, stop_outs_pause_s=100)
    desk = Desk(core)
    for price in (100, 99, 98):
        fill(desk, price=100, at=SECOND)
        desk.place(BOB, BUY, price, 1, at=SECOND)
        desk.place(ALICE, SELL, 0, 1, at=SECOND, strategy=0, type=_core.TYPE_STOP, stop=101)  # reached already
    assert core.position(ALICE, 1, 0)[0] == 0
    assert desk.why(ALICE, BUY, 90, 1, at=101 * SECOND - 1) == "STOPLOSS_GUARD"
    assert desk.why(BOB, BUY, 90, 1, at=2 * SECOND) == ""
    assert desk.why(ALICE, BUY, 90, 1, at=101 * SECOND) == ""


def worth_trading() -> Desk:
    """Alice has 1,000 USDT of her own and counts in them."""
    core = make_core(rich=False)
    core.set_account(ALICE, owner=ALICE, exchange=1, reporting_asset=USDT)
    core.post(ALICE, USDT, 1000)
    core.post(BOB, BTC, 1000)
    core.post(BOB, USDT, 10**6)
    core.mark(BTC_USDT, 100, SECOND)
    core.day_open(0)
    return Desk(core)


def test_a_loss_of_the_day_lets_only_reduce_until_a_person_resumes():
    desk = worth_trading()
    core = desk.core
    set_limits(core, ALICE, daily_loss_bp=300)
    desk.place(BOB, SELL, 100, 6)
    desk.place(ALICE, BUY, 100, 6)
    core.mark(BTC_USDT, 95, 2 * SECOND)
    assert trips(core) == []  # 3 % is not more than 3 %
    core.mark(BTC_USDT, 94, 3 * SECOND)
    assert [trip[2:] for trip in trips(core)] == [
        (ALICE, _core.SCOPE_ACCOUNT, "DAILY_LOSS", _core.HALT_REDUCING, 300, 360)
    ]
    assert desk.why(ALICE, BUY, 90, 1) == "DAILY_LOSS"
    assert desk.why(ALICE, SELL, 100, 6) == ""
    core.set_halt(_core.SCOPE_ACCOUNT, ALICE, _core.HALT_ACTIVE)
    core.mark(BTC_USDT, 94, 4 * SECOND)
    assert trips(core) == []  # what was lost is forgiven: the next loss counts from here
    assert desk.why(ALICE, BUY, 90, 1) == ""


def test_a_deposit_is_no_gain_that_hides_a_loss():
    desk = worth_trading()
    core = desk.core
    set_limits(core, ALICE, daily_loss_bp=300)
    desk.place(BOB, SELL, 100, 6)
    desk.place(ALICE, BUY, 100, 6)
    core.post(ALICE, USDT, 1000)
    core.mark(BTC_USDT, 90, 2 * SECOND)
    assert trips(core) == []  # 60 of 2,000
    core.mark(BTC_USDT, 89, 2 * SECOND)
    assert [trip.why for trip in trips(core)] == ["DAILY_LOSS"]


def test_a_loss_from_the_peak_halts():
    desk = worth_trading()
    core = desk.core
    set_limits(core, ALICE, drawdown_bp=1000)
    desk.place(BOB, SELL, 100, 10)
    desk.place(ALICE, BUY, 100, 10)
    core.mark(BTC_USDT, 200, 2 * SECOND)
    core.mark(BTC_USDT, 180, 3 * SECOND)
    assert trips(core) == []
    core.mark(BTC_USDT, 179, 4 * SECOND)
    assert [(trip.why, trip.state, trip.value) for trip in trips(core)] == [("MAX_DRAWDOWN", _core.HALT_HALTED, 1050)]
    assert desk.why(ALICE, SELL, 100, 1) == "MAX_DRAWDOWN"


def test_a_mirrored_market_that_goes_quiet_only_reduces_until_it_is_heard_again():
    core = make_core(stale_after_ns=2 * SECOND)
    core.set_mirror(BTC_USDT, on=True, front_ppm=500_000)
    told = Told()
    core.watch(9 * SECOND)
    assert trips(core) == []  # it was never heard
    core.market(packed(told.snapshot(10_000, {99: 5}, {101: 5})), 10 * SECOND)
    core.watch(12 * SECOND)
    assert trips(core) == []
    core.watch(12 * SECOND + 1)
    core.watch(13 * SECOND)
    (trip,) = trips(core)
    assert trip[2:] == (
        BTC_USDT, _core.SCOPE_INSTRUMENT, "DATA_STALE", _core.HALT_REDUCING, 2 * SECOND, 2 * SECOND + 1
    )  # fmt: skip
    assert Desk(core).why(ALICE, BUY, 90, 1, at=13 * SECOND) == "DATA_STALE"
    core.market(packed([told.record(PROOF, 14_000)]), 14 * SECOND)
    core.watch(14 * SECOND)
    assert [(trip.why, trip.state) for trip in trips(core)] == [("DATA_STALE", _core.HALT_ACTIVE)]
    assert Desk(core).why(ALICE, BUY, 90, 1, at=14 * SECOND) == ""
    core.verify()


def test_windows_outlive_a_checkpoint():
    core = make_core()
    set_limits(core, ALICE, executions_max=2, executions_window_s=60)
    desk = Desk(core)
    fill(desk, strategy=GRID)
    again = _core.Core()
    again.restore(core.checkpoint())
    desk.core = again
    fill(desk, strategy=GRID)
    assert [trip.why for trip in trips(again)] == ["REPEATED_EXECUTION"]


@pytest.mark.parametrize(
    ("scope", "gate", "reason", "reducing"),
    [
        (_core.SCOPE_ACCOUNT, _core.GATE_ARM, "LIVE_NOT_ARMED", "LIVE_NOT_ARMED"),
        (_core.SCOPE_ACCOUNT, _core.GATE_RECONCILE, "RECONCILING", ""),
        (_core.SCOPE_EXCHANGE, _core.GATE_CLOCK, "CLOCK_UNSAFE", ""),
    ],
)
def test_a_closed_gate_lets_nothing_open(scope: int, gate: int, reason: str, reducing: str):
    core = make_core()
    desk = Desk(core)
    fill(desk)
    core.set_gates(scope, 1, gate)
    assert desk.why(ALICE, BUY, 90, 1) == reason
    assert desk.why(ALICE, SELL, 200, 1) == reducing
    assert core.cancel(9, desk.last_no) == 0 or reducing
    core.set_gates(scope, 1, 0)
    assert desk.why(ALICE, BUY, 90, 1) == ""
    core.verify()
