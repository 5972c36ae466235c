"""Market data for all sockets of this web process: one mirror, each frame made and encoded once for everybody.

A change is sent when it happens, unless its channel spoke less than its pace ago: then it waits until that is over, with whatever
else happens meanwhile. So any number of events becomes at most 20 frames a second, and a client that fell behind needs one snapshot.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from weakref import WeakKeyDictionary

from marketdata import clock, intervals
from marketdata.mirror import Change, MarketMirror, default_mirror
from terminal import frames
from terminal.clients import Client
from terminal.market_channels import KINDS, Channel

log = logging.getLogger(__name__)

REST_NS = 4_000_000  # between two rounds: what comes in close together goes out together
LOOK_NS = 100_000_000  # how often those who wait, and those who repeat themselves, are looked after


class MarketFanout:
    """All market channels of one event loop."""

    def __init__(self, mirror: MarketMirror) -> None:
        self.mirror = mirror
        self._channels: dict[str, Channel] = {}
        self._by_instrument: dict[int, list[Channel]] = {}
        self._clients: dict[Client, set[str]] = {}
        self._line: deque[Channel] = deque()  # channels with news, each once
        self._rung = False  # the bell is on its way
        self._bell = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._stop_listening: Callable[[], None] | None = None

    # -- who listens ---------------------------------------------------------------------------------------------------

    def subscribe(self, client: Client, name: str) -> frames.Frame | None:
        """Begin with a snapshot in a moment; an error frame when there is no such channel."""
        held = self._clients.get(client, set())
        if len(held) >= frames.CHANNELS_MAX and name not in held:
            return frames.error(name, "TOO_MANY", f"A socket listens to at most {frames.CHANNELS_MAX} channels.")
        channel = self._channels.get(name) or self._open(name)
        if channel is None:
            return frames.error(
                name,
                "NOT_FOUND",
                "There is no such channel. Market channels: klines:exchange:symbol:interval, book:, trades:, ticker:.",
            )
        self._clients.setdefault(client, held).add(name)
        channel.synced.discard(client)
        channel.waiting.add(client)
        self._note(channel)
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

    def told(self, client: Client) -> dict[str, int]:
        """What this client was last told of each channel whose differences it gets."""
        held = [self._channels[name] for name in self._clients.get(client, ()) if name in self._channels]
        return {channel.name: channel.seq for channel in held if client in channel.synced}

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
        if not channel.synced and not channel.waiting and self._channels.pop(channel.name, None):
            self._by_instrument[channel.instrument_id].remove(channel)

    # -- what is new ---------------------------------------------------------------------------------------------------

    def _heard(self, change: Change) -> None:
        """In the mirror's thread."""
        for channel in list(self._by_instrument.get(change.instrument_id, ())):
            if channel.note(change) and not channel.noted:
                self._note(channel)

    def _note(self, channel: Channel) -> None:
        """It has something to say. From any thread."""
        channel.noted = True
        self._line.append(channel)
        if not self._rung:
            self._rung = True
            self._loop.call_soon_threadsafe(self._bell.set)

    def _run(self) -> None:
        if self._task is None or self._task.done():
            if self._stop_listening is None:
                self._stop_listening = self.mirror.listen(self._heard)
            self._task = self._loop.create_task(self._rounds())

    async def _rounds(self) -> None:
        """Say what is new as soon as it may be said. Ends with the last listener."""
        looked_ns = next_ns = 0
        while self._clients:
            now_ns = clock.monotonic_ns()
            wait_ns = max(REST_NS, min(next_ns, looked_ns + LOOK_NS) - now_ns)
            try:
                async with asyncio.timeout(wait_ns / 1e9):
                    await self._bell.wait()
                await asyncio.sleep(REST_NS / 1e9)
            except TimeoutError:
                pass
            self._bell.clear()
            self._rung = False
            now_ns = clock.monotonic_ns()
            if now_ns - looked_ns >= LOOK_NS:
                looked_ns = now_ns
                self._look_after(now_ns)
            next_ns = self._round(now_ns)
        if self._stop_listening:
            self._stop_listening()
            self._stop_listening = None

    def _look_after(self, now_ns: int) -> None:
        """Channels that have somebody waiting, or whose silence would be news."""
        for channel in self._channels.values():
            repeats = 0 < channel.repeat_ns <= now_ns
            if not channel.noted and (repeats or channel.waiting):
                channel.noted = True
                self._line.append(channel)

    def _round(self, now_ns: int) -> int:
        """Everything that may be said now; when the next may."""
        next_ns = now_ns + LOOK_NS
        for _ in range(len(self._line)):
            channel = self._line.popleft()
            if channel.due_ns > now_ns:
                self._line.append(channel)
                next_ns = min(next_ns, channel.due_ns)
                continue
            channel.noted = False  # before it is asked: a change from now on is news again
            if self._channels.get(channel.name) is not channel:
                continue
            channel.due_ns = now_ns + channel.pace_ns
            try:
                self._say(channel)
            except Exception:
                # One channel's mistake must not stop the others.
                log.exception("channel %s could not be told", channel.name)
        return next_ns

    def _say(self, channel: Channel) -> None:
        now_ms = clock.now_ms()
        previous = channel.seq
        news = channel.news()
        if news is not None and channel.synced:
            said = frames.frame(channel.name, channel.seq, previous, now_ms, channel.exchange_ms, frames.payload(news))
            fell_behind = [client for client in channel.synced if not client.offer(said)]
            channel.synced.difference_update(fell_behind)
            channel.waiting.update(fell_behind)
        if channel.waiting:
            self._begin(channel, now_ms)

    def _begin(self, channel: Channel, now_ms: int) -> None:
        """Snapshots for those who wait and can take one."""
        for client in [client for client in channel.waiting if client.dead]:
            self._leave(client, channel)
        ready = [client for client in channel.waiting if not client.behind]
        whole = channel.whole() if ready else None
        if whole is None:
            return
        said = frames.frame(channel.name, channel.seq, None, now_ms, channel.exchange_ms, frames.payload(whole))
        for client in ready:
            if client.offer(said):
                channel.waiting.discard(client)
                channel.synced.add(client)


_fanouts: WeakKeyDictionary[asyncio.AbstractEventLoop, MarketFanout] = WeakKeyDictionary()


async def market_fanout() -> MarketFanout:
    """This event loop's fan-out over the process's mirror, which is started at the first call."""
    loop = asyncio.get_running_loop()
    if loop not in _fanouts:
        mirror = await asyncio.to_thread(default_mirror)
        _fanouts.setdefault(loop, MarketFanout(mirror))
    return _fanouts[loop]
