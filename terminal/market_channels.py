"""What each kind of market channel says: all it knows to a new listener, and then what is new since the frame before.

A channel is told of changes in the mirror's thread, and asked what to say in the loop's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from datetime import datetime
from typing import Any

from marketdata import clock, intervals
from marketdata.channels import KlineNews
from marketdata.domain import InstrumentSpec, Trade
from marketdata.mirror import Change, MarketMirror
from marketdata.precision import text
from marketdata.shapes import trade_row
from terminal import frames
from terminal.clients import Client

DEPTH = 50
TRADES_FIRST = 60
TRADES_MAX = 500  # in one frame; with more since the last one everybody begins anew
BARS_MAX = 500
PROOF_NS = 1_000_000_000  # a ticker is repeated this often: how old the source's last sign of life is, is news too
PACE_NS = {"book": 50_000_000, "trades": 50_000_000, "ticker": 100_000_000, "klines": 100_000_000}

Levels = dict[int, int]  # lots by ticks


class Channel(ABC):
    """What one channel last told everybody, and who listens. `kind` chooses what it says."""

    repeat_ns = 0  # when it says itself again though nothing is new; 0 = never

    def __init__(self, name: str, parts: frames.MarketName, instrument_id: int, mirror: MarketMirror) -> None:
        self.name, self.parts, self.instrument_id, self.mirror = name, parts, instrument_id, mirror
        self.pace_ns = PACE_NS[parts.kind]
        self.seq = 0
        self.exchange_ms = 0
        self.due_ns = 0  # not before this is it said again
        self.noted = False  # stands in the fan-out's line already
        self.synced: set[Client] = set()
        self.waiting: set[Client] = set()  # want a snapshot

    @abstractmethod
    def note(self, change: Change) -> bool:
        """Called in the mirror's thread: remember and be quick. Whether it is news here."""

    @abstractmethod
    def news(self) -> Any | None:
        """What is new since the last frame; None when nothing is."""

    @abstractmethod
    def whole(self) -> Any | None:
        """All a new listener needs; None while it is not known."""

    def begin_anew(self) -> None:
        """Differences do not say enough any more: everybody is to have a snapshot."""
        self.waiting |= self.synced
        self.synced.clear()


class BookChannel(Channel):
    """Levels by price; `shown` is what listeners have, in the steps of `spec`."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.spec: InstrumentSpec | None = None
        self.book_seq = 0
        self.shown: tuple[Levels, Levels] = ({}, {})

    def note(self, change: Change) -> bool:
        return change.kind in ("levels", "snapshot")

    def news(self) -> Any | None:
        found = self.mirror.depth(self.instrument_id, DEPTH)
        if found is None or found.seq == self.book_seq:
            return None  # unusable after a gap: the next snapshot of the source is at most a second away
        if self.spec is None or self.spec.spec_version != found.spec.spec_version:
            self.shown = ({}, {})  # in other steps the same numbers are other prices
            self.begin_anew()
        now = dict(found.bids), dict(found.asks)
        delta = [_difference(found.spec, before, after) for before, after in zip(self.shown, now, strict=True)]
        self.spec, self.shown, self.book_seq = found.spec, now, found.seq
        if not any(delta):
            return None
        self.seq = max(found.seq, self.seq + 1)
        self.exchange_ms = found.exchange_ns // 1_000_000
        return {"bids": delta[0], "asks": delta[1]}

    def whole(self) -> Any | None:
        if not self.seq or self.spec is None:
            return None
        bids, asks = (_difference(self.spec, {}, levels) for levels in self.shown)
        return {"bids": bids, "asks": asks, "snapshot": True}


class TradesChannel(Channel):
    """The tape, oldest first in each frame."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pending: deque[Trade] = deque(maxlen=TRADES_MAX)
        self.lost = False

    def note(self, change: Change) -> bool:
        if change.kind != "trade":
            return False
        self.lost = self.lost or len(self.pending) == TRADES_MAX
        self.pending.append(change.payload)
        return True

    def news(self) -> Any | None:
        spec = self.mirror.spec(self.instrument_id)
        trades = [self.pending.popleft() for _ in range(len(self.pending))]
        if self.lost:
            self.lost = False
            self.begin_anew()
        if not trades or spec is None:
            return None
        self.seq += 1
        self.exchange_ms = trades[-1].exchange_ns // 1_000_000
        return [trade_row(spec, trade) for trade in trades]

    def whole(self) -> Any | None:
        return self.mirror.trades(self.instrument_id, TRADES_FIRST)


class TickerChannel(Channel):
    """The headline."""

    def note(self, change: Change) -> bool:
        return change.kind in ("top", "trade", "levels", "snapshot", "gap")

    def news(self) -> Any | None:
        ticker = self.mirror.ticker(self.instrument_id)
        if ticker is None:
            return None
        self.seq += 1
        self.exchange_ms = clock.to_ms(datetime.fromisoformat(ticker["time"])) if ticker["time"] else 0
        self.repeat_ns = clock.monotonic_ns() + PROOF_NS
        return ticker

    def whole(self) -> Any | None:
        return self.mirror.ticker(self.instrument_id)


class KlinesChannel(Channel):
    """Bars of one interval as they form; `pending` by open time, so that of a bar only the newest form is sent."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pending: dict[int, KlineNews] = {}
        self.rewritten = False  # stored bars changed: a snapshot tells the page to read them again

    def note(self, change: Change) -> bool:
        if change.kind == "kline" and change.payload.interval == self.parts.interval:
            self.pending[change.payload.open_ms] = change.payload
            self.rewritten = self.rewritten or len(self.pending) > BARS_MAX
            return True
        if change.kind == "history" and change.payload in (self.parts.interval, intervals.BASE):
            self.rewritten = True
            return True
        return False

    def news(self) -> Any | None:
        if self.rewritten:
            self.rewritten = False
            self.begin_anew()
        pending, self.pending = self.pending, {}
        if not pending:
            return None
        self.seq += 1
        bars = [pending[at] for at in sorted(pending)][-BARS_MAX:]
        self.exchange_ms = bars[-1].open_ms
        return [bar.row() for bar in bars]

    def whole(self) -> Any | None:
        bar = self.mirror.kline(self.instrument_id, self.parts.interval)
        return [bar.row()] if bar else []


KINDS: dict[str, type[Channel]] = {
    "book": BookChannel,
    "trades": TradesChannel,
    "ticker": TickerChannel,
    "klines": KlinesChannel,
}


def _difference(spec: InstrumentSpec, before: Levels, now: Levels) -> list[list[str]]:
    """[price, quantity] texts of what stands otherwise now; quantity "0" where nothing does any more."""
    tick, lot = spec.tick_size, spec.lot_size
    changed = [[text(ticks, tick), text(lots, lot)] for ticks, lots in now.items() if before.get(ticks) != lots]
    return changed + [[text(ticks, tick), "0"] for ticks in before if ticks not in now]
