"""Runs a command stream through the real core (risk, positions and reports on) and through the bare book, interleaved.

The stream's layout and the meaning of each figure: docs of `manage.py bench core`. Ratios count, absolute figures vary.
"""

from __future__ import annotations

import resource
import statistics
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from orders import _core
from orders.benchmark import _limits

HEADER = struct.Struct("<8Q")
RECORD_SIZE = 32
MAGIC = 0x4C4F423100000000
ACCOUNTS = 64
DEPOSIT = 10**36
BASE_ASSET, QUOTE_ASSET = 1, 2
BATCH_COMMANDS = 512  # what the engine takes at most
CALLS_TIMED = 200_000
WORD = 2**64
GOLDEN = 0x9E3779B97F4A7C15
OP_LIMIT, OP_CANCEL, OP_AMEND, OP_IOC, OP_MARKET = range(5)


@dataclass(frozen=True)
class Stream:
    """The file's records and what its maker says they lead to."""

    records: bytes
    preload: int
    symbols: int
    expected: dict[str, Any]

    @property
    def timed(self) -> int:
        return len(self.records) // RECORD_SIZE - self.preload


class StreamError(Exception):
    """The file is not a command stream."""


def read(path: Path) -> Stream:
    data = path.read_bytes()
    if len(data) < HEADER.size:
        raise StreamError(f"{path} is shorter than a stream's header")
    magic, total, preload, symbols, trades, quantity, live, trade_hash = HEADER.unpack_from(data)
    if magic != MAGIC or len(data) != HEADER.size + total * RECORD_SIZE or preload >= total:
        raise StreamError(f"{path} is not a command stream of the length its header says")
    expected = {"trades": trades, "quantity": quantity, "live": live, "hash": f"{trade_hash:016x}"}
    return Stream(data[HEADER.size :], preload, symbols, expected)


def idle_instrument_bytes() -> int:
    """What one more instrument with one order costs."""
    few, more = prepare(1), prepare(65)
    for instrument in range(1, 66):
        for core in (few, more) if instrument == 1 else (more,):
            core.place(1, instrument, 1, instrument, 1, 0, _core.TYPE_LIMIT, _core.TIF_GTC, 0, 0, 100_000, 1)
    return (more.stats()["memory_bytes"] - few.stats()["memory_bytes"]) // 64


def prepare(symbols: int) -> _core.Core:
    """A core with limits that never refuse and are all evaluated, and money that never runs out."""
    core = _core.Core(max_orders=1 << 22)
    for instrument in range(1, symbols + 1):
        core.set_instrument(
            instrument,
            exchange=1,
            spec_version=1,
            base_asset=BASE_ASSET,
            quote_asset=QUOTE_ASSET,
            base_unit=1,
            quote_unit=1,
            quantity_min_lots=1,
            quantity_max_lots=2**32,
            notional_min=1,
            status=_core.INSTRUMENT_TRADING,
            maker_fee_ppm=500,
            taker_fee_ppm=1000,
        )
    for account in range(1, ACCOUNTS + 1):
        core.set_account(account, owner=account)
        core.set_limits(
            _core.SCOPE_ACCOUNT,
            account,
            open_orders_max=1_000_000,
            open_orders_instrument_max=1_000_000,
            notional_max=10**36,
            rate_per_second=10**9,
            rate_burst=10**9,
        )
        core.post(account, BASE_ASSET, DEPOSIT)
        core.post(account, QUOTE_ASSET, DEPOSIT)
    return core


def batch(core: _core.Core, commands: memoryview) -> int:
    """Nanoseconds of all commands, in batches, their reports made and handed over."""
    step = BATCH_COMMANDS * _core.COMMAND_SIZE
    slices = [commands[at : at + step] for at in range(0, len(commands), step)]
    process, tape = core.process, core.tape
    start = time.perf_counter_ns()
    for piece in slices:
        process(piece)
        tape()
    return time.perf_counter_ns() - start


def _timed(todo: list[Any]) -> int:
    start = time.perf_counter_ns()
    for call, arguments in todo:
        call(*arguments)
    return time.perf_counter_ns() - start


def calls_of_nothing(records: bytes) -> int:
    """Nanoseconds of as many calls that parse six numbers and do nothing, the loop around them included."""
    rows, spent = struct.iter_unpack("<BBHIQQQ", records), 0
    while piece := list(islice(rows, BATCH_COMMANDS)):
        spent += _timed([(_limits.noop, row[:6]) for row in piece])
    return spent


def calls(core: _core.Core, records: bytes, first_ns: int) -> int:
    """Nanoseconds of the same commands one call each, the loop around them included. Arguments are made a moment before,
    as a caller's are: not so long ago that reading them is what takes the time."""
    rows, spent, at_ns = struct.iter_unpack("<BBHIQQQ", records), 0, first_ns
    while piece := list(islice(rows, BATCH_COMMANDS)):
        todo: list[tuple[Callable[..., int], tuple[int, ...]]] = []
        for op, side, symbol, qty, price, order_no, _ in piece:
            if op == OP_CANCEL:
                todo.append((core.cancel, (at_ns, order_no)))
            elif op == OP_AMEND:
                todo.append((core.amend, (at_ns, order_no, _core.FLAG_QTY_REMAINING, price, qty)))
            else:
                kind = _core.TYPE_MARKET if op == OP_MARKET else _core.TYPE_LIMIT
                tif = _core.TIF_GTC if op == OP_LIMIT else _core.TIF_IOC
                account = order_no % ACCOUNTS + 1
                todo.append((core.place, (at_ns, order_no, account, symbol + 1, 1, side, kind, tif, 0, 0, price, qty)))
            at_ns += 1
        spent += _timed(todo)
        core.reports()
        core.tape()
    return spent


def positions_hash(core: _core.Core) -> str:
    """Net quantity and net cash of each account by what the core's positions and balances say, fees put back."""
    h = 0
    for account in range(ACCOUNTS):
        rows = core.positions(account + 1)
        quantity = sum(row[2] for row in rows)
        fees = sum(row[5] for row in rows)
        cash = core.balance(account + 1, QUOTE_ASSET)[0] - DEPOSIT + fees
        h = (h * GOLDEN + quantity) % WORD
        h = (h * GOLDEN + cash) % WORD
    return f"{h:016x}"


def outcome(core: _core.Core) -> dict[str, Any]:
    stats = core.stats()
    return {
        "trades": stats["trades"],
        "quantity": stats["quantity"],
        "live": stats["orders_market"],
        "hash": f"{stats['trade_hash']:016x}",
        "positions": positions_hash(core),
        "checks": stats["checks"],
    }


def measure(stream: Stream, *, repeat: int = 5) -> dict[str, Any]:
    """One JSON-ready object; medians over `repeat` interleaved runs."""
    commands = memoryview(_limits.pack(stream.records))
    cut = stream.preload * _core.COMMAND_SIZE
    batches, limits = [], []
    result: dict[str, Any] = {}
    for _ in range(repeat):
        core = prepare(stream.symbols)
        batch(core, commands[:cut])
        batches.append(batch(core, commands[cut:]) / stream.timed)
        result = outcome(core)
        core.verify()
        limit = _limits.bare(stream.records, stream.preload, stream.symbols)
        if limit is not None:
            limits.append(limit[0] / stream.timed)
    result["memory_mb"] = round(core.stats()["memory_bytes"] / 1e6, 1)
    del core

    first = stream.preload * RECORD_SIZE
    some = stream.records[first : first + CALLS_TIMED * RECORD_SIZE]
    by_call: dict[str, list[float]] = {"call_ns": [], "call_unmeasured_ns": [], "noop_ns": []}
    for _ in range(repeat):
        for name in ("call_ns", "call_unmeasured_ns"):
            caller = prepare(stream.symbols)
            if name == "call_unmeasured_ns":
                caller.measure_calls(0)
            batch(caller, commands[:cut])
            by_call[name].append(calls(caller, some, stream.preload + 1) * RECORD_SIZE / len(some))
        by_call["noop_ns"].append(calls_of_nothing(some) * RECORD_SIZE / len(some))
    del caller

    p50, p99, p999 = _limits.latencies(commands, stream.preload, stream.symbols)
    bare_latencies = _limits.bare_latencies(stream.records, stream.preload, stream.symbols)
    return result | {
        "batch_ns": round(statistics.median(batches), 1),
        **{name: round(statistics.median(values), 1) for name, values in by_call.items()},
        "limit_ns": round(statistics.median(limits), 1) if limits else None,
        "p50_ns": p50,
        "p99_ns": p99,
        "p999_ns": p999,
        "limit_p99_ns": bare_latencies[1] if bare_latencies else None,
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "expected": {key: result[key] == value for key, value in stream.expected.items()},
    }
