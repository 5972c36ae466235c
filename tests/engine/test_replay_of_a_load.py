"""The engine's real journal of a loaded run, replayed in a fresh core, gives the live hash; so does any checkpoint with its tail.

Bounded here; `make soak HOURS=1` trades for an hour.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from orders._core import Core
from orders.engine import journal
from orders.engine.service import database
from orders.messages import Amend, Terms

EVERY = 100  # entries between two checkpoints that are tried
BATCH = 60
SECONDS = 7
LAST_CHECKPOINTS = 12  # of a long run, for each replays all that follows it

Entries = list[tuple[int, str, bytes]]


class Load:
    """Two people and a strategy trading without pause in the simulator's market, as fast as the engine decides."""

    def __init__(self, engine: Any, seed: int) -> None:
        self.engine, self.chance = engine, random.Random(seed)
        self.live: dict[int, int] = {}  # journal seq -> hash of the core at that moment
        self.known: list[str] = []

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answers = self.engine.ask_all([self.command() for _ in range(self.chance.randint(1, BATCH))])
            self.known += [body["id"] for status, body, _ in answers if status == 201]
            del self.known[:-300]
            self.note()
            if self.chance.random() < 0.3:
                self.engine.turn()
                self.note()

    def note(self) -> None:
        self.live[self.engine.service.chain.seq] = self.engine.core.hash()

    def command(self) -> Any:
        engine, chance, cast = self.engine, self.chance, self.engine.cast
        account = chance.choice((cast.account, cast.others))
        draw = chance.random()
        if self.known and draw < 0.2:
            return engine.cancel(chance.choice(self.known), account=account)
        if self.known and draw < 0.3:
            price = str(64_000 + chance.randint(-300, 300))
            named = engine.cancel(chance.choice(self.known), account=account)
            return Amend(
                **{name: getattr(named, name) for name in ("owner_id", "account_ids", "request_id", "body_hash", "id")},
                price=price,
            )
        side = chance.choice(("buy", "sell"))
        more: dict[str, Any] = {"account": account, "strategy_id": chance.choice(("", "", "grid"))}
        quantity = str(chance.choice((0.0001, 0.001, 0.01)))
        if draw < 0.4:
            return engine.place(side, quantity, **more)
        if draw < 0.5:
            more |= {"instrument": cast.shib}
            return engine.place(side, str(chance.randint(50_000, 900_000)), **more)
        price = 64_000 + chance.randint(-200, 200)
        if draw < 0.7:
            tif = chance.choice(("gtc", "ioc", "fok", "day"))
            return engine.place(side, quantity, str(price), time_in_force=tif, post_only=draw < 0.52, **more)
        ticks = price * 100
        away = 20_000 if side == "buy" else -20_000
        if draw < 0.85:
            terms = Terms(take_profit_ticks=ticks + away, stop_loss_ticks=ticks - away)
            return engine.place(side, quantity, str(price), terms=terms, **more)
        return with_type(engine.place(side, quantity, str(price), terms=Terms(stop_ticks=ticks), **more), chance)


def with_type(placed: Any, chance: random.Random) -> Any:
    """The same as a stop of some kind."""
    kind = chance.choice(("stop", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop"))
    fields = {name: getattr(placed, name) for name in placed.__struct_fields__} | {"type": kind}
    if not kind.endswith("_limit"):
        fields["price_ticks"] = 0
    if kind == "trailing_stop":
        fields["terms"] = Terms(trail=chance.randint(1, 20_000))
    return type(placed)(**fields)


def entries() -> Entries:
    with psycopg.connect(database()) as connection:
        rows = connection.execute("SELECT seq, kind, payload FROM orders_journal ORDER BY seq").fetchall()
    return [(seq, kind, bytes(payload)) for seq, kind, payload in rows]


def replayed(core: Core, tail: Entries) -> Iterator[int]:
    for seq, kind, payload in tail:
        journal.replay(core, kind, payload)
        yield seq


def proved(load: Load) -> tuple[int, int]:
    """Every hash noted while it ran is found again, and each checkpoint leads to the same end. (entries, hashes compared)."""
    written, full, checkpoints = entries(), Core(), []
    compared = 0
    for at, seq in enumerate(replayed(full, written), 1):
        if seq in load.live:
            assert full.hash() == load.live[seq], f"the replay differs at entry {seq}"
            compared += 1
        if at % EVERY == 0:
            checkpoints.append((at, full.checkpoint()))
    for at, state in checkpoints[-LAST_CHECKPOINTS:]:
        again = Core()
        again.restore(state)
        for _ in replayed(again, written[at:]):
            pass
        assert again.hash() == full.hash() == load.engine.core.hash(), f"the checkpoint at {at} and its tail differ"
    full.verify()
    return len(written), compared


def test_the_journal_of_a_loaded_run_replays_to_every_hash_it_had(engine: Any) -> None:
    load = Load(engine, seed=5)
    load.run(SECONDS)
    count, compared = proved(load)
    assert count > 500 and compared > 50
    engine.core.verify()


def test_a_crash_under_load_comes_back_to_the_same_hash(engine: Any) -> None:
    load = Load(engine, seed=6)
    load.run(2)
    before = engine.core.hash()
    engine.restart()
    core = Core()
    for _ in replayed(core, [entry for entry in entries() if entry[0] <= max(load.live)]):
        pass
    assert core.hash() == before
    load.run(2)
    proved(load)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_loaded_hour_replays_to_every_hash_it_had(engine: Any) -> None:
    load = Load(engine, seed=7)
    load.run(float(os.environ.get("SOAK_HOURS", "1")) * 3600)
    count, compared = proved(load)
    print(f"{count} journal entries, {compared} hashes compared")
    assert compared > 1000
