"""Bars in and out of the table: what is new, what differs, what the longer intervals say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from marketdata import clock, store
from marketdata.domain import Gap, Kline
from marketdata.klines import aggregate
from tests.marketdata.conftest import MINUTE_MS, START_MS

pytestmark = pytest.mark.django_db


def minute(number: int, close: int = 101, volume: str = "1.5") -> Kline:
    opened = Decimal(100 + number % 5)
    return Kline(
        START_MS + number * MINUTE_MS, opened, Decimal(120), Decimal(80), Decimal(close + number % 3), Decimal(volume)
    )


def test_bars_are_new_then_unchanged_then_updated(btc: Any) -> None:
    bars = [minute(n) for n in range(10)]
    assert (store.store_klines(btc.pk, "1m", bars).new) == 10
    again = store.store_klines(btc.pk, "1m", [*bars, minute(10)])
    assert (again.new, again.updated, again.unchanged) == (1, 0, 10)
    changed = store.store_klines(btc.pk, "1m", [minute(3, close=105), minute(4)])
    assert (changed.new, changed.updated, changed.unchanged) == (0, 1, 1)
    assert store.history(btc.pk, "1m")[3].close == 105


def test_of_the_same_bar_twice_the_later_counts(btc: Any) -> None:
    stored = store.store_klines(btc.pk, "1m", [minute(0), minute(1), minute(0, close=110)])
    assert (stored.rows, stored.new, stored.duplicates) == (3, 2, 1)
    assert store.history(btc.pk, "1m")[0].close == 110


def test_bars_of_two_instruments_go_in_together(btc: Any, make_instrument: Any) -> None:
    eth = make_instrument(symbol="ETH/USDT")
    stored = store.store_bars([(btc.pk, "1m", minute(0)), (eth.pk, "1m", minute(0)), (btc.pk, "1m", minute(1))])
    assert stored.new == 3
    assert len(store.history(btc.pk, "1m")) == 2
    assert len(store.history(eth.pk, "1m")) == 1


def test_nothing_is_nothing(btc: Any) -> None:
    assert store.store_klines(btc.pk, "1m", []).rows == 0
    assert store.latest(btc.pk) is None
    assert store.history(btc.pk, "1h") == []


@pytest.mark.parametrize("interval", ["5m", "15m", "1h", "4h", "1d", "1w"])
def test_longer_intervals_equal_their_minutes_added_up(btc: Any, interval: str) -> None:
    bars = [minute(n) for n in range(3000) if n % 37]
    store.store_klines(btc.pk, "1m", bars)
    found = store.history(btc.pk, interval, limit=5000)
    assert [bar._replace(closed=True) for bar in found] == [
        bar._replace(closed=True) for bar in aggregate(bars, interval)
    ]


def test_an_unfinished_longer_bar_is_open(btc: Any) -> None:
    store.store_klines(btc.pk, "1m", [minute(n) for n in range(8)])
    assert [bar.closed for bar in store.history(btc.pk, "5m")] == [True, False]


def test_imported_bars_of_an_interval_win_over_added_up_minutes(btc: Any) -> None:
    store.store_klines(btc.pk, "1m", [minute(n) for n in range(120)])
    own = Kline(START_MS, Decimal(1), Decimal(9), Decimal(1), Decimal(2), Decimal(7))
    store.store_klines(btc.pk, "1h", [own])
    hours = store.history(btc.pk, "1h")
    assert hours[0] == own
    assert len(hours) == 2


def test_the_newest_are_kept_when_there_are_more_than_asked(btc: Any) -> None:
    store.store_klines(btc.pk, "1m", [minute(n) for n in range(50)])
    assert [bar.open_ms for bar in store.history(btc.pk, "1m", limit=2)] == [minute(48).open_ms, minute(49).open_ms]
    until = clock.from_ms(minute(10).open_ms)
    since = clock.from_ms(minute(8).open_ms)
    assert [bar.open_ms for bar in store.history(btc.pk, "1m", first=since, end=until)] == [
        minute(8).open_ms,
        minute(9).open_ms,
    ]


def test_longer_bars_reach_back_over_holes(btc: Any) -> None:
    months_later = 90 * 24 * 60
    store.store_klines(btc.pk, "1m", [minute(0), minute(60), minute(months_later)])
    assert len(store.history(btc.pk, "1h", limit=3)) == 3


def test_gaps_of_a_stored_series_are_found(btc: Any) -> None:
    store.store_klines(btc.pk, "1m", [minute(n) for n in (0, 1, 5, 6)])
    first, last = clock.from_ms(minute(0).open_ms), clock.from_ms(minute(6).open_ms)
    assert store.find_gaps(btc.pk, "1m", first, last) == [Gap(minute(2).open_ms, minute(4).open_ms, 3)]
