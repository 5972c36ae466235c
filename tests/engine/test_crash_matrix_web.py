"""The web process dies at every failpoint of its own in turn; each successor is the next victim.

A bot places one order after the other and repeats, under the same request_id, the one it heard nothing of. A page follows
the account and goes on from the last number it saw. Nothing is lost, doubled or missing at the end.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from django.db import connection
from django.test import Client

from marketdata import clock, failpoints
from orders import keys
from orders.models import ExecutionReport, Order
from terminal.up import processes
from tests.engine.test_crash_matrix import process  # noqa: F401  (a fixture)
from tests.engine.test_death_at_any_passage import WRONG
from tests.engine.test_kill import ROOT, Process
from tests.terminal.installations import free_port

VICTIMS = [name for name in failpoints.POINTS if name.startswith(("door.", "caller.", "fanout."))]
NTH = 3
ORDERS = "/api/v1/orders"
CHANNEL = "account:trader"


class Web:
    """The web process, as `up` starts it, on the tests' database; it dies at a failpoint."""

    def __init__(self, env: dict[str, str], log: Path, failpoint: str = "") -> None:
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        words = processes.commands("127.0.0.1", self.port, 1)["web"]
        with log.open("ab") as out:
            self.child = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, env=env | {"MERIDIAN_FAILPOINT": failpoint}, stdout=out, stderr=out
            )

    async def answers(self, http: aiohttp.ClientSession) -> None:
        for _ in range(600):
            try:
                async with http.get(f"http://{self.host}/healthz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
        raise AssertionError("web does not answer")


class Bot:
    """Places orders, signed; never under another id."""

    def __init__(self, http: aiohttp.ClientSession, key: str, secret: str) -> None:
        self.http, self.key, self.secret = http, key, secret
        self.count = 0
        self.unheard = ""
        self.told: dict[str, str] = {}  # request id -> order id

    async def next(self, web: Web) -> bool:
        """One more order, or the unheard one again; False when the process is gone."""
        if not self.unheard:
            self.count += 1
            self.unheard = f"w{self.count}"
        body = json.dumps({"account": "trader", "symbol": "BTC/USDT", "type": "limit", "side": "buy", "price": "50000",
                           "quantity": "0.001", "request_id": self.unheard}).encode()  # fmt: skip
        at = str(clock.now_ms())
        text = at + "POST" + ORDERS + sha256(body).hexdigest()
        headers = {"X-API-Key": self.key, "X-API-Timestamp": at, "Content-Type": "application/json",
                   "X-API-Signature": hmac.new(self.secret.encode(), text.encode(), sha256).hexdigest()}  # fmt: skip
        try:
            async with self.http.post(f"http://{web.host}{ORDERS}", data=body, headers=headers) as answer:
                said = await answer.json()
                assert answer.status in (200, 201), said
                self.told[self.unheard] = said["id"]
                self.unheard = ""
                return True
        except aiohttp.ClientError:
            return False


class Page:
    """A browser's page: one sequence over all its sockets."""

    def __init__(self, http: aiohttp.ClientSession, cookie: str) -> None:
        self.http, self.cookie = http, cookie
        self.seq: int | None = None
        self.orders: dict[str, str] = {}

    async def follow(self, web: Web) -> None:
        """Until the socket ends."""
        headers = {"Origin": f"http://{web.host}", "Cookie": f"sessionid={self.cookie}"}
        try:
            async with self.http.ws_connect(f"http://{web.host}/ws/account", headers=headers) as line:
                if self.seq is None:
                    await line.send_json({"op": "subscribe", "channels": [CHANNEL]})
                else:
                    await line.send_json({"op": "resume", "channels": {CHANNEL: self.seq}})
                async for message in line:
                    self._take(json.loads(message.data))
        except aiohttp.ClientError:
            return

    def _take(self, frame: dict[str, Any]) -> None:
        if "ch" not in frame or "d" not in frame:
            return
        d = frame["d"]
        if d["kind"] == "snapshot":
            self.orders |= {order["id"]: order["status"] for order in d["orders"]}
        else:
            assert frame["pq"] == self.seq, f"a hole: {self.seq}, then {frame['pq']}"
        if d["kind"] == "report":
            self.orders[d["order"]["id"]] = d["order"]["status"]
        self.seq = frame["q"]


async def _live(http: aiohttp.ClientSession, web: Web, bot: Bot, page: Page) -> None:
    """A life of the process, until it dies at its failpoint, or, having none, until it did some work."""
    await web.answers(http)
    following = asyncio.create_task(page.follow(web))
    first = bot.count
    while await bot.next(web):
        if web.child.poll() is None and bot.count - first > 60:
            break
    await asyncio.wait([following], timeout=1)
    following.cancel()


@pytest.fixture
def web_env(process: Process, tmp_path: Path) -> Iterator[tuple[dict[str, str], Path]]:  # noqa: F811
    yield {**os.environ, **process.env}, tmp_path / "web.log"


@pytest.mark.timeout(180)
def test_it_may_die_anywhere(money: Any, web_env: tuple[dict[str, str], Path]) -> None:
    env, log = web_env
    key, secret = keys.create(money.trader, scopes=["read", "trade"], accounts=[], name="bot")
    client = Client()
    client.force_login(money.trader.user)
    told, page = asyncio.run(_all(env, log, key.key, secret, client.cookies["sessionid"].value))
    rows = {row.request_id: row for row in Order.objects.all()}
    assert told == {request_id: str(row.id) for request_id, row in rows.items()}
    assert page.orders == {str(row.id): row.status for row in rows.values()}
    assert page.seq == ExecutionReport.objects.filter(account=money.account).order_by("-account_seq")[0].account_seq
    with connection.cursor() as cursor:
        for sentence, query in WRONG.items():
            cursor.execute(query)
            assert not cursor.fetchall(), sentence


async def _all(env: dict[str, str], log: Path, key: str, secret: str, cookie: str) -> tuple[dict[str, str], Page]:
    async with aiohttp.ClientSession() as http:
        bot, page = Bot(http, key, secret), Page(http, cookie)
        for name in [*VICTIMS, ""]:
            web = Web(env, log, f"{name}*{NTH}" if name else "")
            try:
                await asyncio.wait_for(_live(http, web, bot, page), 40)
                if name:
                    assert web.child.wait(5) == -signal.SIGKILL, f"it did not die at {name}"
            finally:
                web.child.kill()
                web.child.wait()
        return bot.told, page
