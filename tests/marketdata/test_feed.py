"""The feed service: subscriptions followed, bars built, stored before they are told, one bad symbol alone."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError

from marketdata import blocks, channels, clock, services, store
from marketdata.blocks import BUY, BlockWriter
from marketdata.bus import Bus
from marketdata.channels import KlineNews, decode_klines
from marketdata.domain import InstrumentSpec, Kline
from marketdata.feeds import path as feed_path
from marketdata.feeds.base import KlineSeen, TimeSeen, TradeSeen
from marketdata.feeds.path import FeedPath
from marketdata.feeds.service import FeedService
from marketdata.models import Subscription
from tests.marketdata.conftest import MINUTE_MS, START_MS, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

ONE = Decimal(1)


class Heard:
    """All bars told on `klines` since it was made."""

    def __init__(self, bus: Bus) -> None:
        self._listener = bus.listener(channels.KLINES)
        assert self._listener.open()
        self.bars: list[KlineNews] = []

    def closed(self, interval: str = "1m") -> list[KlineNews]:
        while message := self._listener.get(0.02):
            self.bars += decode_klines(message[1])
        return [bar for bar in self.bars if bar.closed and bar.interval == interval]

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def heard(bus: Bus) -> Iterator[Heard]:
    listener = Heard(bus)
    yield listener
    listener.close()


@pytest.fixture
def service(btc: Any, bus: Bus) -> Iterator[FeedService]:
    running = FeedService()
    running.start()
    yield running
    running.stop()


def spec_of(instrument: Any) -> InstrumentSpec:
    return services.specs()[instrument.pk]


def trade(writer: BlockWriter, instrument: Any, moment_ms: int, ticks: int, lots: int = 100_000) -> None:
    writer.add(blocks.TRADE, instrument.pk, instrument.spec_version, moment_ms * 1_000_000, BUY, ticks, lots)


def state(instrument: Any) -> str:
    return Subscription.objects.get(instrument=instrument).state


def test_a_subscription_is_followed_without_restart(service: FeedService, bus: Bus, btc: Any, heard: Heard) -> None:
    services.subscribe("sim", "BTC/USDT")
    wait_for(lambda: state(btc) == "starting")
    writer, now_ms = BlockWriter(), clock.now_ms()
    minute = now_ms // MINUTE_MS * MINUTE_MS
    trade(writer, btc, minute - MINUTE_MS + 10, 10_000)
    trade(writer, btc, minute - MINUTE_MS + 20, 10_500)
    trade(writer, btc, minute + 1, 10_300)
    bus.publish_block("sim", writer.take())
    closed = wait_for(heard.closed)
    assert closed[0].row() == [minute - MINUTE_MS, "100", "105", "100", "105", "2", True]
    assert [bar.close for bar in store.history(btc.pk, "1m")] == [Decimal(105)]
    wait_for(lambda: state(btc) == "live")
    assert Subscription.objects.get(instrument=btc).last_event_at is not None
    wait_for(lambda: state(btc) == "stale")


def test_open_bars_of_all_live_intervals_are_told(service: FeedService, bus: Bus, btc: Any, heard: Heard) -> None:
    services.subscribe("sim", "BTC/USDT", interval="3m")
    writer = BlockWriter()

    def told() -> bool:
        trade(writer, btc, clock.now_ms(), 10_000)
        bus.publish_block("sim", writer.take())
        heard.closed()
        return {bar.interval for bar in heard.bars if not bar.closed} >= {"1m", "3m", "5m", "15m", "1h", "4h", "1d"}

    wait_for(told)


def test_an_unsubscribed_market_is_not_kept(service: FeedService, bus: Bus, btc: Any, heard: Heard) -> None:
    subscription, _ = services.subscribe("sim", "BTC/USDT")
    wait_for(lambda: service.detail()["subscriptions"] == 1)
    services.unsubscribe(subscription.pk)
    wait_for(lambda: service.detail()["subscriptions"] == 0)
    writer = BlockWriter()
    trade(writer, btc, START_MS, 100)
    trade(writer, btc, START_MS + MINUTE_MS, 100)
    bus.publish_block("sim", writer.take())
    assert heard.closed() == []


def test_a_feed_that_was_away_misses_no_trade(bus: Bus, btc: Any, heard: Heard) -> None:
    services.subscribe("sim", "BTC/USDT")
    writer, minute = BlockWriter(), clock.now_ms() // MINUTE_MS * MINUTE_MS
    trade(writer, btc, minute - 2 * MINUTE_MS, 100)
    trade(writer, btc, minute - MINUTE_MS, 200)
    trade(writer, btc, minute, 300)
    bus.publish_block("sim", writer.take())
    for _ in range(2):  # and a second start tells nothing twice
        service = FeedService()
        service.start()
        wait_for(lambda: len(store.history(btc.pk, "1m")) == 2)
        wait_for(lambda running=service: running.detail()["events"] >= 3)
        service.stop()
    assert [bar.close for bar in heard.closed()] == ["1", "2"]


def test_open_bars_go_on_from_stored_minutes(bus: Bus, btc: Any, heard: Heard) -> None:
    hour = START_MS
    store.store_klines(btc.pk, "1m", [Kline(hour + n * MINUTE_MS, ONE, ONE * 9, ONE, ONE, ONE) for n in range(30)])
    path = FeedPath(bus)
    path.follow({btc.pk: spec_of(btc)})
    path.take(TradeSeen(btc.pk, hour + 30 * MINUTE_MS, ONE * 5, ONE))
    path.take(TimeSeen(btc.pk, hour + 60 * MINUTE_MS))
    path.flush()
    closed = heard.closed("1h")
    assert closed[0].row() == [hour, "1", "9", "1", "5", "31", True]


def test_open_bars_are_told_at_most_four_times_a_second(bus: Bus, btc: Any, heard: Heard) -> None:
    now = [0]
    path = FeedPath(bus, monotonic_ns=lambda: now[0])
    path.follow({btc.pk: spec_of(btc)})
    for step in range(100):
        now[0] = 1_000_000_000 + step * 10_000_000
        path.take(TradeSeen(btc.pk, START_MS + step, ONE, ONE))
        path.flush()
    heard.closed()
    assert 4 <= len([bar for bar in heard.bars if bar.interval == "1m"]) <= 5


def test_one_bad_symbol_never_stops_the_others(bus: Bus, btc: Any, make_instrument: Any, heard: Heard) -> None:
    eth = make_instrument(symbol="ETH/USDT")
    path = FeedPath(bus)
    path.follow({btc.pk: spec_of(btc), eth.pk: spec_of(eth)})
    path.take(TradeSeen(eth.pk, START_MS, "nonsense", ONE))  # type: ignore[arg-type]
    path.take(TradeSeen(eth.pk, START_MS, ONE, ONE))
    for moment in (START_MS, START_MS + MINUTE_MS):
        path.take(TradeSeen(btc.pk, moment, ONE, ONE))
    path.flush()
    assert [bar.symbol for bar in heard.closed()] == ["BTC/USDT"]
    assert list(path.errors) == [eth.pk]


def test_a_bar_that_cannot_be_stored_keeps_no_other_out(bus: Bus, btc: Any, make_instrument: Any, heard: Heard) -> None:
    eth = make_instrument(symbol="ETH/USDT")
    path = FeedPath(bus)
    path.follow({btc.pk: spec_of(btc), eth.pk: spec_of(eth)})
    huge = Decimal(10) ** 30
    path.take(KlineSeen(eth.pk, "1m", Kline(START_MS, huge, huge, huge, huge, ONE)))
    path.take(KlineSeen(btc.pk, "1m", Kline(START_MS, ONE, ONE, ONE, ONE, ONE)))
    path.flush()
    assert len(store.history(btc.pk, "1m")) == 1
    assert store.history(eth.pk, "1m") == []
    assert list(path.errors) == [eth.pk]


def test_closed_bars_wait_for_postgresql_and_are_told_after_it(
    bus: Bus, btc: Any, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(bars: Any) -> None:
        raise OperationalError("away")

    path = FeedPath(bus)
    path.follow({btc.pk: spec_of(btc)})
    path.take(TradeSeen(btc.pk, START_MS, ONE, ONE))
    path.take(TimeSeen(btc.pk, START_MS + MINUTE_MS))
    with monkeypatch.context() as patched:
        patched.setattr(feed_path, "store_bars", away)
        with pytest.raises(OperationalError):
            path.flush()
    assert heard.closed() == []
    assert path.pending == 1
    path.flush()
    assert len(heard.closed()) == 1
    assert len(store.history(btc.pk, "1m")) == 1


def test_of_two_feeds_one_acts_and_the_other_takes_over(bus: Bus, btc: Any) -> None:
    first, second = FeedService(), FeedService()
    try:
        first.start()
        wait_for(lambda: first.detail()["acting"])
        second.start()
        assert not second.detail()["acting"]
        first.stop()
        wait_for(lambda: second.detail()["acting"])
        assert not first.detail()["acting"]
    finally:
        first.stopping.set()
        second.stop()
