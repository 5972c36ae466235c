"""Raw sessions: told by their content, put together by their update ids, played at a pace, never left crossed."""

from __future__ import annotations

import gzip
import json
import time
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketdata import blocks, captures, store
from marketdata.blocks import BUY, GAP, LEVEL, SELL, SNAPSHOT, TOP, TRADE, unpack
from marketdata.book import Book
from marketdata.bus import Bus
from marketdata.domain import InstrumentSpec
from marketdata.feeds.base import BookLost, BookSeen, LevelsSeen, PrintSeen, TopSeen
from marketdata.feeds.binance_raw import Session
from marketdata.feeds.capture import CaptureFeed
from marketdata.feeds.depth import DepthWriter, OffStep
from marketdata.files import FileTrouble
from marketdata.models import Instrument, Subscription
from tests.marketdata.conftest import csv_rows, write_csv
from tests.marketdata.raw_session import Exchange, session, write_session

SPEC = InstrumentSpec(1, "hist", "BTC/USDT", "replay", Decimal("0.01"), Decimal("0.00001"), 1, 2000)


def told(lines: list[str]) -> list[blocks.Record]:
    """The records of a session's lines."""
    one, writer = Session(1), DepthWriter()
    for line in lines:
        for event in one.events(json.loads(line.partition(" ")[2])):
            writer.take(SPEC, event)
    return [record for block in writer.blocks().values() for record in unpack(block)]


def diff(
    first: int, last: int, bids: dict[str, str] | None = None, asks: dict[str, str] | None = None
) -> dict[str, Any]:
    return {"e": "depthUpdate", "E": 1000 + last, "s": "BTCUSDT", "U": first, "u": last,
            "b": list((bids or {}).items()), "a": list((asks or {}).items())}  # fmt: skip


def rest(last: int) -> dict[str, Any]:
    return {"lastUpdateId": last, "bids": [["100.00", "1"], ["99.00", "1"]], "asks": [["101.00", "1"], ["102.00", "1"]]}


def top(u: int, bid: str, ask: str) -> dict[str, Any]:
    return {"data": {"u": u, "s": "BTCUSDT", "b": bid, "B": "2", "a": ask, "A": "2"}}


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    write_session(tmp_path / "what.gz", seed=1, moments=20)
    assert captures.is_capture(tmp_path / "what.gz")
    assert not captures.is_capture(write_csv(tmp_path / "bars.csv", csv_rows(3)))
    found = captures.sample(tmp_path / "what.gz")
    assert (found.symbol, found.tick_size, found.lot_size) == ("BTC/USDT", Decimal("0.01"), Decimal("0.00001"))


def test_differences_before_the_rest_book_are_kept_until_it_comes() -> None:
    one = Session(1)
    assert list(one.events(diff(1, 5))) == list(one.events(diff(6, 9, {"100.00": "3"}))) == []
    events = list(one.events(rest(7)))
    assert [type(event) for event in events] == [BookSeen, LevelsSeen]
    assert list(one.events(diff(10, 12))) and one.lost == 0


def test_a_hole_in_the_update_ids_loses_the_book_until_the_next_one() -> None:
    one = Session(1)
    list(one.events(rest(7)))
    assert [type(event) for event in one.events(diff(10, 12))] == [BookLost]
    assert list(one.events(diff(13, 14))) == list(one.events(top(15, "100.00", "101.00"))) == []
    assert [type(event) for event in one.events(rest(12))] == [BookSeen, LevelsSeen]


def test_a_best_price_newer_than_a_difference_stands() -> None:
    one = Session(1)
    list(one.events(rest(7)))
    assert [type(event) for event in one.events(top(12, "101.00", "102.00"))] == [TopSeen]
    (late,) = one.events(diff(8, 10, {"100.50": "1", "101.00": "9"}, {"101.00": "5", "101.50": "1", "103.00": "4"}))
    assert isinstance(late, LevelsSeen)
    assert late.bids == [(Decimal("100.50"), Decimal(1))] and late.asks == [(Decimal("103.00"), Decimal(4))]
    assert list(one.events(top(9, "100.00", "101.00"))) == []


def test_every_book_on_the_way_is_uncrossed_and_the_last_is_the_exchanges() -> None:
    lines, exchange = session(seed=3)
    book = Book()
    for record in told(lines):
        book.apply(record)
        bid, ask = book.best(BUY), book.best(SELL)
        if record.kind == TOP:
            continue  # the asks' follows the bids'
        assert bid is None or ask is None or record.kind == LEVEL or bid[0] < ask[0]
    assert dict(book.side(BUY, 50)) == dict(sorted(exchange.bids.items(), reverse=True)[:50])
    assert dict(book.side(SELL, 50)) == dict(sorted(exchange.asks.items())[:50])


def test_what_a_top_moved_is_told_again_by_the_next_difference() -> None:
    writer = DepthWriter()
    d = Decimal
    writer.take(SPEC, BookSeen(1, 5, [(d(100), d(1)), (d(99), d(1))], [(d(101), d(1))]))
    writer.take(SPEC, TopSeen(1, 5, (d(99), d(1)), (d(101), d(1))))
    writer.take(SPEC, LevelsSeen(1, 6, [(d(100), d(1))], []))
    records = [record for block in writer.blocks().values() for record in unpack(block)]
    again = [(record.kind, record.side, record.ticks, record.lots) for record in records[-3:]]
    assert set(again) == {(TOP, BUY, 9900, 100_000), (LEVEL, BUY, 10_000, 100_000), (LEVEL, BUY, 9900, 100_000)}


def test_a_price_between_two_ticks_loses_the_book_and_dust_counts_for_nothing() -> None:
    writer = DepthWriter()
    d = Decimal
    writer.take(SPEC, BookSeen(1, 5, [(d(100), d("25.426189")), (d(99), d("0.000001"))], []))
    with pytest.raises(OffStep):
        writer.take(SPEC, PrintSeen(1, 6, BUY, d("100.004"), d(1)))
    kinds = [(record.kind, record.lots) for block in writer.blocks().values() for record in unpack(block)]
    assert kinds[-3:] == [(SNAPSHOT, 1), (LEVEL, 2_542_618), (GAP, 0)]


def test_speed_is_times_the_recorded_pace(tmp_path: Path) -> None:
    write_session(tmp_path / "raw.gz", seed=1, moments=20)
    feed = CaptureFeed(captures.read_lines(tmp_path / "raw.gz"), speed=4)
    feed.subscribe({1: SPEC})
    started = time.monotonic()
    while not feed.finished:
        list(feed.events())
    assert 0.45 <= time.monotonic() - started < 1.2


def run(*files: Path, **options: Any) -> str:
    out = StringIO()
    call_command("replay", *map(str, files), stdout=out, **{"exchange": "hist", **options})
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_books_and_trades_go_out_and_bars_are_built_of_the_trades(bus: Bus, tmp_path: Path) -> None:
    exchange: Exchange = write_session(tmp_path / "raw.gz", seed=6, moments=1300)
    for _ in range(2):
        said = run(tmp_path / "raw.gz", speed=0)
    assert "lines played on hist:BTC/USDT, up to 2024-08-08 23:56" in said
    instrument = Instrument.objects.get(exchange__name="hist")
    assert (instrument.tick_size, instrument.exchange.source) == (Decimal("0.01"), "replay")
    assert Subscription.objects.get(instrument=instrument).state == "ended"
    bars = store.history(instrument.pk, "1m")
    assert len(bars) == 2 and all(59_000 < bar.low <= bar.high < 61_000 for bar in bars)
    records = [record for entry in bus.newest_blocks("hist", 5000) for record in unpack(entry.payload)]
    assert {record.kind for record in records} >= {TRADE, LEVEL, SNAPSHOT, TOP, GAP, blocks.BOOK}
    book = Book()
    for record in records:
        book.apply(record)
    assert book.best(BUY) == max(exchange.bids.items()) and book.best(SELL) == min(exchange.asks.items())


@pytest.mark.django_db(transaction=True)
def test_a_line_that_is_none_ends_the_replay_by_its_number(bus: Bus, tmp_path: Path) -> None:
    lines, _ = session(seed=1, moments=15)
    with gzip.open(tmp_path / "raw.gz", "wt") as out:
        out.write("\n".join([*lines, "1723161255000000000 {nonsense"]) + "\n")
    with pytest.raises(CommandError, match=rf"lines were played, then: .*raw\.gz:{len(lines) + 1}: is no line"):
        run(tmp_path / "raw.gz", speed=0)
    with pytest.raises(FileTrouble, match="is no line"):
        list(captures.read_lines(tmp_path / "raw.gz"))


@pytest.mark.django_db
def test_sessions_and_bars_are_not_played_as_one(bus: Bus, tmp_path: Path) -> None:
    write_session(tmp_path / "raw.gz", seed=1, moments=15)
    with pytest.raises(CommandError, match="some of these files are raw sessions"):
        run(tmp_path / "raw.gz", write_csv(tmp_path / "a.csv", csv_rows(2)))
