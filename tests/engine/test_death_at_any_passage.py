"""Wherever the engine dies, in its work or in its recovery, every command is decided once, in order, and the books add up.

Seeded, in one thread, on a real PostgreSQL and a real Valkey (tests/engine/mortal.py). Bounded here; `make soak` dies at every
passage in turn, for as long as it is given.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.db import connection

from marketdata import bus
from orders import messages
from orders._core import Core
from tests.engine.mortal import MortalEngine
from tests.engine.test_replay_of_a_load import Load, entries, replayed

LIVES = 30
UUID_LENGTH = 36
ROUNDS = 2

WRONG = {
    "an order was filled by another quantity than its fills have":
        "SELECT o.request_id FROM orders_order o LEFT JOIN (SELECT order_uuid, sum(quantity) q FROM orders_fill GROUP BY 1) f "
        "ON f.order_uuid = o.id WHERE o.filled_quantity <> coalesce(f.q, 0)",
    "a balance is not the sum of its postings":
        "SELECT b.account_id, b.asset_id, b.total FROM orders_balance b LEFT JOIN (SELECT account_id, asset_id, sum(amount) s "
        "FROM orders_ledgerentry WHERE book = 'account' GROUP BY 1, 2) l USING (account_id, asset_id) WHERE b.total <> coalesce(l.s, 0)",
    "an asset's postings do not sum to zero":
        "SELECT asset_id, sum(amount) FROM orders_ledgerentry GROUP BY 1 HAVING sum(amount) <> 0",
    "a balance is overdrawn": "SELECT account_id, asset_id FROM orders_balance WHERE used < 0 OR used > total",
    "an account's channel has a hole or a repeat":
        "SELECT account_id FROM orders_executionreport GROUP BY 1 HAVING max(account_seq) <> count(*) OR min(account_seq) <> 1",
    "a journal number is missing or twice there":
        "SELECT count(*) FROM orders_journal HAVING max(seq) - min(seq) + 1 <> count(*) OR count(DISTINCT seq) <> count(*)",
}  # fmt: skip


class Clients:
    """Those who send: what they sent, in order, and what they were told."""

    def __init__(self, engine: MortalEngine, seed: int) -> None:
        self.engine, self.chance = engine, random.Random(seed)
        self.load = Load(engine, seed)
        self.asked: dict[int, messages.Command] = {}  # by number; not answered yet
        self.sent: dict[str, messages.Command] = {}  # by request id, as they were first sent
        self.told: dict[str, Any] = {}  # request id -> the id of its order, or the reason of its refusal

    def wave(self) -> None:
        """A few commands more, and now and then one of before, as a caller repeats it who heard nothing."""
        commands: list[messages.Command] = [self.load.command() for _ in range(self.chance.randint(1, 6))]
        self.sent |= {command.request_id: command for command in commands}
        if self.asked and self.chance.random() < 0.5:
            commands.insert(self.chance.randint(0, len(commands)), self.chance.choice(list(self.asked.values())))
        self.asked |= dict(zip(self.engine.send(commands), commands, strict=True))

    def listen(self) -> None:
        """Take the answers; the same request is never answered in two ways."""
        for number, (status, body) in self.engine.heard.items():
            request_id = self.asked.pop(number).request_id
            said = msgspec.json.decode(body)
            what = said["id"] if "id" in said else said["code"]
            if status in (200, 201) and request_id.startswith("r"):
                self.load.known.append(what)
            assert self.told.setdefault(request_id, what) == what, f"{request_id}: {self.told[request_id]}, then {what}"
        self.engine.heard.clear()

    def forget(self) -> None:
        """The bus is emptied. What was heard is known; the rest may have happened or never will."""
        self.listen()
        bus.default()._redis.flushall()
        for command in self.asked.values():
            if command.request_id not in self.told:  # one that was repeated may have been answered before
                self.sent.pop(command.request_id, None)
        self.asked.clear()

    def prove(self) -> None:
        """Everything sent was decided, once, in the order it was sent."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT request_id FROM orders_request ORDER BY decided_seq")
            decided = [row[0] for row in cursor.fetchall()]
            assert len(decided) == len(set(decided)), "a request was decided twice"
            cursor.execute("SELECT id::text, account_id FROM orders_order WHERE status IN ('new', 'partially_filled')")
            open_orders = dict(cursor.fetchall())
            lost = set(self.sent) - set(decided)
            lost -= {each for each in lost if leaves_no_trace(self.sent[each], open_orders)}
            assert not lost, f"never decided: {lost}"
            kept = [each for each in decided if each in self.sent]
            assert kept == [each for each in self.sent if each in set(decided)], "decided out of order"
            for sentence, query in WRONG.items():
                cursor.execute(query)
                rows = cursor.fetchall()
                assert not rows, f"{sentence}: {rows[:3]}"
            cursor.execute("SELECT request_id, id::text FROM orders_order")
            orders = dict(cursor.fetchall())
        for request_id, what in self.told.items():
            if isinstance(self.sent[request_id], messages.Place) and len(what) == UUID_LENGTH:
                assert orders.get(request_id) == what, f"{request_id} was acknowledged and is not there"


def leaves_no_trace(command: messages.Command, open_orders: dict[str, int]) -> bool:
    """A cancel or amend of another account's order, or of one that ended, is refused and not written down."""
    return not isinstance(command, messages.Place) and open_orders.get(command.id) not in command.account_ids


@pytest.fixture
def clients(money: Any) -> Iterator[Clients]:
    made = Clients(MortalEngine(money), seed=11)
    yield made
    made.engine.connection.pgconn.finish()


def live_and_die(clients: Clients, dies_at: int, dies_again_at: int = 0, flushed: bool = False) -> int:
    """One life that may end, its successor's start that may end too, and a calm one after them. Passages of the first.

    `flushed`: the bus lost everything in the moment of the death; what was not acknowledged may be lost with it.
    """
    engine = clients.engine
    clients.wave()
    passages = engine.live(ROUNDS, dies_at)
    if engine.fate.dead:
        if flushed:
            clients.forget()
        engine.come_back(dies_again_at)
        if engine.fate.dead:
            engine.come_back()
        engine.live(1)
    clients.listen()
    return passages


def prove_the_journal(clients: Clients) -> None:
    core = Core()
    for _ in replayed(core, entries()):
        pass
    assert core.hash() == clients.engine.core.hash()


@pytest.mark.timeout(120)
def test_dying_anywhere_loses_nothing_and_doubles_nothing(clients: Clients) -> None:
    chance = random.Random(3)
    passages = min(live_and_die(clients, 0) for _ in range(3))  # most lives are at least so long
    for _ in range(LIVES):
        again = chance.randint(1, 80) if chance.random() < 0.4 else 0
        live_and_die(clients, chance.randint(1, passages), again, flushed=chance.random() < 0.3)
        clients.prove()
    assert clients.engine.deaths > LIVES / 4
    prove_the_journal(clients)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_dying_at_every_passage_in_turn(clients: Clients) -> None:
    end = time.monotonic() + float(os.environ.get("SOAK_HOURS", "1")) * 3600
    passages = max(live_and_die(clients, 0) for _ in range(3))
    dies_at = lives = 0
    while time.monotonic() < end:
        dies_at, lives = dies_at % passages + 1, lives + 1
        live_and_die(clients, dies_at, lives % 70)
        clients.prove()
    prove_the_journal(clients)
    print(f"{clients.engine.deaths} deaths in {lives} lives of {passages} passages")
