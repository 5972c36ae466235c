"""manage.py replay: recorded bars through the live path, with an anchor for the simulator's depth."""

from __future__ import annotations

import time
from decimal import Decimal
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketdata import blocks, channels, store
from marketdata.bus import Bus
from marketdata.channels import KlineNews, decode_klines
from marketdata.domain import InstrumentSpec, Kline
from marketdata.feeds.base import AnchorSeen, KlineSeen
from marketdata.feeds.replay import ReplayFeed, path_prices
from marketdata.models import Instrument, Subscription
from tests.marketdata.conftest import MINUTE_MS, START_MS, csv_rows, write_csv

BAR = Kline(START_MS, Decimal(100), Decimal(110), Decimal(90), Decimal(105), Decimal(8))
SPEC = InstrumentSpec(1, "hist", "BTC/USDT", "replay", Decimal("0.01"), Decimal("0.1"), 1, 2000)


def run(*files: Path, **options: Any) -> str:
    out = StringIO()
    call_command("replay", *map(str, files), stdout=out, **{"exchange": "hist", "symbol": "BTC/USDT", **options})
    return out.getvalue()


@pytest.mark.parametrize("steps", [4, 5, 7, 16, 240])
def test_the_path_touches_all_four_corners(steps: int) -> None:
    prices = path_prices(BAR, steps)
    assert len(prices) == steps
    assert (prices[0], min(prices), max(prices), prices[-1]) == (100, 90, 110, 105)
    assert prices.index(min(prices)) < prices.index(max(prices))


def test_a_bar_is_lived_through_and_then_closed() -> None:
    feed = ReplayFeed([BAR], "1m", speed=2400)
    feed.subscribe({1: SPEC})
    events = list(feed.events())
    bars = [event.bar for event in events if isinstance(event, KlineSeen)]
    assert [bar.closed for bar in bars] == [False] * 4 + [True]
    assert bars[-1] == BAR
    assert all(earlier.volume <= later.volume for earlier, later in pairwise(bars))
    anchors = [event for event in events if isinstance(event, AnchorSeen)]
    assert [int(anchor.price) for anchor in anchors] == [100, 90, 110, 105, 105]
    assert list(feed.events()) == []
    assert feed.finished


def test_speed_is_times_the_recorded_pace() -> None:
    feed = ReplayFeed([BAR._replace(open_ms=START_MS + n * MINUTE_MS) for n in range(3)], "1m", speed=600)
    feed.subscribe({1: SPEC})
    started = time.monotonic()
    while not feed.finished:
        list(feed.events())
    assert 0.28 <= time.monotonic() - started < 0.6


def test_as_fast_as_possible_tells_closed_bars_only() -> None:
    feed = ReplayFeed([BAR], "1m", speed=0)
    feed.subscribe({1: SPEC})
    assert [event.bar.closed for event in feed.events() if isinstance(event, KlineSeen)] == [True]


@pytest.mark.django_db(transaction=True)
def test_bars_are_stored_told_and_anchored(bus: Bus, tmp_path: Path) -> None:
    listener = bus.listener(channels.KLINES)
    assert listener.open()
    said = run(write_csv(tmp_path / "a.csv", csv_rows(12)), speed=2400)
    instrument = Instrument.objects.get(exchange__name="hist")
    assert instrument.exchange.source == "replay"
    assert Subscription.objects.get(instrument=instrument).state == "ended"
    assert "12 bars of 1m played on hist:BTC/USDT, up to 2023-03-01 00:11 UTC." in said
    told: list[KlineNews] = []
    while message := listener.get(0.1):
        told += decode_klines(message[1])
    closed = [(bar.interval, bar.open_ms) for bar in told if bar.closed]
    assert closed.count(("5m", START_MS)) == 1
    assert [at for interval, at in closed if interval == "1m"] == [START_MS + n * MINUTE_MS for n in range(12)]
    assert [bar for bar in told if not bar.closed]
    assert len(store.history(instrument.pk, "1m")) == 12
    records = [record for entry in bus.newest_blocks("hist", 1000) for record in blocks.unpack(entry.payload)]
    assert {record.kind for record in records} == {blocks.ANCHOR, blocks.PROOF}
    assert {record.seq for record in records} == {0}
    last = [record for record in records if record.kind == blocks.ANCHOR][-1]
    assert last.ticks * instrument.tick_size == store.history(instrument.pk, "1m")[-1].close
    listener.close()


@pytest.mark.django_db(transaction=True)
def test_a_span_is_played_and_again_without_doubling(bus: Bus, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", csv_rows(20))
    for _ in range(2):
        said = run(path, speed=0, first="2023-03-01T00:05", end="2023-03-01T00:10Z")
        assert "5 bars" in said
    instrument = Instrument.objects.get(exchange__name="hist")
    assert [bar.open_ms for bar in store.history(instrument.pk, "1m")] == [
        START_MS + n * MINUTE_MS for n in range(5, 10)
    ]


@pytest.mark.django_db(transaction=True)
def test_hours_are_played_and_stored_as_hours(bus: Bus, tmp_path: Path) -> None:
    rows = [f"{START_MS + n * 3_600_000},1,2,1,2,3" for n in range(3)]
    assert "3 bars of 1h" in run(write_csv(tmp_path / "a.csv", rows), interval="1h", speed=0)
    instrument = Instrument.objects.get(exchange__name="hist")
    assert len(store.history(instrument.pk, "1h")) == 3


@pytest.mark.django_db
def test_a_market_of_its_own_is_not_mixed_with_recorded_prices(btc: Any, bus: Bus, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="sim has a market of its own"):
        run(write_csv(tmp_path / "a.csv", csv_rows(3)), exchange="sim")


@pytest.mark.django_db(transaction=True)
def test_a_bad_row_ends_the_replay_by_its_line(bus: Bus, make_instrument: Any, tmp_path: Path) -> None:
    make_instrument(exchange="hist", source="replay")
    path = write_csv(tmp_path / "a.csv", [*csv_rows(3), "nonsense"])
    with pytest.raises(CommandError, match=r"3 bars were played, then: .*a\.csv:4: is no bar"):
        run(path, speed=0)


@pytest.mark.django_db
def test_symbol_and_interval_may_come_from_the_files_name(bus: Bus, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "ETHBTC-1m-2023-03.csv", csv_rows(3))
    assert "hist:ETH/BTC" in run(path, symbol=None, speed=0)
    with pytest.raises(CommandError, match="Say which symbol"):
        run(write_csv(tmp_path / "what.csv", csv_rows(3)), symbol=None)
