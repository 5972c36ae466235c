"""The account channels of this web process: lossless, in commit order, resumable.

PostgreSQL is the truth and the bus only rings: every change of an account is a row of `orders_executionreport` under its
`account_seq`, numbered without holes. News that follows the last one sent goes out as it came; anything else (a hole, a
reconnect of the bus, a resume, a browser that was slow) is read from the table, at the pace of its socket: nothing piles up for it
here. A look at the newest numbers every two seconds finds what the bus lost.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import DatabaseError

from marketdata import channels, clock, failpoints
from marketdata.bus import AsyncBus, BusDown
from terminal import account_history, frames
from terminal.clients import Client

log = logging.getLogger(__name__)

SWEEP_S = 2.0
REST_S = 0.5  # before the bus or the database is asked again after it failed
REPLAY_MAX = 1000  # a resume further back than this gets a snapshot instead
ACCOUNTS_MAX = 50  # that one socket may follow


@dataclass(eq=False)
class Feed:
    """One account on one socket. `seq` is the last change sent; None until the first snapshot."""

    client: Client
    name: str
    account_id: int
    seq: int | None = None
    newest: int = 0  # the highest change known to exist
    reading: asyncio.Task[None] | None = field(default=None, repr=False)


class AccountFanout:
    """All account feeds of one event loop."""

    def __init__(self, bus: AsyncBus) -> None:
        self._bus = bus
        self._feeds: dict[int, set[Feed]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._made: tuple[tuple[str, int, int | None], frames.Frame] | None = (
            None  # the newest, for the next feed as well
        )

    async def open(self, client: Client, user_id: int, name: str, resume_from: int | None = None) -> str | None:
        """Follow an account of this user, from a snapshot or from the change after `resume_from`. An error frame when it is not theirs."""
        wanted = name.removeprefix("account:")
        account_id = await asyncio.to_thread(account_history.account_id, user_id, wanted) if wanted != name else None
        if account_id is None:
            return frames.error(
                name, "NOT_FOUND", "There is no such account of yours. Account channels are account:<name>."
            )
        self.close(client, name)
        if sum(feed.client is client for feeds in self._feeds.values() for feed in feeds) >= ACCOUNTS_MAX:
            return frames.error(name, "TOO_MANY", f"A socket follows at most {ACCOUNTS_MAX} accounts.")
        if client.dead:
            return None
        feed = Feed(client, name, account_id, resume_from)
        feeds = self._feeds.setdefault(account_id, set())
        feeds.add(feed)
        self._run()
        self._read(feed, snapshot=resume_from is None)
        return None

    def close(self, client: Client, name: str | None = None) -> None:
        """Stop one channel of a client, or all of them."""
        for account_id, feeds in list(self._feeds.items()):
            for feed in [one for one in feeds if one.client is client and name in (None, one.name)]:
                feeds.discard(feed)
                if feed.reading:
                    feed.reading.cancel()
            if not feeds:
                del self._feeds[account_id]

    def told(self, client: Client) -> dict[str, int]:
        """What this client was last told of each account."""
        ours = [feed for feeds in self._feeds.values() for feed in feeds if feed.client is client]
        return {feed.name: feed.seq for feed in ours if feed.seq is not None and not feed.reading}

    def _run(self) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._listen()), loop.create_task(self._sweep())]

    async def _listen(self) -> None:
        while True:
            try:
                async for message in self._bus.messages(channels.ACCOUNT):
                    if message is None:
                        self._suspect_all()
                        continue
                    failpoints.reach("fanout.heard")
                    for account_id, seq, raw in channels.decode_account(message[1]):
                        for feed in list(self._feeds.get(account_id, ())):
                            self._heard(feed, seq, raw)
            except BusDown:
                await asyncio.sleep(REST_S)
            except Exception:
                log.exception("news of accounts could not be read; reading on")
                await asyncio.sleep(REST_S)

    async def _sweep(self) -> None:
        """What the bus lost is found here."""
        while True:
            await asyncio.sleep(SWEEP_S)
            if not self._feeds:
                continue
            try:
                newest = await asyncio.to_thread(account_history.newest, list(self._feeds))
            except DatabaseError:
                continue
            for account_id, seq in newest.items():
                for feed in list(self._feeds.get(account_id, ())):
                    feed.newest = max(feed.newest, seq)
                    if feed.seq is not None and feed.seq < feed.newest:
                        self._read(feed)

    def _suspect_all(self) -> None:
        for feeds in self._feeds.values():
            for feed in feeds:
                self._read(feed)

    def _heard(self, feed: Feed, seq: int, raw: bytes) -> None:
        feed.newest = max(feed.newest, seq)
        if feed.seq is None or feed.reading or seq <= feed.seq:
            return  # a running read sees it in the table: it was committed before it was published
        if seq == feed.seq + 1 and not feed.client.behind:
            self._send(feed, seq, raw)
        else:
            self._read(feed)

    def _read(self, feed: Feed, snapshot: bool = False) -> None:
        if feed.reading is None:
            feed.reading = asyncio.get_running_loop().create_task(self._read_from_table(feed, snapshot))

    async def _read_from_table(self, feed: Feed, snapshot: bool) -> None:
        try:
            while not feed.client.dead:
                try:
                    if snapshot or feed.seq is None:
                        await self._snapshot(feed)
                        snapshot = False
                    rows = await asyncio.to_thread(account_history.changes, feed.account_id, feed.seq, REPLAY_MAX + 1)
                except DatabaseError:
                    await asyncio.sleep(REST_S)
                    continue
                if len(rows) > REPLAY_MAX or (rows and rows[0][0] != (feed.seq or 0) + 1):
                    snapshot = True  # too far back, or dropped from the table
                    continue
                for seq, raw in rows:
                    await feed.client.room()
                    self._send(feed, seq, raw)
                if feed.newest <= (feed.seq or 0):
                    return
                if not rows:
                    feed.newest = feed.seq or 0
        finally:
            feed.reading = None

    async def _snapshot(self, feed: Feed) -> None:
        await feed.client.room()
        seq, raw = await asyncio.to_thread(account_history.snapshot, feed.account_id)
        feed.client.push(frames.frame(feed.name, seq, None, clock.now_ms(), 0, raw))
        feed.seq = seq

    def _send(self, feed: Feed, seq: int, raw: bytes) -> None:
        key = (feed.name, seq, feed.seq)
        if self._made is None or self._made[0] != key:
            self._made = key, frames.frame(feed.name, seq, feed.seq, clock.now_ms(), 0, raw)
        feed.client.push(self._made[1])
        feed.seq = seq
        failpoints.reach("fanout.sent")


_fanouts: WeakKeyDictionary[asyncio.AbstractEventLoop, AccountFanout] = WeakKeyDictionary()


def account_fanout() -> AccountFanout:
    """This event loop's fan-out."""
    return _fanouts.setdefault(asyncio.get_running_loop(), AccountFanout(AsyncBus(settings.REDIS_URL)))
