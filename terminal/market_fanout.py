"""Market data for all sockets of this web process: one mirror, one clock of 50 ms, each frame encoded once.

Nothing is sent when it happens: a change only marks its channel, and at the next tick the channel says what is new since the
frame before. So any number of events becomes at most 20 frames a second, and a client that fell behind needs one snapshot.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from marketdata import clock, intervals
from marketdata.channels import KlineNews
from marketdata.domain import Trade
from marketdata.mirror import Change, MarketMirror, default_mirror
from marketdata.shapes import trade_row
from terminal import frames
from terminal.clients import Client

log = logging.getLogger(__name__)

TICK_S = 0.05
DEPTH = 50
TRADES_FIRST = 60
TRADES_MAX = 50
PROOF_S = 1.0  # a ticker is repeated this often, so that the client knows how old the source's last sign of life is
PACE_S = {"book": 0.05, "trades": 0.05, "ticker": 0.1, "klines": 0.1}

Levels = dict[str, str]


class Channel:
    """What one channel last told everybody, and who listens. `kind` chooses what it says."""

    def __init__(self, name: str, parts: frames.MarketName, instrument_id: int, mirror: MarketMirror) -> None:
        self.name, self.parts, self.instrument_id, self.mirror = name, parts, instrument_id, mirror
        self.seq = 0
        self.exchange_ms = 0
        self.dirty = True
        self.due_ns = 0
        self.synced: set[Client] = set()
        self.waiting: set[Client] = set()  # want a snapshot

    def note(self, change: Change) -> None:
        """Called in the mirror's thread: remember and be quick."""
        self.dirty = True

    def news(self) -> Any | None:
        """What is new since the last frame; None when nothing is."""
        raise NotImplementedError

    def whole(self) -> Any | None:
        """All a new listener needs; None while it is not known."""
        raise NotImplementedError


class BookChannel(Channel):
    """Levels by price; `shown` is what listeners have."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.shown: tuple[Levels, Levels] = ({}, {})

    def news(self) -> Any | None:
        book = self.mirror.book(self.instrument_id, DEPTH)
        if book is None or book["seq"] == self.seq:
            return None  # unusable after a gap: the next snapshot of the source is at most a second away
        now = (_levels(book["bids"]), _levels(book["asks"]))
        delta = {"bids": _difference(self.shown[0], now[0]), "asks": _difference(self.shown[1], now[1])}
        self.shown = now
        if not delta["bids"] and not delta["asks"]:
            return None
        self.seq = max(book["seq"], self.seq + 1)
        self.exchange_ms = _ms(book["time"])
        return delta

    def whole(self) -> Any | None:
        if not self.seq:
            return None
        return {
            **{
                side: [[p, q] for p, q in rows.items()] for side, rows in zip(("bids", "asks"), self.shown, strict=True)
            },
            "snapshot": True,
        }


class TradesChannel(Channel):
    """The tape, oldest first in each frame."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pending: deque[Trade] = deque(maxlen=TRADES_MAX)

    def note(self, change: Change) -> None:
        if change.kind == "trade":
            self.pending.append(change.payload)
            self.dirty = True

    def news(self) -> Any | None:
        spec = self.mirror.spec(self.instrument_id)
        trades = [self.pending.popleft() for _ in range(len(self.pending))]
        if not trades or spec is None:
            return None
        self.seq += 1
        self.exchange_ms = trades[-1].exchange_ns // 1_000_000
        return [trade_row(spec, trade) for trade in trades]

    def whole(self) -> Any | None:
        return self.mirror.trades(self.instrument_id, TRADES_FIRST)


class TickerChannel(Channel):
    """The headline; repeated every second, because its age is news too."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.repeat_ns = 0

    def note(self, change: Change) -> None:
        self.dirty = self.dirty or change.kind in ("top", "trade", "snapshot", "gap")

    def news(self) -> Any | None:
        ticker = self.mirror.ticker(self.instrument_id)
        if ticker is None:
            return None
        self.seq += 1
        self.exchange_ms = _ms(ticker["time"])
        self.repeat_ns = clock.monotonic_ns() + int(PROOF_S * 1e9)
        return ticker

    def whole(self) -> Any | None:
        return self.mirror.ticker(self.instrument_id)


class KlinesChannel(Channel):
    """Bars of one interval as they form; `pending` by open time, so that of a bar only the newest form is sent."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pending: dict[int, KlineNews] = {}
        self.rewritten = False  # stored bars changed: a snapshot tells the page to read them again

    def note(self, change: Change) -> None:
        if change.kind == "kline" and change.payload.interval == self.parts.interval:
            self.pending[change.payload.open_ms] = change.payload
            self.dirty = True
        elif change.kind == "history" and change.payload in (self.parts.interval, intervals.BASE):
            self.rewritten = True
            self.dirty = True

    def news(self) -> Any | None:
        if self.rewritten:
            self.rewritten = False
            self.waiting |= self.synced
            self.synced.clear()
        pending, self.pending = self.pending, {}
        if not pending:
            return None
        self.seq += 1
        bars = [pending[at] for at in sorted(pending)][-500:]
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


class MarketFanout:
    """All market channels of one event loop."""

    def __init__(self, mirror: MarketMirror) -> None:
        self.mirror = mirror
        self._channels: dict[str, Channel] = {}
        self._by_instrument: dict[int, list[Channel]] = {}
        self._clients: dict[Client, set[str]] = {}
        self._task: asyncio.Task[None] | None = None
        self._stop_listening: Callable[[], None] | None = None

    def subscribe(self, client: Client, name: str) -> str | None:
        """Begin with a snapshot at the next tick; an error frame when there is no such channel."""
        channel = self._channels.get(name) or self._open(name)
        if channel is None:
            return frames.error(
                name,
                "NOT_FOUND",
                "There is no such channel. Market channels: klines:exchange:symbol:interval, book:, trades:, ticker:.",
            )
        held = self._clients.setdefault(client, set())
        if len(held) >= frames.CHANNELS_MAX and name not in held:
            return frames.error(name, "TOO_MANY", f"A socket listens to at most {frames.CHANNELS_MAX} channels.")
        held.add(name)
        channel.synced.discard(client)
        channel.waiting.add(client)
        channel.dirty = True
        self._run()
        return None

    def unsubscribe(self, client: Client, name: str) -> None:
        """Stop; unknown names are no error."""
        channel = self._channels.get(name)
        if channel:
            self._leave(client, channel)
        self._clients.get(client, set()).discard(name)

    def forget(self, client: Client) -> None:
        """The socket is gone."""
        for name in self._clients.pop(client, set()):
            if channel := self._channels.get(name):
                self._leave(client, channel)

    def _open(self, name: str) -> Channel | None:
        parts = frames.market_name(name)
        if parts is None or (parts.interval and parts.interval not in intervals.LENGTH_MS):
            return None
        instrument_id = self.mirror.instrument_id(parts.exchange, parts.symbol)
        if instrument_id is None:
            return None
        channel = KINDS[parts.kind](name, parts, instrument_id, self.mirror)
        self._channels[name] = channel
        self._by_instrument.setdefault(instrument_id, []).append(channel)
        return channel

    def _leave(self, client: Client, channel: Channel) -> None:
        channel.synced.discard(client)
        channel.waiting.discard(client)
        if not channel.synced and not channel.waiting:
            self._channels.pop(channel.name, None)
            self._by_instrument[channel.instrument_id].remove(channel)

    def _heard(self, change: Change) -> None:
        """In the mirror's thread."""
        for channel in list(self._by_instrument.get(change.instrument_id, ())):
            channel.note(change)

    def _run(self) -> None:
        if self._task is None or self._task.done():
            if self._stop_listening is None:
                self._stop_listening = self.mirror.listen(self._heard)
            self._task = asyncio.get_running_loop().create_task(self._tick())

    async def _tick(self) -> None:
        while self._clients:
            began_ns = clock.monotonic_ns()
            for channel in list(self._channels.values()):
                try:
                    self._flush(channel, began_ns)
                except Exception:
                    # One channel's mistake must not stop the others.
                    log.exception("channel %s could not be told", channel.name)
            spent_s = (clock.monotonic_ns() - began_ns) / 1e9
            await asyncio.sleep(max(0.005, TICK_S - spent_s))
        if self._stop_listening:
            self._stop_listening()
            self._stop_listening = None

    def _flush(self, channel: Channel, now_ns: int) -> None:
        if isinstance(channel, TickerChannel) and now_ns >= channel.repeat_ns:
            channel.dirty = True
        if not channel.dirty or (now_ns < channel.due_ns and not channel.waiting):
            return
        channel.dirty = False
        channel.due_ns = now_ns + int(PACE_S[channel.parts.kind] * 1e9)
        now_ms = clock.now_ms()
        previous = channel.seq
        news = channel.news()
        if news is not None and channel.synced:
            text = frames.frame(channel.name, channel.seq, previous, now_ms, channel.exchange_ms, frames.payload(news))
            for client in list(channel.synced):
                if not client.offer(text):
                    channel.synced.discard(client)
                    channel.waiting.add(client)
        if channel.waiting:
            self._snapshot(channel, now_ms)

    def _snapshot(self, channel: Channel, now_ms: int) -> None:
        whole = channel.whole()
        if whole is None:
            channel.dirty = True
            return
        text = frames.frame(channel.name, channel.seq, None, now_ms, channel.exchange_ms, frames.payload(whole))
        for client in list(channel.waiting):
            if client.dead:
                self._leave(client, channel)
            elif client.offer(text):
                channel.waiting.discard(client)
                channel.synced.add(client)
            else:
                channel.dirty = True


def _levels(rows: list[list[str]]) -> Levels:
    return dict(rows)


def _difference(before: Levels, now: Levels) -> list[list[str]]:
    changed = [[price, quantity] for price, quantity in now.items() if before.get(price) != quantity]
    return changed + [[price, "0"] for price in before if price not in now]


def _ms(iso: str | None) -> int:
    return clock.to_ms(datetime.fromisoformat(iso)) if iso else 0


_fanouts: WeakKeyDictionary[asyncio.AbstractEventLoop, MarketFanout] = WeakKeyDictionary()


async def market_fanout() -> MarketFanout:
    """This event loop's fan-out over the process's mirror, which is started at the first call."""
    loop = asyncio.get_running_loop()
    if loop not in _fanouts:
        mirror = await asyncio.to_thread(default_mirror)
        _fanouts.setdefault(loop, MarketFanout(mirror))
    return _fanouts[loop]
