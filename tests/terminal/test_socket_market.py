"""Market channels: a snapshot, then differences that add up to the book; never more than 20 frames a second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from terminal import market_fanout
from tests.terminal.sockets import Browser

BOOK = "book:sim:BTC/USDT"


class Market:
    """A source one drives by hand: writes blocks of one instrument on the bus."""

    def __init__(self, instrument: Any, bus: Any, blocks: Any) -> None:
        self.instrument, self.bus, self.blocks = instrument, bus, blocks
        self.seq = 0
        self.clock_ns = 1_700_000_000_000_000_000

    def publish(self, *records: tuple[int, int, int, int]) -> None:
        """(kind, side, ticks, lots) each, in one block."""
        packed = b""
        for kind, side, ticks, lots in records:
            self.seq += 1
            self.clock_ns += 1_000_000
            packed += self.blocks.RECORD.pack(
                self.instrument.pk, self.instrument.spec_version, kind, side, ticks, lots, self.clock_ns, self.seq
            )
        self.bus.publish_block("sim", packed)

    def whole(self, *levels: tuple[int, int, int]) -> None:
        kinds = self.blocks
        self.publish((kinds.SNAPSHOT, 0, 0, len(levels)), *((kinds.LEVEL, *level) for level in levels))


@pytest.fixture
def market(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    from django.conf import settings

    from marketdata import blocks
    from marketdata.bus import Bus
    from marketdata.mirror import MarketMirror
    from marketdata.models import Asset, Exchange, Instrument

    exchange = Exchange.objects.create(name="sim", source="simulator")
    base, quote = (Asset.objects.create(code=code) for code in ("BTC", "USDT"))
    instrument = Instrument.objects.create(
        exchange=exchange, symbol="BTC/USDT", base=base, quote=quote, settle=quote,
        tick_size=Decimal("0.01"), lot_size=Decimal("0.001"), stale_after_ms=1000,
    )  # fmt: skip
    bus = Bus(settings.REDIS_URL)
    bus.delete_stream("market.sim")
    mirror = MarketMirror(bus).start()
    monkeypatch.setattr(market_fanout, "default_mirror", lambda: mirror)
    made = Market(instrument, bus, blocks)
    made.whole((0, 9999, 5), (0, 9998, 7), (1, 10001, 3), (1, 10002, 4))
    yield made
    mirror.stop()
    bus.close()


@pytest.fixture
def user() -> Any:
    from django.contrib.auth.models import User

    return User(pk=1, username="ann")


async def _snapshot(browser: Browser, channel: str) -> dict[str, Any]:
    await browser.say(op="subscribe", channels=[channel])
    return await browser.hear()


async def test_the_first_frame_is_the_whole_book(market: Market, user: Any) -> None:
    async with Browser("/ws/market", user) as browser:
        frame = await _snapshot(browser, BOOK)
        assert (frame["v"], frame["ch"], frame["pq"]) == (1, BOOK, None)
        assert frame["d"]["snapshot"] is True
        assert frame["d"]["bids"] == [["99.99", "0.005"], ["99.98", "0.007"]]
        assert frame["d"]["asks"] == [["100.01", "0.003"], ["100.02", "0.004"]]


async def test_differences_follow_each_other_and_add_up(market: Market, user: Any) -> None:
    async with Browser("/ws/market", user) as browser:
        frame = await _snapshot(browser, BOOK)
        bids, seq = dict(frame["d"]["bids"]), frame["q"]
        for ticks, lots in ((9997, 9), (9999, 0), (9998, 1), (9996, 2)):
            market.publish((market.blocks.LEVEL, 0, ticks, lots))
            frame = await browser.hear()
            assert frame["pq"] == seq
            seq = frame["q"]
            for price, quantity in frame["d"]["bids"]:
                if quantity == "0":
                    bids.pop(price)
                else:
                    bids[price] = quantity
        assert bids == {"99.98": "0.001", "99.97": "0.009", "99.96": "0.002"}


async def test_a_busy_market_is_at_most_20_frames_a_second(market: Market, user: Any) -> None:
    async with Browser("/ws/market", user) as browser:
        await _snapshot(browser, BOOK)
        task = asyncio.create_task(_storm(market))
        frames = [frame for frame in await browser.hear_for(1.0) if frame.get("ch") == BOOK]
        await task
        assert 2 <= len(frames) <= 21


async def _storm(market: Market) -> None:
    for number in range(200):
        market.publish((market.blocks.LEVEL, 0, 9000 + number % 20, 1 + number))
        await asyncio.sleep(0.005)


async def test_after_a_gap_the_client_sees_none(market: Market, user: Any) -> None:
    async with Browser("/ws/market", user) as browser:
        seq = (await _snapshot(browser, BOOK))["q"]
        market.seq += 5  # records lost on the way
        market.publish((market.blocks.LEVEL, 0, 9990, 1))
        market.whole((0, 9999, 5), (1, 10001, 8))
        frame = await browser.hear()
        assert frame["pq"] == seq
        assert ["99.98", "0"] in frame["d"]["bids"]
        assert ["100.01", "0.008"] in frame["d"]["asks"]


async def test_trades_come_oldest_first_with_the_takers_side(market: Market, user: Any) -> None:
    async with Browser("/ws/market", user) as browser:
        await _snapshot(browser, "trades:sim:BTC/USDT")
        kinds = market.blocks
        market.publish((kinds.TRADE, 0, 10001, 2), (kinds.TRADE, 1, 9999, 1))
        rows = (await browser.hear())["d"]
        assert [(row["side"], row["price"], row["quantity"]) for row in rows] == [
            ("buy", "100.01", "0.002"),
            ("sell", "99.99", "0.001"),
        ]


async def test_a_silent_source_turns_stale_while_one_watches(market: Market, user: Any) -> None:
    async with Browser("/ws/market", user) as browser:
        first = await _snapshot(browser, "ticker:sim:BTC/USDT")
        assert first["d"]["stale"] is False
        frames = await browser.hear_for(2.6)
        tickers = [frame["d"] for frame in frames if frame.get("ch")]
        assert tickers[-1]["stale"] is True
        assert tickers[-1]["age_ms"] > 1000


async def test_stored_bars_that_changed_ask_for_a_new_look(market: Market, user: Any) -> None:
    from marketdata import channels

    name = "klines:sim:BTC/USDT:1m"
    async with Browser("/ws/market", user) as browser:
        assert (await _snapshot(browser, name))["pq"] is None
        market.bus.wake(channels.history("sim", "BTC/USDT", "1m"))
        again = await browser.hear()
        assert (again["ch"], again["pq"]) == (name, None)


@pytest.mark.parametrize(
    "channel", ["book:sim:NO/SUCH", "book:nowhere:BTC/USDT", "gossip:sim:BTC/USDT", "klines:sim:BTC/USDT:7m", ""]
)
async def test_a_channel_that_is_none_is_said_to_be_none(market: Market, user: Any, channel: str) -> None:
    async with Browser("/ws/market", user) as browser:
        assert (await _snapshot(browser, channel))["code"] == "NOT_FOUND"


async def test_nothing_is_sent_after_an_unsubscribe(market: Market, user: Any) -> None:
    async with Browser("/ws/market", user) as browser:
        await _snapshot(browser, BOOK)
        await browser.say(op="unsubscribe", channels=[BOOK])
        assert (await browser.hear())["op"] == "unsubscribed"
        market.publish((market.blocks.LEVEL, 0, 9990, 1))
        assert not [frame for frame in await browser.hear_for(0.3) if frame.get("ch")]
