"""manage.py replay: recorded klines, or a recorded raw session, played through the same path as a live feed."""

from __future__ import annotations

import signal
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from marketdata import bus, captures, clock, importing, intervals, services
from marketdata.domain import Kline
from marketdata.feeds.binance_raw import Line
from marketdata.feeds.capture import CaptureFeed
from marketdata.feeds.path import FeedPath
from marketdata.feeds.replay import ReplayFeed
from marketdata.files import FileTrouble, column_names, read_klines, series_of
from marketdata.models import Exchange, Instrument
from marketdata.precision import decimal_text
from marketdata.services import InstrumentUnknown

PENDING_ROWS = 2000
TELL_EVERY_NS = 1_000_000_000


class Command(BaseCommand):
    """Bars: they go out open and closed, closed ones are stored, and the simulator's depth stands around the replayed
    price. A raw session: its own book and trades go out, and bars are built of the trades. The file's content says
    which.
    """

    help = (
        "Play kline files (as for import_klines) or a raw Binance session on an exchange of source replay: charts move, "
        "strategies hear closed klines, and paper orders trade around the replayed price, or in the recorded book."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--exchange", default="replay", help="Of source replay; made when absent.")
        parser.add_argument("--symbol", help="As BTC/USDT; by the file's name unless said.")
        parser.add_argument("--interval", help=f"One of {', '.join(intervals.INTERVALS)}; by the file's name, else 1m.")
        parser.add_argument("--columns", help="The columns in the files' order, as ts,open,close,high,low,volume.")
        parser.add_argument(
            "--speed", type=float, default=60.0, help="Times the recorded pace; 0 = as fast as possible."
        )
        parser.add_argument("--from", dest="first", help="ISO time of the first bar to play.")
        parser.add_argument("--to", dest="end", help="ISO time before which to stop.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            kinds = {captures.is_capture(path) for path in options["files"]}
        except FileTrouble as error:
            raise CommandError(f"Nothing was played: {error}") from error
        if len(kinds) > 1:
            raise CommandError("Nothing was played: some of these files are raw sessions and some are not.")
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        if kinds == {True}:
            self._handle_capture(options, stopping)
        else:
            self._handle_bars(options, stopping)

    def _handle_capture(self, options: dict[str, Any], stopping: threading.Event) -> None:
        """Books and trades as they were received."""
        try:
            first_ms, end_ms = _moment_ms(options["first"]), _moment_ms(options["end"])
            found = captures.sample(options["files"][0])
            symbol = options["symbol"] or found.symbol
            if symbol is None:
                raise CommandError("Say which symbol this is, as --symbol BTC/USDT: the file does not tell.")
            simulation = {"start_price": decimal_text(found.price), "depth_lots": str(found.depth_lots)}
            instrument = self._instrument(
                options["exchange"],
                symbol,
                lambda: importing.make_instrument(
                    options["exchange"], symbol, found.tick_size, found.lot_size, simulation
                ),
            )
            lines = _all_lines(options["files"])
            feed = CaptureFeed(
                lines, options["speed"], stopping, (first_ms or 0) * 1_000_000, (end_ms or 0) * 1_000_000
            )
        except (ValueError, FileTrouble) as error:
            raise CommandError(f"Nothing was played: {error}") from error
        try:
            self._play(feed, instrument, FeedPath(bus.default(), again=True), " lines", options["verbosity"] == 0)
        except FileTrouble as error:
            raise CommandError(f"{feed.played:,} lines were played, then: {error}") from error
        until = clock.from_ns(feed.now_ns)
        self.stdout.write(f"{feed.played:,} lines played on {instrument}, up to {until:%Y-%m-%d %H:%M:%S} UTC.")

    def _handle_bars(self, options: dict[str, Any], stopping: threading.Event) -> None:
        """Bars, lived through again."""
        symbol, interval = series_of(options["files"][0])
        options["symbol"] = options["symbol"] or symbol
        interval = options["interval"] or interval or intervals.BASE
        if options["symbol"] is None:
            raise CommandError(f"Say which symbol this is, as --symbol BTC/USDT: {options['files'][0]} does not tell.")
        try:
            intervals.length_ms(interval)
            columns = column_names(options["columns"]) if options["columns"] else None
            first_ms, end_ms = _moment_ms(options["first"]), _moment_ms(options["end"])
            instrument = self._instrument(
                options["exchange"],
                options["symbol"],
                lambda: importing.create_instrument(
                    options["exchange"], options["symbol"], options["files"][0], columns
                ),
            )
            bars = _between(_all_bars(options["files"], columns), first_ms, end_ms)
            feed = ReplayFeed(bars, interval, options["speed"], stopping)
        except (ValueError, FileTrouble) as error:
            raise CommandError(f"Nothing was played: {error}") from error
        try:
            self._play(feed, instrument, FeedPath(bus.default()), " bars", options["verbosity"] == 0)
        except FileTrouble as error:
            raise CommandError(f"{feed.played:,} bars were played, then: {error}") from error
        played = f"{feed.played:,} bars of {interval} played on {instrument}"
        until = f", up to {clock.from_ms(feed.now.open_ms):%Y-%m-%d %H:%M} UTC" if feed.now else ""
        self.stdout.write(f"{played}{until}.")

    def _play(
        self, feed: ReplayFeed | CaptureFeed, instrument: Instrument, path: FeedPath, unit: str, quiet: bool
    ) -> None:
        spec = services.specs(instrument.exchange.name)[instrument.pk]
        feed.subscribe({spec.id: spec})
        path.follow({spec.id: spec})
        shown = tqdm(unit=unit, disable=quiet or not sys.stderr.isatty(), file=sys.stderr)
        told_ns = 0
        with shown:
            while not feed.finished:
                for event in feed.events():
                    path.take(event)
                    path.flush_when_due(PENDING_ROWS)
                path.publish()
                path.flush_when_due(PENDING_ROWS)
                shown.update(feed.played - shown.n)
                if clock.monotonic_ns() >= told_ns + TELL_EVERY_NS:
                    told_ns = clock.monotonic_ns()
                    services.tell_state(spec.id, "live")
                if feed.now_ns:
                    shown.set_postfix_str(f"{clock.from_ns(feed.now_ns):%Y-%m-%d %H:%M}", refresh=False)
            path.flush(everything=True)
        services.tell_state(spec.id, "ended")
        if path.errors:
            raise CommandError(f"{instrument} was set aside: {path.errors[spec.id]}")

    def _instrument(self, exchange: str, symbol: str, create: Callable[[], Instrument]) -> Instrument:
        found = Exchange.objects.filter(name=exchange).first()
        if found is not None and found.source != Exchange.Source.REPLAY:
            raise CommandError(
                f"Nothing was played: {exchange} has a market of its own (source {found.source}); its prices and the "
                "recorded ones would be mixed. Give the replay an exchange of its own, as --exchange replay."
            )
        try:
            return services.find_instrument(exchange, symbol)
        except InstrumentUnknown:
            instrument = create()
            services.subscribe(exchange, symbol)
            self.stdout.write(f"Created {instrument}: tick {instrument.tick_size:f}, lot {instrument.lot_size:f}.")
            return instrument


def _all_bars(files: list[Path], columns: tuple[str, ...] | None) -> Iterator[Kline]:
    for path in files:
        yield from read_klines(path, columns)


def _all_lines(files: list[Path]) -> Iterator[Line]:
    for path in files:
        yield from captures.read_lines(path)


def _between(bars: Iterator[Kline], first_ms: int | None, end_ms: int | None) -> Iterator[Kline]:
    """The bars of the span, in ascending time; those that go back in time are left out."""
    last_ms = -1
    for bar in bars:
        if end_ms is not None and bar.open_ms >= end_ms:
            return
        if bar.open_ms > last_ms and (first_ms is None or bar.open_ms >= first_ms):
            last_ms = bar.open_ms
            yield bar


def _moment_ms(text: str | None) -> int | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return clock.to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
