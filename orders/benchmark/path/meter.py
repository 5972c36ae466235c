"""What a run counts: answers, how long they took, and the processor time of every process of the installation."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

from marketdata import clock

TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")


class Meter:
    """One run. Latencies are kept in microseconds, one 32-bit number each."""

    def __init__(self) -> None:
        self.placed = 0  # accepted and resting, or filled where that is what is measured
        self.canceled = 0
        self.wrong: Counter[str] = Counter()
        self.latencies_us = array("I")
        self.began_ns = clock.monotonic_ns()
        self.ended_ns = self.began_ns

    def begin(self) -> None:
        """The clock runs from here."""
        self.began_ns = clock.monotonic_ns()

    def answered(self, sent_ns: int, count: int = 1) -> None:
        """Something sent then was answered now; a batch counts as one."""
        self.ended_ns = clock.monotonic_ns()
        self.latencies_us.append((self.ended_ns - sent_ns) // 1000)

    def quantile_ms(self, share: float) -> float:
        """Of the latencies so far."""
        ordered = sorted(self.latencies_us)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] / 1000 if ordered else 0.0

    def result(self) -> dict[str, Any]:
        """The figures."""
        seconds = max((self.ended_ns - self.began_ns) / 1e9, 1e-9)
        shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "p999_ms": 0.999}
        return {
            "seconds": round(seconds, 2), "placed": self.placed, "canceled": self.canceled,
            "orders_per_s": round(self.placed / seconds), "commands_per_s": round((self.placed + self.canceled) / seconds),
            **{name: round(self.quantile_ms(share), 2) for name, share in shares.items()}, "wrong": dict(self.wrong),
        }  # fmt: skip


def _spent_ticks(pid: int) -> int:
    """User and system time of a process, and of its children that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return 0
    return sum(int(field) for field in fields[11:15])


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


class Processors:
    """Processor time by service, between `begin` and `spent_us`."""

    def __init__(self, processes: dict[str, list[int]]) -> None:
        self._pids = {name: facts[0] for name, facts in processes.items()}
        self._before: dict[str, dict[int, int]] = {}

    def begin(self) -> None:
        """Note where everything stands."""
        self._before = self._now()

    def spent_us(self) -> dict[str, float]:
        """Microseconds of a processor since then, by service; `generator` is this process."""
        now = self._now()
        return {
            name: sum(ticks - self._before.get(name, {}).get(pid, 0) for pid, ticks in pids.items()) * TICK_US
            for name, pids in now.items()
        }

    def _now(self) -> dict[str, dict[int, int]]:
        found = {name: {one: _spent_ticks(one) for one in (pid, *_children(pid))} for name, pid in self._pids.items()}
        return found | {"generator": {os.getpid(): _spent_ticks(os.getpid())}}
