"""A simulated market has a past: it ends at the price the market starts from, clusters like it, and is never written over."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import fmean, pstdev

import pytest

from marketdata import clock
from marketdata.domain import Kline
from marketdata.models import Asset, Exchange, Instrument
from marketdata.services import history as bars_of
from marketdata.services import latest, store_klines
from marketdata.store import find_gaps
from orders import _core
from orders.simulator import SimInstrument, Simulator, history
from orders.simulator.path import minutes
from orders.simulator.prng import Prng
from orders.simulator.spec import habits
from orders.simulator.volatility import Volatility
from tests.orders.simulations import BTC, INSTRUMENTS, World

NOW = datetime(2026, 3, 5, 12, 30, 17, tzinfo=UTC)
WEEK = 7 * 24 * 60


def past(count: int = WEEK, seed: int = 1, start: float | None = None) -> list[tuple[int, int, int, int, int]]:
    found = habits(INSTRUMENTS[0])
    return minutes(count, 6_400_000.0, 6_400_000.0, found, Prng(seed), Volatility(300.0), start)


def test_it_ends_at_the_price_the_market_starts_from() -> None:
    assert past()[-1][3] == 6_400_000


def test_a_gap_begins_where_the_stored_bars_ended() -> None:
    bars = past(90, start=6_300_000.0)
    assert bars[0][0] == 6_300_000
    assert bars[-1][3] == 6_400_000


def test_each_bar_opens_where_the_last_one_closed_and_holds_its_ends() -> None:
    bars = past()
    assert all(before[3] == after[0] for before, after in pairwise(bars))
    assert all(0 < low <= min(opens, closes) <= max(opens, closes) <= high for opens, high, low, closes, _ in bars)
    assert all(bar[4] > 0 for bar in bars)


def test_nervous_minutes_come_in_clusters() -> None:
    for seed in range(3):
        moves = [abs(math.log(bar[3] / bar[0])) for bar in past(seed=seed)]
        mean = fmean(moves)
        ahead = sum((a - mean) * (b - mean) for a, b in pairwise(moves)) / sum((move - mean) ** 2 for move in moves)
        assert ahead > 0.05


def test_a_week_moves_as_much_as_was_asked_for() -> None:
    days = []
    for seed in range(20):
        closes = [bar[3] for bar in past(seed=seed)]
        days += [math.log(after / before) for before, after in pairwise(closes[::1440])]
    assert 0.02 < pstdev(days) < 0.042


def test_history_and_live_market_trade_alike() -> None:
    world = World(INSTRUMENTS[0])
    world.run(50 * 60 * 4)
    live = sum(one.lots for one in world.simulator.tape.take()) / 4
    made = fmean(bar[4] for bar in past())
    assert 0.4 < live / made < 2.5


@pytest.fixture
def rows() -> list[Instrument]:
    exchange = Exchange.objects.create(name="sim", source="simulator")
    usdt, *bases = (Asset.objects.create(code=code) for code in ("USDT", "A", "B", "C", "D", "E", "F", "G", "H"))
    return [
        Instrument.objects.create(
            exchange=exchange, symbol=f"{base.code}/USDT", base=base, quote=usdt, settle=usdt,
            tick_size=Decimal("0.01"), lot_size=Decimal("0.001"), simulation={"start_price": 100 + 50 * number},
        )
        for number, base in enumerate(bases)
    ]  # fmt: skip


def simulator(rows: list[Instrument]) -> Simulator:
    return Simulator(_core.Core(), [SimInstrument.of(row) for row in rows], 7)


@pytest.mark.django_db(transaction=True)
def test_eight_instruments_get_a_week_in_less_than_ten_seconds(rows: list[Instrument]) -> None:
    market = simulator(rows)
    started = time.monotonic()
    assert history.ensure(market, NOW) == 8 * WEEK
    assert time.monotonic() - started < 10
    for row in rows:
        newest = latest(row.pk)
        assert newest is not None
        assert clock.from_ms(newest.open_ms) == NOW.replace(second=0) - timedelta(minutes=1)
        assert newest.close == row.simulation["start_price"] == market.price(row.pk) * 0.01
        assert find_gaps(row.pk, "1m", NOW - timedelta(days=8), NOW) == []
    assert history.ensure(market, NOW) == 0


@pytest.mark.django_db
def test_the_minutes_of_a_stop_are_made_up_and_no_more(rows: list[Instrument]) -> None:
    rows = rows[:1]
    market = simulator(rows)
    history.ensure(market, NOW)
    before = bars_of(rows[0].pk, "1m")
    later = NOW + timedelta(hours=2)
    market = simulator(rows)
    saved = market.market(rows[0].pk).save() | {"fair": 10_100.0, "as_of_ns": clock.to_ms(NOW) * 1_000_000}
    market.load_state({"version": 1, "markets": {str(rows[0].pk): saved}})
    assert history.ensure(market, later) == 120
    after = bars_of(rows[0].pk, "1m")
    assert after[-121] == before[-1]
    assert after[-120].open == before[-1].close
    assert after[-1].close == Decimal("101")
    assert find_gaps(rows[0].pk, "1m", NOW - timedelta(days=7), later) == []


@pytest.mark.django_db
def test_without_a_checkpoint_the_market_resumes_at_its_last_bar(rows: list[Instrument]) -> None:
    hour_ago = clock.to_ms(NOW.replace(second=0) - timedelta(hours=1))
    price = Decimal("123.45")
    store_klines(rows[0].pk, "1m", [Kline(hour_ago, price, price, price, price, Decimal(1))])
    market = simulator(rows[:1])
    assert history.ensure(market, NOW) == 59
    assert market.price(rows[0].pk) == pytest.approx(12_345)
    newest = latest(rows[0].pk)
    assert newest is not None
    assert newest.close == price


@pytest.mark.django_db
def test_bars_newer_than_the_checkpoint_are_believed(rows: list[Instrument]) -> None:
    market = simulator(rows[:1])
    history.ensure(market, NOW)
    market = simulator(rows[:1])
    an_hour_before = clock.to_ms(NOW - timedelta(hours=1)) * 1_000_000
    saved = market.market(rows[0].pk).save() | {"fair": 20_000.0, "as_of_ns": an_hour_before}
    market.load_state({"version": 1, "markets": {str(rows[0].pk): saved}})
    history.ensure(market, NOW + timedelta(minutes=1))
    assert market.price(rows[0].pk) == pytest.approx(10_000)


@pytest.mark.django_db
def test_a_replayed_instrument_keeps_the_past_it_has(rows: list[Instrument]) -> None:
    Exchange.objects.update(source="replay")
    rows = list(Instrument.objects.select_related("exchange"))
    assert history.ensure(simulator(rows), NOW) == 0


def test_the_live_market_starts_beside_its_history() -> None:
    world = World(INSTRUMENTS[0])
    assert abs(world.mid(BTC) / past()[-1][3] - 1) < 0.0002
