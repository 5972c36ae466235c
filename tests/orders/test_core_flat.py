"""Memory and reference counts stay flat, however many commands run. Bounded here; ten million under `make soak`."""

from __future__ import annotations

import gc
import os
import random
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BTC_USDT, command, make_core, set_limits

PAGE = os.sysconf("SC_PAGE_SIZE")
RICH = 10**36
LIVE = 400
ROUND = 50_000


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def make() -> _core.Core:
    core = make_core(rich=False, taker_fee_ppm=100, maker_fee_ppm=50)
    for account in (ALICE, BOB):
        set_limits(core, account, self_trade=0)
        for asset in (1, 2):
            core.post(account, asset, RICH)
    return core


class Trader:
    """Endless trading that keeps about as many orders open as it found."""

    def __init__(self, core: _core.Core, seed: int) -> None:
        self.core, self.chance, self.number, self.now = core, random.Random(seed), 0, 0
        self.open: list[int] = []

    def words(self) -> tuple[str, tuple[Any, ...]]:
        chance = self.chance
        self.now += 1000
        draw = chance.random()
        if self.open and (draw < 0.35 or len(self.open) > LIVE):
            at = chance.randrange(len(self.open))
            self.open[at], self.open[-1] = self.open[-1], self.open[at]
            return "cancel", (self.now, self.open.pop())
        if self.open and draw < 0.45:
            price, lots = 10_000 + chance.randint(-30, 30), chance.randint(1, 90)
            return "amend", (self.now, chance.choice(self.open), 0, price, lots)
        self.number += 1
        self.open.append(self.number)
        kind, tif = (1, 1) if draw > 0.97 else (0, 0)
        price = 0 if kind else 10_000 + chance.randint(-30, 30)
        account = ALICE if chance.random() < 0.5 else BOB
        side, lots, strategy = chance.randint(0, 1), chance.randint(1, 50), chance.randint(0, 3)
        return "place", (self.now, self.number, account, BTC_USDT, 1, side, kind, tif, 4, strategy, price, lots)

    def run(self, commands: int) -> None:
        """Called one by one, looked at now and then; every answer dropped."""
        core = self.core
        for n in range(commands):
            name, words = self.words()
            getattr(core, name)(*words)
            if n % 64 == 0:
                core.reports(), core.tape(), core.best(BTC_USDT), core.depth(BTC_USDT, 5)
                (
                    core.positions(ALICE),
                    core.open_orders(BOB),
                    core.order(self.number),
                    core.stats(),
                    core.balance(ALICE, 1),
                )


def references() -> dict[str, int]:
    """Reference counts of what the binding hands out and takes in most, and how many objects there are."""
    kept = {
        "None": sys.getrefcount(None),
        "Core": sys.getrefcount(_core.Core),
        "error": sys.getrefcount(_core.CoreError),
    }
    return kept | {"objects": len(gc.get_objects()), "blocks": sys.getallocatedblocks()}


def in_a_process_of_its_own(measured: Callable[[], None]) -> None:
    """Nothing else moves its memory: neither what earlier tests left to be freed nor a thread of theirs."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        fresh.submit(measured).result()


def test_memory_and_references_stay_flat_over_many_calls() -> None:
    in_a_process_of_its_own(_many_calls)


def _many_calls() -> None:
    trader = Trader(make(), seed=1)
    trader.run(ROUND)
    gc.collect()
    held, counts, memory = trader.core.stats()["memory_bytes"], references(), resident()
    trader.run(4 * ROUND)
    gc.collect()
    after = references()
    assert trader.core.stats()["memory_bytes"] == held
    assert all(abs(after[name] - counts[name]) < 200 for name in counts), (counts, after)
    assert resident() - memory < 2 * 1024 * 1024
    trader.core.verify()


def test_memory_stays_flat_over_many_batches_forks_and_checkpoints() -> None:
    in_a_process_of_its_own(_many_batches)


def _many_batches() -> None:
    core, chance = make(), random.Random(2)
    number = 0

    def one_round() -> None:
        nonlocal number
        packed = b""
        for _ in range(512):
            number += 1
            packed += command(
                _core.OP_PLACE, number, account=chance.choice((ALICE, BOB)), instrument=BTC_USDT, spec_version=1, flags=4,
                side=number & 1, price_ticks=10_000 + chance.randint(-3, 3), qty_lots=chance.randint(1, 9), tif=number >> 1 & 1,
                at_ns=number * 1000,
            )  # fmt: skip
        core.process(packed)
        core.tape()
        for account in (ALICE, BOB):
            for open_order in core.open_orders(account)[:-50]:
                core.cancel(number * 1000, open_order)
        core.reports()
        core.fork().verify()
        _core.Core().restore(core.checkpoint())

    for _ in range(10):
        one_round()
    gc.collect()
    counts, memory = references(), resident()
    for _ in range(60):
        one_round()
    gc.collect()
    after = references()
    assert all(abs(after[name] - counts[name]) < 200 for name in counts), (counts, after)
    assert resident() - memory < 4 * 1024 * 1024


@pytest.mark.parametrize(
    "name", ["place", "cancel", "amend", "process", "apply", "restore", "post", "set_halt", "depth", "fork"]
)
def test_a_call_that_raises_keeps_nothing(name: str) -> None:
    core, bad = make(), object()
    counts = sys.getrefcount(bad), sys.getrefcount(core), sys.getrefcount(_core.CoreError)
    for _ in range(1000):
        for arguments in ((bad,), (1, bad), (1, 2, bad), (1, 2, 3, bad, 5), (bad,) * 12, (1,) * 11 + (bad,)):
            with pytest.raises(TypeError):
                getattr(core, name)(*arguments)
    now = sys.getrefcount(bad), sys.getrefcount(core), sys.getrefcount(_core.CoreError)
    assert all(abs(a - b) < 5 for a, b in zip(now, counts, strict=True))


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_ten_million_commands_leave_memory_and_references_as_they_were() -> None:
    """Half by calls, half in batches from one buffer that is used again and again."""
    in_a_process_of_its_own(_ten_million)


def _ten_million() -> None:
    trader = Trader(make(), seed=3)
    trader.run(200_000)
    gc.collect()
    counts, memory, held = references(), resident(), trader.core.stats()["memory_bytes"]
    trader.run(5_000_000)
    core = trader.core
    record = bytearray(command(_core.OP_PLACE, 0, account=ALICE, instrument=BTC_USDT, spec_version=1, flags=4, tif=1))
    slots = len(record)
    batch = bytearray(bytes(record) * 512)
    for n in range(5_000_000 // 512 + 1):
        for at in range(512):
            trader.number += 1
            price, lots = 10_000 + trader.chance.randint(-30, 30), trader.chance.randint(1, 50)
            struct.pack_into("<Q", batch, at * slots + 24, trader.number)
            struct.pack_into("<2q", batch, at * slots + 40, price, lots)
        core.process(batch)
        core.tape()
        if n % 100 == 0:
            core.verify()
    gc.collect()
    after = references()
    assert core.stats()["commands"] > 10_000_000
    assert core.stats()["memory_bytes"] - held < 1024 * 1024
    assert all(abs(after[name] - counts[name]) < 500 for name in counts), (counts, after)
    assert resident() - memory < 4 * 1024 * 1024
    core.verify()
