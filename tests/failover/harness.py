"""Load, a fault in its middle, and an oracle: what was acknowledged is compared with PostgreSQL.

Engines are real worker processes, an owner and a standby, started again 0.1 s after they die as `up` does. Traders are threads
that place and cancel under request_ids of their own, through the same way as every door, and write down what they were told.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection
from django.db.models import Count, Sum

from marketdata import clock
from orders import caller, messages, services
from orders._core import Core
from orders.engine import journal
from orders.engine.service import database
from orders.models import Balance, Fill, Journal, Lease, LedgerEntry, Order, Request

ROOT = Path(__file__).resolve().parents[2]
TRADERS = 8
RESTART_S = 0.1


@dataclass
class Told:
    """What a trader asked and heard. Times are seconds of the monotonic clock."""

    request_id: str
    kind: str
    sent: float
    heard: float
    status: int
    body: dict[str, Any]


class Engines:
    """The worker processes of a shard, watched and started again."""

    def __init__(self, log: Path, names: tuple[str, ...] = ("engine-1", "standby-1")) -> None:
        url = urlsplit(os.environ["DATABASE_URL"])
        name = str(connection.settings_dict["NAME"])
        self._env = os.environ | {"DATABASE_URL": urlunsplit(url._replace(path=f"/{name}"))}
        self.log = log
        self._lock = threading.Lock()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = threading.Event()
        for each in names:
            self._start(each)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _start(self, name: str) -> None:
        words = ["-m", "celery", "-A", "terminal", "worker", "--service", "engine", "-n", f"{name}@%h", "--pool=solo"]
        words += ["--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", f"ctl.{name}"]
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        self._running[name] = child

    def _watch(self) -> None:
        while not self._stopping.wait(0.02):
            for name, child in list(self._running.items()):
                if child.poll() is not None:
                    self._stopping.wait(RESTART_S)
                    with self._lock:
                        if not self._stopping.is_set():
                            self._start(name)

    def owner(self) -> int:
        """The pid of the process that owns the shard."""
        pid = Lease.objects.get(shard=0).pid
        assert pid is not None
        return pid

    def signal(self, number: int) -> None:
        """Send the owner a signal."""
        os.kill(self.owner(), number)

    def wait_until_ready(self, after_epoch: int = -1, longest_s: float = 60) -> int:
        """Until an engine takes orders under a later epoch; the epoch."""
        deadline = time.monotonic() + longest_s
        while time.monotonic() < deadline:
            found = Lease.objects.filter(shard=0, ready=True, epoch__gt=after_epoch).values_list("epoch", flat=True)
            if found:
                return int(found[0])
            time.sleep(0.02)
        raise AssertionError(f"no engine became ready:\n{self.log.read_text()[-3000:]}")

    def end(self) -> None:
        """Kill them all, by the pids that we started."""
        with self._lock:
            self._stopping.set()
        self._watcher.join()
        for child in self._running.values():
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


@dataclass
class Load:
    """Traders at work, from `start` to `stop`."""

    owner: Any
    name: str
    pause_s: float = 0.002
    told: list[Told] = field(default_factory=list)

    def start(self) -> Load:
        self._stopping = threading.Event()
        runs = [*[self._trade] * (TRADERS - 2), self._cancel, self._cancel]
        self._threads = [threading.Thread(target=self._run, args=(run, n)) for n, run in enumerate(runs)]
        for thread in self._threads:
            thread.start()
        return self

    def _run(self, run: Callable[[int, random.Random, str], None], number: int) -> None:
        chance, count = random.Random(number), 0
        while not self._stopping.wait(self.pause_s):
            count += 1
            run(number, chance, f"{self.name}-{number}-{count}")
        connection.close()

    def _trade(self, number: int, chance: random.Random, request_id: str) -> None:
        """Market and far limit orders; one that was not answered for certain is asked again under the same id."""
        fields = {
            "account": "trader", "symbol": "BTC/USDT", "side": chance.choice(("buy", "sell")), "quantity": "0.001",
            "request_id": request_id, "allow_duplicate": True,
        }  # fmt: skip
        at = {"type": "limit", "price": chance.choice(("50000", "80000"))}
        fields |= {"type": "market"} if chance.random() < 0.5 else at
        told = self._ask("place", request_id, lambda: services.place(self.owner, fields))
        while told.status == 503 and not self._stopping.wait(0.05):
            told = self._ask("place", request_id, lambda: services.place(self.owner, fields))

    def _cancel(self, number: int, chance: random.Random, request_id: str) -> None:
        """Place one that rests, cancel it."""
        fields = {
            "account": "trader", "symbol": "BTC/USDT", "side": "buy", "quantity": "0.001", "type": "limit",
            "price": "40000", "request_id": request_id, "allow_duplicate": True,
        }  # fmt: skip
        told = self._ask("place", request_id, lambda: services.place(self.owner, fields))
        if told.status not in (200, 201):
            return
        while not self._stopping.is_set():
            told = self._ask("cancel", request_id, lambda: services.cancel(self.owner, f"client:{request_id}"))
            if told.status in (200, 409):
                return
            self._stopping.wait(0.02)

    def _ask(self, kind: str, request_id: str, ask: Callable[[], Any]) -> Told:
        sent = time.monotonic()
        reply = ask()
        told = Told(request_id, kind, sent, time.monotonic(), reply.status, json.loads(reply.body))
        self.told.append(told)
        return told

    def wait_for(self, number: int, longest_s: float = 30) -> None:
        """Until so many were acknowledged."""
        deadline = time.monotonic() + longest_s
        while sum(told.status in (200, 201) for told in self.told) < number:
            assert time.monotonic() < deadline, [told.status for told in self.told[-20:]]
            time.sleep(0.005)

    def wait_again(self, kind: str, since: float, longest_s: float = 60) -> float:
        """Seconds from a moment to the first acknowledgement of something sent after it."""
        deadline = time.monotonic() + longest_s
        while time.monotonic() < deadline:
            good = [t.heard - since for t in self.told if t.kind == kind and t.sent > since and t.status in (200, 201)]
            if good:
                return min(good)
            time.sleep(0.01)
        raise AssertionError(f"no {kind} was acknowledged again: {[told.status for told in self.told[-20:]]}")

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()


def check(load: Load) -> None:
    """Nothing acknowledged is lost, nothing is there twice, the books add up, the core is the journal's."""
    rows = {row.request_id: row for row in Order.objects.filter(request_id__startswith=f"{load.name}-")}
    for told in load.told:
        if told.kind == "place" and told.status in (200, 201):
            row = rows.get(told.request_id)
            assert row is not None, f"{told.request_id} was acknowledged and is lost"
            assert str(row.id) == told.body["id"], told
            assert row.created_at.timestamp() > 0 and row.status != "rejected"
        if told.kind == "cancel" and told.status == 200:
            assert rows[told.request_id].status == "canceled", told
    doubled = Order.objects.values("account", "request_id").annotate(n=Count("id")).filter(n__gt=1)
    assert not doubled.exists(), list(doubled)
    _books_agree()
    newest = json.loads(caller.default().send(messages.Query(owner_id=0, kind="core_hash", account_id=0)).body)
    assert newest["hash"] == f"{replayed(newest['seq']):016x}"


def _books_agree() -> None:
    """Fills add up to their orders, postings to balances and, with the other sides, to nothing."""
    fills = dict(Fill.objects.values_list("order_uuid").annotate(sum=Sum("quantity")))
    for order in Order.objects.filter(filled_quantity__gt=0):
        assert fills[order.id] == order.filled_quantity, order.id
    for balance in Balance.objects.all():
        posted = LedgerEntry.objects.filter(account=balance.account_id, asset=balance.asset_id, book="account")
        assert posted.aggregate(sum=Sum("amount"))["sum"] == balance.total
    sums = LedgerEntry.objects.values("journal_seq", "asset").annotate(sum=Sum("amount")).exclude(sum=0)
    assert not sums.exists(), list(sums[:3])


def replayed(until: int) -> int:
    """The hash of a core that is told the whole journal up to a seq, each entry chained to the one before."""
    core, chain = Core(), journal.Chain()
    with psycopg.connect(database()) as link:
        rows = link.execute(
            "SELECT seq, at_ns, kind, payload, hash FROM orders_journal WHERE shard = 0 AND seq <= %s ORDER BY seq",
            (until,),
        )
        for seq, at_ns, kind, payload, stored in rows:
            entry = journal.append(chain, at_ns, kind, bytes(payload))
            assert (entry.seq, entry.hash) == (seq, bytes(stored)), seq
            journal.replay(core, kind, bytes(payload))
            core.reports()
    return core.hash()


def unresolved(loads: list[Load]) -> list[Told]:
    """The 504s that were never answered otherwise."""
    known = {told.request_id for load in loads for told in load.told if told.kind == "place" and told.status != 504}
    all_told = [told for load in loads for told in load.told if told.kind == "place" and told.status == 504]
    return [told for told in all_told if told.request_id not in known]


def wait_until_final(tolds: list[Told]) -> None:
    """Until every `decided_by` has passed."""
    moments = [datetime.fromisoformat(told.body["decided_by"]) for told in tolds]
    while moments and clock.now() <= max(moments):
        time.sleep(0.1)


def found(tolds: list[Told]) -> set[str]:
    """Those of them that a look-up finds."""
    ids = [told.request_id for told in tolds]
    return set(Order.objects.filter(request_id__in=ids).values_list("request_id", flat=True)) | set(
        Request.objects.filter(request_id__in=ids).values_list("request_id", flat=True)
    )


def seqs_have_no_gap() -> bool:
    """The journal counts from 1 without a hole."""
    numbers = list(Journal.objects.filter(shard=0).order_by("seq").values_list("seq", flat=True))
    return numbers == list(range(1, len(numbers) + 1))
