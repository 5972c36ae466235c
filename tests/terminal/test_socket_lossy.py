"""Frames dropped at random: the page sees that each is missing and has everything again, with no more than its numbers to go by."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from marketdata import bus, channels
from terminal import account_fanout, account_history, consumers
from tests.terminal.sockets import Browser
from tests.terminal.test_socket_market import BOOK, Market, market  # noqa: F401  (fixture)

DROPPED = 0.2
HEAL_S = 0.3  # shorter than a page's, as the beats of the test are
HELD_S = 20  # more than it ever takes
ACCOUNT = "account:mine"
share = {"dropped": DROPPED}


class Page:
    """What a page keeps of one channel, by the rules of static/js/socket.js."""

    def __init__(self, browser: Browser, channel: str, resumable: bool, take: Callable[[Any, bool], None]) -> None:
        self.browser, self.channel, self.resumable, self.take = browser, channel, resumable, take
        self.q: int | None = None
        self.healing = True
        self.gaps = 0
        self.asked_at = 0.0

    async def listen(self) -> None:
        await self.browser.say(op="subscribe", channels=[self.channel])
        while True:
            await self._hear(json.loads(await self.browser.line.receive_from(timeout=HELD_S)))

    async def _hear(self, frame: dict[str, Any]) -> None:
        told = frame.get("q")
        if frame.get("op") == "beat":
            late = not self.healing or asyncio.get_running_loop().time() - self.asked_at > HEAL_S
            if told and late and self.q is not None and self.q < told.get(self.channel, 0):
                await self._heal()
            return
        snapshot = frame["pq"] is None
        if not snapshot and (self.healing or frame["pq"] != self.q):
            if self.q is not None and told <= self.q:
                return
            if not self.healing:
                await self._heal()
            if not self.resumable or frame["pq"] != self.q:
                return
        self.healing, self.q = False, told
        self.take(frame["d"], snapshot)

    async def _heal(self) -> None:
        self.gaps += 1
        self.healing = True
        self.asked_at = asyncio.get_running_loop().time()
        if self.resumable:
            await self.browser.say(op="resume", channels={self.channel: self.q})
        else:
            await self.browser.say(op="snapshot", channels=[self.channel])


@pytest.fixture(params=[1, 2], ids=["seed 1", "seed 2"])
def dice(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> random.Random:
    """Drops frames of channels; what must arrive for anything to begin, the first snapshot, does."""
    made = random.Random(request.param)
    monkeypatch.setattr(consumers, "BEAT_S", 0.1)
    monkeypatch.setitem(share, "dropped", DROPPED)
    send = consumers.Consumer._text

    async def lossy(self: Any, frame: str) -> None:
        if '"pq":null' in frame or '"ch"' not in frame or made.random() >= share["dropped"]:
            await send(self, frame)

    monkeypatch.setattr(consumers.Consumer, "_text", lossy)
    return made


async def _until(true: Callable[[], bool], page: asyncio.Task[None]) -> None:
    async with asyncio.timeout(HELD_S):
        while not true():
            assert not page.done(), page.exception()
            await asyncio.sleep(0.02)


class Table:
    """An account's changes as PostgreSQL would keep them."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, bytes]] = []

    def changes(self, account: int, after: int | None, limit: int) -> list[tuple[int, bytes]]:
        return self.rows[after or 0 :][:limit]

    def snapshot(self, account: int) -> tuple[int, bytes]:
        return len(self.rows), json.dumps({"all": len(self.rows)}).encode()

    def newest(self, accounts: list[int]) -> dict[int, int]:
        return dict.fromkeys(accounts, len(self.rows))

    def happens(self) -> None:
        self.rows.append((len(self.rows) + 1, json.dumps({"n": len(self.rows) + 1}).encode()))
        news = [(1, *self.rows[-1])]
        bus.default().publish(channels.ACCOUNT, channels.encode_account(news))


async def test_an_account_is_whole_again(dice: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    monkeypatch.setattr(account_history, "account_id", lambda user, name: 1)
    for name in ("changes", "snapshot", "newest"):
        monkeypatch.setattr(account_history, name, getattr(table, name))
    heard: list[int] = []

    def take(d: dict[str, int], snapshot: bool) -> None:
        heard[:] = range(1, d["all"] + 1) if snapshot else [*heard, d["n"]]

    async with Browser("/ws/account", User(pk=1)) as browser:
        page = Page(browser, ACCOUNT, True, take)
        listening = asyncio.create_task(page.listen())
        await _until(lambda: page.q is not None, listening)
        for _ in range(150):
            table.happens()
            await asyncio.sleep(dice.random() * 0.008)
        share["dropped"] = 2  # the last of them never comes, and nothing comes after it
        table.happens()
        await asyncio.sleep(0.1)
        share["dropped"] = DROPPED
        await _until(lambda: len(heard) >= 151, listening)
        listening.cancel()
    assert heard == list(range(1, 152))  # each once, in order
    assert page.gaps > 3
    account_fanout._fanouts.clear()


async def test_a_book_is_the_markets_again(dice: random.Random, market: Market) -> None:  # noqa: F811
    shown: dict[str, str] = {}

    def take(d: dict[str, Any], snapshot: bool) -> None:
        if snapshot:
            shown.clear()
        for price, quantity in d["bids"]:
            shown[price] = quantity
            if quantity == "0":
                del shown[price]

    async with Browser("/ws/market", User(pk=1)) as browser:
        page = Page(browser, BOOK, False, take)
        listening = asyncio.create_task(page.listen())
        await _until(lambda: page.q is not None, listening)
        levels = {9999: 5, 9998: 7}
        for _ in range(40):
            ticks = 9900 + dice.randrange(40)
            levels[ticks] = dice.randrange(1, 9)
            market.publish((market.blocks.LEVEL, 0, ticks, levels[ticks]))
            await asyncio.sleep(0.03)
        wanted = {f"{ticks / 100:.2f}".rstrip("0").rstrip("."): f"0.00{lots}" for ticks, lots in levels.items()}
        await _until(lambda: shown == wanted, listening)
        listening.cancel()
    assert page.gaps > 1
