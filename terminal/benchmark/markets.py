"""What markets elsewhere cost an engine: fifty instruments, each as busy as one was in the busiest second of a recorded session.

The engine is the real one, in a process of its own, on a database of its own. Its processor time while nothing is told is taken
off. Prints the share of a core, writes build/bench/markets.json.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from typing import Any

from marketdata import clock
from marketdata.blocks import BUY, LEVEL, SELL, TOP, TRADE, BlockWriter
from marketdata.bus import Bus
from terminal.benchmark.stand import ROOT, Stand, cpu_s, stand
from terminal.up.processes import service

OUT = ROOT / "build" / "bench" / "markets.json"
INSTRUMENTS = 50
# Binance spot BTC/USDT, 347 s of 8 August 2024, through the feed's own DepthWriter: 2,572 records in its busiest second (mean
# 369), of which 22 % best prices, 8 % prints, the rest levels, a third of those in the whole book of each second.
RECORDS_PER_S = 2572
BLOCKS_PER_S = 500  # what a feed gathers in 2 ms goes out together
TOPS, TRADES = 0.22, 0.08
MID = 5_000_000
SOURCE_S = 4.0
READY_NS = 60_000_000_000


class Instrument:
    """A book that moves a little."""

    def __init__(self, number: int, draw: random.Random) -> None:
        self.id, self._draw = number, draw
        self.sides = {side: {MID + (1 if side else -1) * n: 10 + n for n in range(1, 51)} for side in (BUY, SELL)}

    def whole(self, writer: BlockWriter, at_ns: int) -> None:
        writer.snapshot(self.id, 1, at_ns, *(self.sides[side].items() for side in (BUY, SELL)))

    def event(self, writer: BlockWriter, at_ns: int) -> None:
        side, what = self._draw.getrandbits(1), self._draw.random()
        best = MID + (1 if side else -1)
        if what < TRADES:
            writer.add(TRADE, self.id, 1, at_ns, side, MID - (1 if side else -1), 1 + self._draw.getrandbits(3))
        elif what < TRADES + TOPS:
            self.sides[side][best] = 1 + self._draw.getrandbits(9)
            writer.add(TOP, self.id, 1, at_ns, side, best, self.sides[side][best])
        else:
            ticks = MID + (1 if side else -1) * (1 + int(self._draw.random() ** 2 * 49))
            self.sides[side][ticks] = 1 + self._draw.getrandbits(9)
            writer.add(LEVEL, self.id, 1, at_ns, side, ticks, self.sides[side][ticks])


def blocks(first: int, begin_ns: int, seconds: float) -> list[tuple[int, bytes]]:
    """(when it is due, the block), made before anything is told."""
    draw, writer = random.Random(1), BlockWriter()  # noqa: S311  (a market, not a secret)
    books = [Instrument(first + n, draw) for n in range(INSTRUMENTS)]
    made = []
    each = (RECORDS_PER_S - 101) * INSTRUMENTS / BLOCKS_PER_S
    for number in range(int(seconds * BLOCKS_PER_S)):
        at_ns = begin_ns + number * 1_000_000_000 // BLOCKS_PER_S
        for book in books[number % BLOCKS_PER_S :: BLOCKS_PER_S]:  # each instrument's whole book once a second
            book.whole(writer, at_ns)
        for _ in range(int((number + 1) * each) - int(number * each)):
            books[draw.randrange(INSTRUMENTS)].event(writer, at_ns)
        made.append((at_ns, writer.take()))
    return made


def tell(url: str, first: int, seconds: float) -> None:
    """Be the feed, from the moment a line is read; prints what was told."""
    begin_ns = clock.now_ns() + int(seconds * 2e9) + 5_000_000_000
    made = blocks(first, begin_ns, seconds)
    bus = Bus(url)
    print("made", flush=True)
    sys.stdin.readline()
    late_ns = max(0, clock.now_ns() - begin_ns)
    if late_ns:
        made = [(at_ns + late_ns, block) for at_ns, block in made]
    pause = time.sleep
    for at_ns, block in made:
        while (left_ns := at_ns - clock.now_ns()) > 0:
            pause(left_ns / 1e9)
        bus.publish_block("bench", block)
    print(sum(len(block) for _, block in made) // 40, (clock.now_ns() - made[0][0]) / 1e9, flush=True)


def measure(here: Stand, seconds: float) -> dict[str, Any]:
    """One engine, told nothing and then everything."""
    engine = here.start(*service("engine")[1:])
    began_ns = clock.monotonic_ns()
    ready = "from orders.models import Lease; print(Lease.objects.filter(ready=True).count())"
    while here.manage("shell", "--verbosity", "0", "-c", ready).split()[-1:] != ["1"]:
        assert engine.poll() is None and clock.monotonic_ns() - began_ns < READY_NS, "the engine did not become ready"
    source = here.start("terminal.benchmark.markets", "--tell", here.env["REDIS_URL"], here.instrument_id, seconds)
    try:
        assert source.stdout is not None and source.stdin is not None
        source.stdout.readline()
        before_s, idle_ns = cpu_s(engine.pid), clock.monotonic_ns()
        time.sleep(seconds)
        idle = (cpu_s(engine.pid) - before_s) / ((clock.monotonic_ns() - idle_ns) / 1e9)
        before_s, busy_ns = cpu_s(engine.pid), clock.monotonic_ns()
        records, told_s = source.communicate("\n")[0].split()[-2:]
        spent_s = (clock.monotonic_ns() - busy_ns) / 1e9
        cpu = cpu_s(engine.pid) - before_s - idle * spent_s
        taken = _taken(here, int(records))
        return {
            "records": int(records),
            "taken": taken,
            "records_per_s": round(int(records) / float(told_s)),
            "idle_share": round(idle, 3),
            "market_share": round(cpu / float(told_s), 3),
            "us_per_record": round(cpu / int(records) * 1e6, 2),
        }
    finally:
        for process in (source, engine):
            process.kill()
            process.wait()


def _taken(here: Stand, records: int) -> int:
    """How many of them its core has taken, as its heartbeat says: each second, so a little later."""
    ask = "from marketdata.models import Heartbeat; print(Heartbeat.objects.get(service='engine').detail['market_records'])"
    taken = 0
    for _ in range(10):
        taken = int(here.manage("shell", "--verbosity", "0", "-c", ask).split()[-1])
        if taken >= records:
            return taken
    raise SystemExit(f"the engine took {taken} of {records} records: this measures nothing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SOURCE_S)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--tell", nargs=3)
    a = parser.parse_args()
    if a.tell:
        return tell(a.tell[0], int(a.tell[1]), float(a.tell[2]))
    done = []
    with stand() as here:
        for _ in range(a.repeat):
            done.append(measure(here, a.seconds))
            print(json.dumps(done[-1]), flush=True)
    best = min(done, key=lambda one: one["market_share"])
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"asked": vars(a), "least": best, "runs": done}, indent=1) + "\n")
    print(
        f"{INSTRUMENTS} instruments, {best['records_per_s']:,} records/s: {best['market_share']:.1%} of a core in the engine"
        f" ({best['us_per_record']} us a record; idle it takes {best['idle_share']:.1%}); goal 15 %. All of it: {OUT}"
    )
    return None


if __name__ == "__main__":
    main()
