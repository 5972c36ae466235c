"""kill -9 of the engine's process in mid-load: nothing acknowledged is lost, nothing is doubled, the core comes back equal."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection
from django.db.models import Count, Sum

from orders import caller, messages, services
from orders._core import Core
from orders.engine import journal
from orders.engine.service import database
from orders.models import Balance, Fill, Lease, LedgerEntry, Order

ROOT = Path(__file__).resolve().parents[2]
THREADS, ORDERS_EACH = 6, 120


class Process:
    """The engine worker, as `up` starts it, on the tests' database."""

    def __init__(self, tmp_path: Path) -> None:
        url = urlsplit(os.environ["DATABASE_URL"])
        name = str(connection.settings_dict["NAME"])
        self.env = os.environ | {"DATABASE_URL": urlunsplit(url._replace(path=f"/{name}"))}
        self.log = (tmp_path / "engine.log").open("ab")
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes orders."""
        self.begin()
        self.until_ready()

    def begin(self) -> None:
        """Start it."""
        self.before = Lease.objects.filter(shard=0).values_list("epoch", flat=True).first() or 0
        words = ["-m", "celery", "-A", "terminal", "worker", "--service", "engine", "-n", "engine-1@%h", "--pool=solo"]
        words += ["--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", "ctl.engine-1"]
        self.child = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, env=self.env, stdout=self.log, stderr=self.log, start_new_session=True
        )

    def until_ready(self) -> None:
        """Wait until it takes orders."""
        assert self.child is not None
        deadline = time.monotonic() + 30
        while not Lease.objects.filter(shard=0, ready=True, epoch__gt=self.before).exists():
            assert time.monotonic() < deadline, "the engine did not become ready"
            assert self.child.poll() is None, "the engine died at its start"
            time.sleep(0.02)

    def kill(self) -> None:
        """As the kernel kills: no goodbye."""
        if self.child is not None and self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()


@pytest.fixture
def process(money: Any, tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path)
    made.start()
    yield made
    made.kill()
    made.log.close()
    caller.default.cache_clear()


def _load(cast: Any, number: int, acknowledged: list[tuple[str, str]]) -> None:
    chance = random.Random(number)
    for count in range(ORDERS_EACH):
        request_id = f"k{number}-{count}"
        fields = {
            "account": "trader",
            "symbol": "BTC/USDT",
            "side": chance.choice(("buy", "sell")),
            "quantity": "0.001",
        }
        fields |= (
            {"type": "market"}
            if chance.random() < 0.5
            else {"type": "limit", "price": chance.choice(("50000", "80000"))}
        )
        reply = services.place(cast.trader, fields | {"request_id": request_id})
        if reply.status in (200, 201):
            acknowledged.append((request_id, json.loads(reply.body)["id"]))
    connection.close()


@pytest.mark.timeout(120)
def test_killed_in_mid_load_it_comes_back_with_the_same_account_half(money: Any, process: Process) -> None:
    acknowledged: list[tuple[str, str]] = []
    threads = [threading.Thread(target=_load, args=(money, number, acknowledged)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < THREADS * ORDERS_EACH // 5:
        time.sleep(0.005)
    process.kill()
    killed_at = time.monotonic()
    process.start()
    assert time.monotonic() - killed_at < 15
    for thread in threads:
        thread.join()
    assert len(acknowledged) > THREADS * ORDERS_EACH // 2
    found = {(row.request_id, str(row.id)) for row in Order.objects.all()}
    assert set(acknowledged) <= found
    assert not Order.objects.values("account", "request_id").annotate(n=Count("id")).filter(n__gt=1).exists()
    _books_agree()
    answer = json.loads(caller.default().send(messages.Query(owner_id=0, kind="core_hash", account_id=0)).body)
    assert answer["hash"] == f"{_replayed():016x}"


def _books_agree() -> None:
    """Fills add up to their orders, postings to balances."""
    for order in Order.objects.filter(filled_quantity__gt=0):
        assert Fill.objects.filter(order_uuid=order.id).aggregate(sum=Sum("quantity"))["sum"] == order.filled_quantity
    for balance in Balance.objects.all():
        posted = LedgerEntry.objects.filter(account=balance.account_id, asset=balance.asset_id, book="account")
        assert posted.aggregate(sum=Sum("amount"))["sum"] == balance.total


def _replayed() -> int:
    core = Core()
    with psycopg.connect(database()) as link:
        for kind, payload in link.execute("SELECT kind, payload FROM orders_journal ORDER BY seq"):
            journal.replay(core, kind, bytes(payload))
    return core.hash()


@pytest.mark.timeout(120)
def test_killed_with_brackets_open_their_legs_come_back_and_still_act(money: Any, process: Process) -> None:
    entry = {"account": "trader", "symbol": "BTC/USDT", "side": "buy", "type": "market", "quantity": "0.001"}
    legs = {"take_profit": {"price": "90000"}, "stop_loss": {"stop_price": "40000"}}
    placed = [json.loads(services.place(money.trader, entry | legs).body) for _ in range(5)]
    waiting = {"type": "trailing_stop", "side": "sell", "trail_percent": "50"}
    assert services.place(money.trader, entry | waiting).status == 201
    process.kill()
    process.start()
    open_legs = Order.objects.filter(parent_id__isnull=False, status="new")
    assert open_legs.count() == 10
    first = placed[0]["id"]
    reply = services.cancel(money.trader, f"client:tp~{first}")
    assert (reply.status, json.loads(reply.body)["status"]) == (200, "canceled")
    assert Order.objects.get(request_id=f"sl~{first}").status == "new"
    process.kill()
    process.start()
    assert open_legs.count() == 9
    assert services.cancel_all(money.trader).status == 200
    _books_agree()
    assert not Balance.objects.filter(used__gt=0).exists()
    answer = json.loads(caller.default().send(messages.Query(owner_id=0, kind="core_hash", account_id=0)).body)
    assert answer["hash"] == f"{_replayed():016x}"
