"""The engine's real process dies at every failpoint in turn, under load; each successor is the next victim.

Afterwards four accounts of what happened are compared: what clients were told, the rows, the API, a page's socket.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from marketdata import failpoints
from orders import caller, messages, services
from orders._core import Core
from orders.models import ExecutionReport, Order
from tests.engine.test_death_at_any_passage import WRONG
from tests.engine.test_kill import Process
from tests.engine.test_replay_of_a_load import entries, replayed
from tests.terminal.sockets import Browser

THREADS = 3
AT_STOP = "checkpoint.packed"  # the only checkpoint so short a life takes
ELSEWHERE = (
    "door.",
    "caller.",
    "poll.",
    "fanout.",
    "event.",
    "send.",
    "checkpoint.forked",
)  # not in the engine's main process
VICTIMS = [name for name in failpoints.POINTS if not name.startswith(ELSEWHERE)]


class Load(threading.Thread):
    """One client: orders, cancels of them, and the same again when nothing was heard."""

    def __init__(self, cast: Any, number: int) -> None:
        super().__init__(daemon=True)
        self.cast, self.number, self.chance = cast, number, random.Random(number)
        self.stopping = threading.Event()
        self.told: dict[str, tuple[str, str]] = {}  # request id -> id and status of its order, as first answered

    def run(self) -> None:
        count = 0
        while not self.stopping.is_set():
            count += 1
            self.place(f"m{self.number}-{count}")
        connection.close()

    def place(self, request_id: str) -> None:
        fields: dict[str, Any] = {"account": "trader", "symbol": "BTC/USDT", "side": self.chance.choice(("buy", "sell")),
                                  "quantity": "0.001", "request_id": request_id}  # fmt: skip
        if self.chance.random() < 0.4:
            fields |= {"type": "market"}
        else:
            fields |= {"type": "limit", "price": "50000" if fields["side"] == "buy" else "80000"}
        for _ in range(3):
            reply = services.place(self.cast.trader, fields)
            if reply.status in (200, 201):
                order = json.loads(reply.body)
                self.told[request_id] = (order["id"], order["status"])
                if self.chance.random() < 0.4:
                    services.cancel(self.cast.trader, order["id"])
                return
            assert reply.status in (503, 504), reply
            self.stopping.wait(0.05)


class Page(threading.Thread):
    """A browser's view of the account: a snapshot, then changes, each the next of the one before."""

    def __init__(self, user: Any) -> None:
        super().__init__(daemon=True)
        self.user, self.seq, self.frames = user, 0, 0
        self.orders: dict[str, str] = {}  # id -> status
        self.gaps: list[Any] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        asyncio.run(self._follow())

    async def _follow(self) -> None:
        async with Browser("/ws/account", self.user) as browser:
            await browser.say(op="subscribe", channels=["account:trader"])
            while not self.stopping.is_set():
                for frame in await browser.hear_for(0.1):
                    if frame.get("ch"):
                        self._take(frame)

    def _take(self, frame: dict[str, Any]) -> None:
        d = frame["d"]
        if d["kind"] == "snapshot":
            self.orders |= {order["id"]: order["status"] for order in d["orders"]}
        elif frame["pq"] != self.seq:
            self.gaps.append((frame["pq"], self.seq))
        if d["kind"] == "report":
            self.orders[d["order"]["id"]] = d["order"]["status"]
        self.seq = frame["q"]
        self.frames += 1


def until(true: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.fixture
def process(money: Any, tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path)
    made.start()
    yield made
    made.kill()
    made.log.close()
    caller.default.cache_clear()


def die_at(process: Process, name: str) -> None:
    """A life that ends at the point, begun after the one before has ended."""
    process.env["MERIDIAN_FAILPOINT"] = f"{name}*{1 if name.startswith(('recovery.', 'checkpoint.')) else 12}"
    process.begin()
    assert process.child is not None
    if name == AT_STOP:
        process.until_ready()
        process.child.send_signal(signal.SIGTERM)
    assert process.child.wait(30) == -signal.SIGKILL, f"it did not die at {name}"


@pytest.mark.timeout(180)
def test_it_may_die_anywhere(money: Any, process: Process) -> None:
    loads, page = [Load(money, number) for number in range(THREADS)], Page(money.trader.user)
    for thread in (*loads, page):
        thread.start()
    process.kill()
    for name in VICTIMS:
        die_at(process, name)
    process.env.pop("MERIDIAN_FAILPOINT")
    process.start()
    known = sum(len(load.told) for load in loads)
    until(lambda: sum(len(load.told) for load in loads) > known + 10, "it does not trade again")
    for load in loads:
        load.stopping.set()
    for load in loads:
        load.join()
    _compare({key: value for load in loads for key, value in load.told.items()}, page, money)
    answer = json.loads(caller.default().send(messages.Query(owner_id=0, kind="core_hash", account_id=0)).body)
    core = Core()
    for _ in replayed(core, [entry for entry in entries() if entry[0] <= answer["seq"]]):  # marks are told every second
        pass
    assert answer["hash"] == f"{core.hash():016x}"


def _compare(told: dict[str, tuple[str, str]], page: Page, money: Any) -> None:
    rows = {row.request_id: row for row in Order.objects.all()}
    assert len(rows) == Order.objects.count() > 20, "one request, one order"
    for request_id, (order_id, _) in told.items():
        assert request_id in rows and str(rows[request_id].id) == order_id, (
            f"{request_id} was acknowledged and is not there"
        )
    with connection.cursor() as cursor:
        for sentence, query in WRONG.items():
            cursor.execute(query)
            assert not cursor.fetchall(), sentence
    newest = ExecutionReport.objects.filter(account=money.account).order_by("-account_seq")[0].account_seq
    until(lambda: page.seq == newest, f"the page stands at {page.seq}, the account at {newest}")
    page.stopping.set()
    page.join()
    assert page.gaps == []
    assert page.orders == {str(row.id): row.status for row in rows.values()}
    client = Client()
    client.force_login(money.trader.user)
    listed, where = {}, "/api/v1/orders?limit=500"
    while where:
        answer = client.get(where).json()
        listed |= {order["id"]: order["status"] for order in answer["results"]}
        where = answer["next"]
    assert listed == page.orders
