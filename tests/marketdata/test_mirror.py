"""The mirror: what the bus says, kept; what the bus lost, healed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from marketdata import blocks, channels, clock
from marketdata.blocks import BUY, SELL, BlockWriter
from marketdata.bus import Bus
from marketdata.channels import KlineNews, encode_klines
from marketdata.domain import Kline
from marketdata.mirror import Change, MarketMirror
from marketdata.store import store_klines
from tests.marketdata.conftest import MINUTE_MS, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer() -> BlockWriter:
    return BlockWriter()


@pytest.fixture
def mirror(btc: Any, bus: Bus) -> Iterator[MarketMirror]:
    started = MarketMirror(bus).start()
    assert started.wait(3)
    yield started
    started.stop()


def publish_book(bus: Bus, writer: BlockWriter, instrument: Any) -> None:
    writer.snapshot(
        instrument.pk, instrument.spec_version, clock.now_ns(), [(6400000, 100000), (6399999, 5)], [(6400002, 7)]
    )
    bus.publish_block("sim", writer.take())


def test_book_top_and_mark(mirror: MarketMirror, bus: Bus, writer: BlockWriter, btc: Any) -> None:
    assert mirror.book(btc.pk) is None
    assert mirror.mark(btc.pk) is None
    publish_book(bus, writer, btc)
    book = wait_for(lambda: mirror.book(btc.pk, 1))
    assert (book["exchange"], book["symbol"]) == ("sim", "BTC/USDT")
    assert book["bids"] == [["64000", "1"]]
    assert book["asks"] == [["64000.02", "0.00007"]]
    mark, age_s = mirror.mark(btc.pk) or (0, 99.0)
    assert mark == 12800002
    assert 0 <= age_s < 60
    assert not mirror.stale(btc.pk)


def test_trades_are_kept_oldest_first(mirror: MarketMirror, bus: Bus, writer: BlockWriter, btc: Any) -> None:
    for ticks in (100, 101, 102):
        writer.add(blocks.TRADE, btc.pk, 1, clock.now_ns(), SELL, ticks, 3)
    bus.publish_block("sim", writer.take())
    wait_for(lambda: len(mirror.trades(btc.pk)) == 3)
    assert [trade["price"] for trade in mirror.trades(btc.pk, 2)] == ["1.01", "1.02"]
    assert mirror.trades(btc.pk)[0]["side"] == "sell"
    assert len({trade["id"] for trade in mirror.trades(btc.pk)}) == 3


def test_a_mirror_that_starts_later_knows_the_recent_past(bus: Bus, writer: BlockWriter, btc: Any) -> None:
    publish_book(bus, writer, btc)
    writer.add(blocks.TRADE, btc.pk, 1, clock.now_ns(), BUY, 100, 3)
    bus.publish_block("sim", writer.take())
    late = MarketMirror(bus).start()
    assert late.wait(3)
    assert late.book(btc.pk) is not None
    assert len(late.trades(btc.pk)) == 1
    late.stop()


def test_a_gap_hides_the_book_until_the_next_snapshot(
    mirror: MarketMirror, bus: Bus, writer: BlockWriter, btc: Any
) -> None:
    heard: list[Change] = []
    mirror.listen(heard.append)
    publish_book(bus, writer, btc)
    wait_for(lambda: mirror.book(btc.pk))
    writer.add(blocks.LEVEL, btc.pk, 1, clock.now_ns(), BUY, 6399000, 1)
    writer.take()  # lost on the way
    writer.add(blocks.LEVEL, btc.pk, 1, clock.now_ns(), BUY, 6398000, 1)
    bus.publish_block("sim", writer.take())
    wait_for(lambda: mirror.book(btc.pk) is None)
    publish_book(bus, writer, btc)
    wait_for(lambda: mirror.book(btc.pk))
    assert [change.kind for change in heard] == ["snapshot", "gap", "snapshot"]


def test_a_flushed_bus_heals_with_the_next_snapshot(
    mirror: MarketMirror, bus: Bus, writer: BlockWriter, btc: Any
) -> None:
    publish_book(bus, writer, btc)
    wait_for(lambda: mirror.book(btc.pk))
    bus.delete_stream(channels.market("sim"))
    fresh = BlockWriter()  # the publisher began again as well

    def healed() -> bool:
        fresh.snapshot(btc.pk, 1, clock.now_ns(), [(5, 1)], [(7, 1)])
        bus.publish_block("sim", fresh.take())
        return mirror.top(btc.pk)[0] == (5, 1)

    wait_for(healed)


def test_a_silent_source_is_stale(mirror: MarketMirror, bus: Bus, writer: BlockWriter, btc: Any) -> None:
    assert mirror.stale(btc.pk)
    type(btc).objects.filter(pk=btc.pk).update(stale_after_ms=300)
    bus.wake(channels.WAKE_SUBSCRIPTIONS)
    writer.add(blocks.PROOF, btc.pk, 1, clock.now_ns())
    bus.publish_block("sim", writer.take())
    wait_for(lambda: not mirror.stale(btc.pk))
    wait_for(lambda: mirror.stale(btc.pk))


def test_a_new_instrument_is_known_soon(mirror: MarketMirror, bus: Bus, make_instrument: Any) -> None:
    eth = make_instrument(symbol="ETH/USDT")
    bus.wake(channels.WAKE_SUBSCRIPTIONS)
    wait_for(lambda: mirror.spec(eth.pk))
    assert mirror.instrument_id("sim", "ETH/USDT") == eth.pk


def test_open_bars_and_changed_history_are_told(mirror: MarketMirror, bus: Bus, btc: Any) -> None:
    heard: list[Change] = []
    stop = mirror.listen(heard.append)
    bar = KlineNews("sim", "BTC/USDT", "1m", 60_000, "1", "2", "1", "2", "3", False)
    bus.publish(channels.KLINES, encode_klines([bar]))
    bus.wake(channels.history("sim", "BTC/USDT", "1m"))
    wait_for(lambda: len(heard) == 2)
    assert mirror.kline(btc.pk, "1m") == bar
    assert {(change.kind, change.payload) for change in heard} == {("kline", bar), ("history", "1m")}
    stop()


def test_nonsense_on_the_bus_is_skipped(mirror: MarketMirror, bus: Bus, writer: BlockWriter, btc: Any) -> None:
    bus.publish_block("sim", b"not a block")
    bus.publish(channels.KLINES, b"\xff\xff")
    publish_book(bus, writer, btc)
    wait_for(lambda: mirror.book(btc.pk))


def test_one_listeners_mistake_does_not_stop_the_others(
    mirror: MarketMirror, bus: Bus, writer: BlockWriter, btc: Any
) -> None:
    def wrong(change: Change) -> None:
        raise RuntimeError("mine")

    heard: list[Change] = []
    mirror.listen(wrong)
    mirror.listen(heard.append)
    publish_book(bus, writer, btc)
    wait_for(lambda: heard)


def test_the_ticker_compares_with_a_day_ago(bus: Bus, writer: BlockWriter, btc: Any) -> None:
    now_ms = clock.now_ms() // MINUTE_MS * MINUTE_MS
    one, two = Decimal(100), Decimal(200)
    store_klines(
        btc.pk,
        "1m",
        [Kline(now_ms - n * MINUTE_MS, one, two, one, one, Decimal(2)) for n in range(2000, 0, -1)],
    )
    mirror = MarketMirror(bus).start()
    writer.add(blocks.TRADE, btc.pk, 1, clock.now_ns(), BUY, 15000, 1)
    bus.publish_block("sim", writer.take())
    wait_for(lambda: (mirror.ticker(btc.pk) or {}).get("change_24h") == "50")
    ticker = mirror.ticker(btc.pk)
    assert ticker is not None
    assert ticker["last"] == "150"
    assert ticker["volume_24h"] == "2880"
    assert ticker["stale"] is False
    mirror.stop()
