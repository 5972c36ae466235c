"""The market as this process sees it: books, tops, trades, tickers and open bars of every instrument, kept from the bus
by a thread.

Nothing in it is the truth. A flushed or restarted bus empties nothing here; the next snapshot (a second later) heals
what was missed. Readers get copies. Listeners are called in the mirror's thread with what changed, and must be quick.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec
from django.db import Error, close_old_connections, connection

from marketdata import blocks, clock, intervals, services
from marketdata.blocks import BUY, SELL, Record
from marketdata.book import Book
from marketdata.bus import BlockTail, Bus, BusDown, Entry, default
from marketdata.channels import KLINES, WAKE, WAKE_HISTORY, WAKE_SUBSCRIPTIONS, KlineNews, decode_klines
from marketdata.domain import InstrumentSpec, Trade
from marketdata.precision import text
from marketdata.shapes import Day, day_texts, level_texts, trade_row

log = logging.getLogger(__name__)

TRADES_KEPT = 1000
BACKLOG_BLOCKS = 1000
FIRST_WAIT_S = 1.0
SPECS_EVERY_S = 5.0
DAY_EVERY_S = 15.0

# Yesterday's price and the volume since, by the instrument's own newest minute (a replayed market lives in its own
# time).
_DAY = """
    SELECT i.id, newest.open_time,
           (SELECT open FROM marketdata_kline
            WHERE instrument_id = i.id AND interval = '1m' AND open_time = day.first), day.volume
    FROM marketdata_instrument AS i
    CROSS JOIN LATERAL (SELECT open_time FROM marketdata_kline WHERE instrument_id = i.id AND interval = '1m'
                        ORDER BY open_time DESC LIMIT 1) AS newest
    CROSS JOIN LATERAL (SELECT sum(volume) AS volume, min(open_time) AS first FROM marketdata_kline
                        WHERE instrument_id = i.id AND interval = '1m' AND open_time <= newest.open_time
                          AND open_time > newest.open_time - interval '1 day') AS day
"""


class Change(NamedTuple):
    """What a listener is told.

    kind and payload: "snapshot" None (read the whole book) · "levels" list[LevelChange] · "trade" Trade · "top" None ·
    "gap" None (the book is unusable until "snapshot") · "kline" KlineNews · "history" interval (stored bars changed;
    read them again). exchange_ns is the source's time, 0 where it has none.
    """

    kind: Literal["snapshot", "levels", "trade", "top", "gap", "kline", "history"]
    instrument_id: int
    exchange_ns: int
    payload: Any = None


class Depth(NamedTuple):
    """A book at one moment: (ticks, lots) of each side, best first."""

    spec: InstrumentSpec
    seq: int
    exchange_ns: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


@dataclass
class _State:
    """All the mirror knows of one instrument."""

    spec: InstrumentSpec
    book: Book = field(default_factory=Book)
    trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))
    proof_ms: int | None = None  # by the bus server's clock
    klines: dict[str, KlineNews] = field(default_factory=dict)
    day: Day | None = None


class MarketMirror:
    """Made once per process by `default_mirror()`, which also starts it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._lock = threading.RLock()
        self._states: dict[int, _State] = {}
        self._by_name: dict[tuple[str, str], int] = {}
        self._listeners: list[Callable[[Change], None]] = []
        self._stopping = threading.Event()
        self._specs_due = threading.Event()
        self._caught_up = threading.Event()
        self._server_ahead_ms = 0
        self._threads: list[threading.Thread] = []

    # -- life ----------------------------------------------------------------------------------------------------------

    def start(self) -> MarketMirror:
        """Begin to read; returns at once, already knowing the instruments when PostgreSQL answers."""
        if self._threads:
            return self
        self._read_specs()
        for target in (self._read_blocks, self._read_news, self._look_after_rows):
            thread = threading.Thread(target=target, name=f"mirror {target.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def wait(self, timeout_s: float) -> bool:
        """Wait until what the bus still held at the start has been read."""
        return self._caught_up.wait(timeout_s)

    def stop(self) -> None:
        """End the threads."""
        self._stopping.set()
        self._specs_due.set()
        for thread in self._threads:
            thread.join(2.0)

    def listen(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call back with every change from now on; the answer ends it."""
        with self._lock:
            self._listeners.append(callback)

        def stop() -> None:
            with self._lock:
                self._listeners.remove(callback)

        return stop

    # -- reading -------------------------------------------------------------------------------------------------------

    def spec(self, instrument_id: int) -> InstrumentSpec | None:
        """The instrument, when it is known here."""
        with self._lock:
            state = self._states.get(instrument_id)
            return state.spec if state else None

    def instrument_id(self, exchange: str, symbol: str) -> int | None:
        """The instrument's id by exchange and unified symbol."""
        with self._lock:
            return self._by_name.get((exchange, symbol))

    def instruments(self) -> list[InstrumentSpec]:
        """All instruments, in the order of the lists."""
        with self._lock:
            return [state.spec for state in self._states.values()]

    def depth(self, instrument_id: int, depth: int = blocks.LEVELS_MAX) -> Depth | None:
        """The book in ticks and lots; None while it is unknown or unusable."""
        with self._lock:
            state = self._states.get(instrument_id)
            if state is None or not state.book.usable:
                return None
            book = state.book
            sides = book.side(BUY, depth), book.side(SELL, depth)
            return Depth(state.spec, book.seq, book.exchange_ns, *sides)

    def book(self, instrument_id: int, depth: int = blocks.LEVELS_MAX) -> dict[str, Any] | None:
        """The book as the API shows it, best first; None while it is unknown or unusable."""
        found = self.depth(instrument_id, depth)
        if found is None:
            return None
        return {
            "exchange": found.spec.exchange,
            "symbol": found.spec.symbol,
            "seq": found.seq,
            "time": clock.iso(clock.from_ns(found.exchange_ns)),
            "bids": level_texts(found.spec, found.bids),
            "asks": level_texts(found.spec, found.asks),
        }

    def top(self, instrument_id: int) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """Best bid and best ask as (ticks, lots); None for an empty side."""
        with self._lock:
            state = self._states.get(instrument_id)
            return (state.book.best(BUY), state.book.best(SELL)) if state else (None, None)

    def trades(self, instrument_id: int, limit: int = 100) -> list[dict[str, Any]]:
        """The newest trades as the API shows them, oldest first."""
        with self._lock:
            state = self._states.get(instrument_id)
            if state is None or limit <= 0:
                return []
            spec, newest = state.spec, list(state.trades)[-limit:]
        return [trade_row(spec, trade) for trade in newest]

    def kline(self, instrument_id: int, interval: str = intervals.BASE) -> KlineNews | None:
        """The newest bar heard of, open or closed."""
        with self._lock:
            state = self._states.get(instrument_id)
            return state.klines.get(interval) if state else None

    def age_s(self, instrument_id: int) -> float | None:
        """Seconds since the source last proved alive; None when it never did."""
        with self._lock:
            state = self._states.get(instrument_id)
            if state is None or state.proof_ms is None:
                return None
            return max(0.0, (clock.now_ms() + self._server_ahead_ms - state.proof_ms) / 1000)

    def stale(self, instrument_id: int) -> bool:
        """True when the source has been silent for longer than the instrument allows."""
        age, spec = self.age_s(instrument_id), self.spec(instrument_id)
        return age is None or spec is None or age * 1000 > spec.stale_after_ms

    def mark(self, instrument_id: int) -> tuple[int, float] | None:
        """(twice the mid in ticks, age in seconds), or None without both sides. What a stale mark means is the
        caller's to judge.
        """
        bid, ask = self.top(instrument_id)
        age = self.age_s(instrument_id)
        if bid is None or ask is None or age is None:
            return None
        return bid[0] + ask[0], age

    def ticker(self, instrument_id: int) -> dict[str, Any] | None:
        """The ticker as the API shows it; change_24h is in percent. None when the instrument is not known here."""
        age = self.age_s(instrument_id)
        stale = self.stale(instrument_id)
        with self._lock:
            state = self._states.get(instrument_id)
            if state is None:
                return None
            spec, day, minute = state.spec, state.day, state.klines.get(intervals.BASE)
            bid, ask = state.book.best(BUY), state.book.best(SELL)
            last_trade = state.trades[-1] if state.trades else None
            exchange_ns = state.book.exchange_ns
        last = text(last_trade.ticks, spec.tick_size) if last_trade else (minute.close if minute else None)
        return {
            "exchange": spec.exchange,
            "symbol": spec.symbol,
            "bid": text(bid[0], spec.tick_size) if bid else None,
            "ask": text(ask[0], spec.tick_size) if ask else None,
            "last": last,
            **day_texts(day, minute, last),
            "time": clock.iso(clock.from_ns(exchange_ns)) if exchange_ns else None,
            "stale": stale,
            "age_ms": None if age is None else int(age * 1000),
        }

    # -- following the bus ---------------------------------------------------------------------------------------------

    def _read_blocks(self) -> None:
        tail = BlockTail(self._bus, BACKLOG_BLOCKS)
        while not self._stopping.is_set():
            with self._lock:
                exchanges = {state.spec.exchange for state in self._states.values()}
            try:
                tail.follow(exchanges)
            except BusDown:
                self._stopping.wait(0.5)
                continue
            for _, entry in tail.read(block_ms=250):
                self._take_block(entry)
            self._caught_up.set()

    def _take_block(self, entry: Entry) -> None:
        try:
            records = list(blocks.unpack(entry.payload))
        except ValueError:
            log.exception("a market block could not be read and was skipped")
            return
        changes: list[Change] = []
        with self._lock:
            for record in records:
                state = self._states.get(record.instrument_id)
                if state is None:
                    self._specs_due.set()
                elif record.spec_version == state.spec.spec_version:
                    state.proof_ms = entry.ms
                    changes += _apply(state, record)
                else:
                    self._specs_due.set()
            listeners = list(self._listeners)
        _tell(listeners, changes)

    def _read_news(self) -> None:
        listener = self._bus.listener(KLINES, WAKE)
        while not self._stopping.is_set():
            message = listener.get(0.25)
            if message is None:
                continue
            channel, payload = message
            if channel == KLINES:
                self._take_klines(payload)
            else:
                self._take_wake(payload.decode(errors="replace"))
        listener.close()

    def _take_klines(self, payload: bytes) -> None:
        try:
            news = decode_klines(payload)
        except msgspec.MsgspecError:
            log.exception("a message on klines could not be read and was skipped")
            return
        changes = []
        with self._lock:
            for bar in news:
                instrument_id = self._by_name.get((bar.exchange, bar.symbol))
                if instrument_id is None:
                    self._specs_due.set()
                    continue
                self._states[instrument_id].klines[bar.interval] = bar
                changes.append(Change("kline", instrument_id, bar.open_ms * 1_000_000, bar))
            listeners = list(self._listeners)
        _tell(listeners, changes)

    def _take_wake(self, wake: str) -> None:
        word, *rest = wake.split(" ")
        if word == WAKE_SUBSCRIPTIONS:
            self._specs_due.set()
        elif word == WAKE_HISTORY and len(rest) == 3:
            close_old_connections()
            self._read_specs()  # the import may just have made the instrument
            exchange, symbol, interval = rest
            with self._lock:
                instrument_id = self._by_name.get((exchange, symbol))
                listeners = list(self._listeners)
            if instrument_id is not None:
                _tell(listeners, [Change("history", instrument_id, 0, interval)])

    def _look_after_rows(self) -> None:
        """Instruments every few seconds or when something unknown was heard of; the 24 hours more rarely; the
        server's clock.
        """
        day_due_ns = 0
        while not self._stopping.is_set():
            close_old_connections()
            self._read_specs()
            self._read_server_clock()
            if clock.monotonic_ns() >= day_due_ns:
                self._read_day()
                day_due_ns = clock.monotonic_ns() + int(DAY_EVERY_S * 1e9)
            self._specs_due.wait(SPECS_EVERY_S)
            self._stopping.wait(0.2)  # an unknown instrument in every block must not become a query for every block
            self._specs_due.clear()
        connection.close()

    def _read_specs(self) -> None:
        try:
            known = services.specs()
        except Error:
            log.warning("the mirror could not read the instruments; it keeps those it has")
            return
        with self._lock:
            states = {}
            for instrument_id, spec in known.items():
                state = self._states.get(instrument_id)
                if state is None or state.spec.spec_version != spec.spec_version:
                    state = _State(spec)  # ticks of another spec mean other prices
                state.spec = spec
                states[instrument_id] = state
            self._states = states
            self._by_name = {(spec.exchange, spec.symbol): spec.id for spec in known.values()}

    def _read_server_clock(self) -> None:
        try:
            self._server_ahead_ms = self._bus.time_ns() // 1_000_000 - clock.now_ms()
        except BusDown:
            return

    def _read_day(self) -> None:
        try:
            close_old_connections()
            with connection.cursor() as cursor:
                cursor.execute(_DAY)
                rows = cursor.fetchall()
        except Error:
            log.warning("the mirror could not read the last day's bars; tickers keep the change they had")
            return
        with self._lock:
            for instrument_id, newest, opened, volume in rows:
                if instrument_id in self._states:
                    self._states[instrument_id].day = Day(clock.to_ms(newest), opened, volume)


def _apply(state: _State, record: Record) -> list[Change]:
    book, instrument_id, at = state.book, record.instrument_id, record.exchange_ns
    was_usable, was_filling = book.usable, book.filling
    levels = book.apply(record)
    changes = []
    if was_usable and not book.usable and record.kind != blocks.SNAPSHOT:
        changes.append(Change("gap", instrument_id, at))
    if book.usable and (was_filling or record.kind == blocks.SNAPSHOT):
        changes.append(Change("snapshot", instrument_id, at))
    elif levels and book.usable:
        changes.append(Change("levels", instrument_id, at, levels))
    if record.kind == blocks.TRADE:
        side = "buy" if record.side == BUY else "sell"
        trade = Trade(f"{at}-{record.seq}", record.ticks, record.lots, side, at)
        state.trades.append(trade)
        changes.append(Change("trade", instrument_id, at, trade))
    elif record.kind == blocks.TOP:
        changes.append(Change("top", instrument_id, at))
    return changes


def _tell(listeners: Iterable[Callable[[Change], None]], changes: list[Change]) -> None:
    for change in changes:
        for listener in listeners:
            try:
                listener(change)
            except Exception:
                # One listener's mistake must not stop the market for the others.
                log.exception("a listener of the mirror failed on %s", change.kind)


@cache
def default_mirror() -> MarketMirror:
    """The process's own mirror, started at the first call, which waits a moment for it to know something."""
    mirror = MarketMirror(default()).start()
    mirror.wait(FIRST_WAIT_S)
    return mirror
