"""The one path behind every feed: events in; bars stored, then told; books, prints and anchors put on the market stream.

A closed bar is in PostgreSQL before anyone hears of it, so whoever hears can read. Open bars are told at most four
times a second for each series. An instrument that fails is set aside, with its reason, and begins again from the stored
bars; the others never notice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

from django.db import DataError, Error

from marketdata import blocks, clock, intervals, shapes
from marketdata.blocks import BlockWriter
from marketdata.bus import Bus, BusDown
from marketdata.channels import KLINES, KlineNews, encode_klines
from marketdata.domain import InstrumentSpec, Kline
from marketdata.feeds.base import (
    AnchorSeen,
    BookLost,
    BookSeen,
    Event,
    KlineSeen,
    LevelsSeen,
    PrintSeen,
    TimeSeen,
    TopSeen,
    TradeSeen,
)
from marketdata.feeds.depth import DepthWriter, OffStep
from marketdata.klines import Ladder
from marketdata.precision import nearest_units
from marketdata.store import minutes_since, store_bars

log = logging.getLogger(__name__)

OPEN_EVERY_NS = 250_000_000
AGAIN_AFTER_NS = 5_000_000_000
MESSAGE_BARS = 200
PENDING_MAX = 200_000

Series = tuple[int, str]


class FeedPath:
    """Not thread-safe: belongs to the thread that reads the feed. Call `flush` a few times a second and at the end."""

    def __init__(self, bus: Bus, monotonic_ns: Callable[[], int] = clock.monotonic_ns, *, again: bool = False) -> None:
        """`again`: the source plays what has been before, so bars stored of its future do not exist."""
        self._bus = bus
        self._again = again
        self._depth = DepthWriter(monotonic_ns)
        self._monotonic_ns = monotonic_ns
        self._specs: dict[int, InstrumentSpec] = {}
        self._longer: dict[int, tuple[str, ...]] = {}
        self._ladders: dict[int, Ladder] = {}
        self._open: dict[Series, Kline] = {}  # changed since told, of sources that tell bars
        self._changed: set[int] = set()  # instruments whose ladders changed since told
        self._told_ns = 0
        self._pending: list[tuple[int, str, Kline]] = []  # closed, to be stored and told
        self._writers: dict[str, BlockWriter] = {}
        self._anchors: dict[int, AnchorSeen] = {}
        self._failed_ns: dict[int, int] = {}
        self.errors: dict[int, str] = {}  # instruments set aside, and why
        self.seen_ns: dict[int, int] = {}  # when each instrument's source was last heard, monotonic
        self.stored = 0

    def follow(self, specs: Mapping[int, InstrumentSpec], extra: Mapping[int, Iterable[str]] | None = None) -> None:
        """Take events of exactly these instruments; `extra` names intervals to build beside the usual ones."""
        for instrument_id in [known for known in self._specs if self._specs[known] != specs.get(known)]:
            self._forget(instrument_id)
        self._specs = dict(specs)
        for instrument_id in specs:
            wanted = tuple(dict.fromkeys([*intervals.LIVE, *((extra or {}).get(instrument_id, ()))]))
            if self._longer.get(instrument_id) != wanted:
                self._longer[instrument_id] = wanted
                self._ladders.pop(instrument_id, None)

    def take(self, event: Event) -> None:
        """One event. Never raises for what is wrong with one instrument."""
        instrument_id = event.instrument_id
        if instrument_id not in self._specs or self._is_set_aside(instrument_id):
            return
        self.seen_ns[instrument_id] = self._monotonic_ns()
        try:
            self._take(event)
        except Error:
            raise  # PostgreSQL is away: that is everybody's trouble, and the caller's to wait for
        except Exception as error:
            self._set_aside(instrument_id, error)

    def flush(self, everything: bool = False) -> None:
        """Store what closed, tell what closed; tell what is open and put anchors on the stream when it is time, or
        `everything`.
        """
        self.publish()
        self._store_closed()
        now_ns = self._monotonic_ns()
        if everything or now_ns - self._told_ns >= OPEN_EVERY_NS:
            self._told_ns = now_ns
            self._tell_open()
            self._put_anchors()

    def publish(self) -> None:
        """Put books and prints on the market streams: at once, whatever the bars wait for."""
        for exchange, block in self._depth.blocks().items():
            try:
                self._bus.publish_block(exchange, block)
            except BusDown:
                log.warning("the bus is away; a block of %s was not told, the next whole book heals that", exchange)

    def flush_when_due(self, rows: int) -> None:
        """Flush when a quarter of a second has passed or `rows` bars wait: for feeds that can go faster than anyone
        looks.
        """
        if self._monotonic_ns() - self._told_ns >= OPEN_EVERY_NS or len(self._pending) >= rows:
            self.flush()

    @property
    def pending(self) -> int:
        """Closed bars that wait to be stored."""
        return len(self._pending)

    # -- one event -----------------------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        match event:
            case TradeSeen(instrument_id, moment_ms, price, quantity):
                self._closed(instrument_id, self._ladder(instrument_id, moment_ms).trade(moment_ms, price, quantity))
                self._changed.add(instrument_id)
            case TimeSeen(instrument_id, moment_ms):
                self._closed(instrument_id, self._ladder(instrument_id, moment_ms).advance(moment_ms))
            case KlineSeen(instrument_id, intervals.BASE, bar):
                self._closed(instrument_id, self._ladder(instrument_id, bar.open_ms, bar.open_ms).minute(bar))
                self._changed.add(instrument_id)
            case KlineSeen(instrument_id, interval, bar):
                if bar.closed:
                    self._open.pop((instrument_id, interval), None)
                    self._pending.append((instrument_id, interval, bar))
                else:
                    self._open[instrument_id, interval] = bar
            case PrintSeen(instrument_id, exchange_ns, _, price, quantity):
                self._publish_depth(event)
                moment_ms = exchange_ns // 1_000_000
                self._closed(instrument_id, self._ladder(instrument_id, moment_ms).trade(moment_ms, price, quantity))
                self._changed.add(instrument_id)
            case BookSeen() | LevelsSeen() | TopSeen() | BookLost():
                self._publish_depth(event)
            case AnchorSeen(instrument_id):
                self._anchors[instrument_id] = event

    def _ladder(self, instrument_id: int, moment_ms: int, before_ms: int | None = None) -> Ladder:
        ladder = self._ladders.get(instrument_id)
        if ladder is None:
            if self._again and before_ms is None:
                before_ms = intervals.open_ms(moment_ms, intervals.BASE)
            # The longest bar that may be open now began at the latest here; what is stored since then lies under the
            # open bars. Trades of minutes that are stored already are late to the ladder, so a backlog read again
            # changes nothing. A replay goes back in time (before_ms): for it, what is stored of its future does not
            # exist.
            longer = self._longer[instrument_id]
            first_ms = min(intervals.open_ms(moment_ms, interval) for interval in longer)
            minutes = minutes_since(instrument_id, clock.from_ms(first_ms))
            ladder = Ladder(longer, (bar for bar in minutes if before_ms is None or bar.open_ms < before_ms))
            self._ladders[instrument_id] = ladder
        return ladder

    def _closed(self, instrument_id: int, bars: Iterable[tuple[str, Kline]]) -> None:
        self._pending += [(instrument_id, interval, bar) for interval, bar in bars]
        if len(self._pending) > PENDING_MAX:
            raise OverflowError("too many closed bars wait for PostgreSQL; the oldest would have to be dropped")

    # -- going out -----------------------------------------------------------------------------------------------------

    def _store_closed(self) -> None:
        if not self._pending:
            return
        # Longer bars are added up from minutes when they are read; only a source that tells them has them stored.
        mine = [row for row in self._pending if row[1] == intervals.BASE or row[0] not in self._ladders]
        mine.sort(key=lambda row: (row[0], row[1], row[2].open_ms))
        try:
            self.stored += store_bars(mine).rows if mine else 0
        except DataError:
            self._store_one_by_one(mine)
        told, self._pending = self._pending, []
        self._tell([self._news(row) for row in told if row[0] in self._specs])

    def _store_one_by_one(self, rows: list[tuple[int, str, Kline]]) -> None:
        """One instrument's impossible bar must not keep the others' out."""
        for instrument_id in {row[0] for row in rows}:
            try:
                self.stored += store_bars(row for row in rows if row[0] == instrument_id).rows
            except DataError as error:
                self._set_aside(instrument_id, error)

    def _tell_open(self) -> None:
        news = [self._news((*series, bar)) for series, bar in self._open.items() if series[0] in self._specs]
        for instrument_id in self._changed:
            ladder = self._ladders.get(instrument_id)
            if ladder is not None and instrument_id in self._specs:
                news += [self._news((instrument_id, interval, bar)) for interval, bar in ladder.open_bars()]
        self._open.clear()
        self._changed.clear()
        self._tell(news)

    def _put_anchors(self) -> None:
        for instrument_id, anchor in self._anchors.items():
            spec = self._specs.get(instrument_id)
            if spec is None:
                continue
            writer = self._writers.setdefault(spec.exchange, BlockWriter())
            at_ns = anchor.moment_ms * 1_000_000
            ticks = max(1, nearest_units(anchor.price, spec.tick_size))
            writer.outside(blocks.ANCHOR, instrument_id, spec.spec_version, at_ns, ticks)
            writer.outside(blocks.PROOF, instrument_id, spec.spec_version, at_ns)
        self._anchors.clear()
        for exchange, writer in self._writers.items():
            if len(writer):
                try:
                    self._bus.publish_block(exchange, writer.take())
                except BusDown:
                    log.warning("the bus is away; an anchor of %s was not told", exchange)

    def _publish_depth(self, event: PrintSeen | BookSeen | LevelsSeen | TopSeen | BookLost) -> None:
        try:
            self._depth.take(self._specs[event.instrument_id], event)
        except OffStep as error:
            log.warning("%s: an event was dropped: %s", self._specs[event.instrument_id].symbol, error)

    def _tell(self, news: list[KlineNews]) -> None:
        for start in range(0, len(news), MESSAGE_BARS):
            try:
                self._bus.publish(KLINES, encode_klines(news[start : start + MESSAGE_BARS]))
            except BusDown:
                log.warning("the bus is away; %d bars were not told (the closed ones are stored)", len(news) - start)
                return

    def _news(self, row: tuple[int, str, Kline]) -> KlineNews:
        spec = self._specs[row[0]]
        return shapes.kline_news(spec.exchange, spec.symbol, row[1], row[2])

    # -- trouble -------------------------------------------------------------------------------------------------------

    def _is_set_aside(self, instrument_id: int) -> bool:
        failed_ns = self._failed_ns.get(instrument_id)
        if failed_ns is None:
            return False
        if self._monotonic_ns() - failed_ns < AGAIN_AFTER_NS:
            return True
        del self._failed_ns[instrument_id]
        self.errors.pop(instrument_id, None)
        return False

    def _set_aside(self, instrument_id: int, error: Exception) -> None:
        log.exception("%s is set aside for a few seconds; the other instruments go on", self._specs.get(instrument_id))
        self._forget(instrument_id)
        self._failed_ns[instrument_id] = self._monotonic_ns()
        self.errors[instrument_id] = f"{type(error).__name__}: {error}"

    def _forget(self, instrument_id: int) -> None:
        self._ladders.pop(instrument_id, None)
        self._changed.discard(instrument_id)
        self._anchors.pop(instrument_id, None)
        self._depth.forget(instrument_id)
        self.seen_ns.pop(instrument_id, None)
        for series in [series for series in self._open if series[0] == instrument_id]:
            del self._open[series]
