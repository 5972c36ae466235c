"""A recorded session through the feed's own road into core and model: the same fills to the last lot, and never crossed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from marketdata import captures
from marketdata.blocks import BUY, SELL, SNAPSHOT, Record, unpack
from marketdata.domain import InstrumentSpec
from marketdata.feeds.capture import CaptureFeed
from marketdata.feeds.depth import DepthWriter
from tests.marketdata.raw_session import write_session
from tests.orders.core_cast import BTC, BTC_USDT, GTC, IOC, USDT
from tests.orders.mirror_cast import MS, Both

REAL = Path(__file__).parents[3] / "shared" / "data" / "binance_spot_raw_btcusdt_20240808.gz"
SPEC = InstrumentSpec(BTC_USDT, "hist", "BTC/USDT", "replay", Decimal("0.01"), Decimal("0.00001"), 1, 2000)


def told(path: Path) -> Iterator[list[Record]]:
    """What the feed makes of a capture, a block a line."""
    feed, writer = CaptureFeed(captures.read_lines(path), speed=0), DepthWriter()
    feed.subscribe({BTC_USDT: SPEC})
    while not feed.finished:
        for event in feed.events():
            writer.take(SPEC, event)
            for block in writer.blocks().values():
                yield list(unpack(block))


def play(path: Path, front_ppm: int, every: int, blocks: int | None = None) -> Both:
    """The capture with traders in it: resting and marketable orders at several depths."""
    both, draw = Both(front_ppm), random.Random(front_ppm)
    for account in (1, 2):
        for asset in (BTC, USDT):
            both.core.post(account, asset, 10**24)
    for number, block in enumerate(told(path)):
        if number == blocks:
            break
        both.tell(block, after_ms=8, compare=number % 50 == 0)
        bid, _, ask, _ = both.core.best(BTC_USDT)
        assert bid is None or ask is None or bid < ask
        if number % every or bid is None or ask is None:
            continue
        side, account = draw.randint(BUY, SELL), draw.randint(1, 2)
        touch, away = (bid, -1) if side == BUY else (ask, 1)
        if draw.random() < 0.2:
            both.place(account, side, None, draw.choice((1_000, 80_000, 900_000)))
        elif draw.random() < 0.3:
            both.place(
                account,
                side,
                (ask if side == BUY else bid) - away * draw.choice((0, 5, 300)),
                draw.choice((2_000, 700_000)),
                tif=draw.choice((GTC, IOC)),
            )
        else:
            both.place(
                account,
                side,
                touch + away * draw.choice((-1, 0, 0, 0, 1, 10, 200, 900, 4000)),
                draw.choice((500, 20_000, 300_000)),
            )
        if len(both.open) > 60:
            both.cancel(draw.choice(sorted(both.open)))
    both.compare()
    both.core.verify()
    return both


@pytest.mark.parametrize("front_ppm", [0, 500_000, 1_000_000])
def test_a_made_up_session_fills_as_the_model_says(tmp_path: Path, front_ppm: int) -> None:
    write_session(tmp_path / "raw.gz", seed=front_ppm, moments=400)
    both = play(tmp_path / "raw.gz", front_ppm, every=3)
    assert len(both.fills) > 200 and any(fill.maker for fill in both.fills)
    view = both.core.mirror(BTC_USDT)
    assert view is not None and view["gaps"] == 0


def test_the_core_ends_with_the_exchanges_own_book(tmp_path: Path) -> None:
    exchange = write_session(tmp_path / "raw.gz", seed=9)
    both = Both()
    for block in told(tmp_path / "raw.gz"):
        both.tell(block, compare=False)
    both.tell([], after_ms=250 * MS)
    bids = sorted(exchange.bids.items(), reverse=True)[:50]
    assert both.core.depth(BTC_USDT, 50) == (bids, sorted(exchange.asks.items())[:50])


def test_differences_before_the_rest_book_count_by_their_ids(tmp_path: Path) -> None:
    write_session(tmp_path / "raw.gz", seed=2, moments=12)
    kinds = [record.kind for block in told(tmp_path / "raw.gz") for record in block]
    assert kinds.count(SNAPSHOT) == 1  # and the four differences it overtook came after it, within their ids


@pytest.mark.skipif(
    not REAL.exists(),
    reason=f"real market data is not part of the project and is not at {REAL}; generated sessions run above",
)
@pytest.mark.timeout(300)
def test_the_real_capture_fills_as_the_model_says() -> None:
    both = play(REAL, 500_000, every=25)
    assert len(both.fills) > 1000 and both.refused == 0
    view = both.core.mirror(BTC_USDT)
    assert view is not None and view["gaps"] == 0
