"""Says on the market streams what the simulated books do.

Trades and tops go at once, differences of the 50 best levels each 100 ms, whole books each second. A top takes away what stood
before it; when that would leave a listener with a thin book, the differences go with it.

Pure: it reads the core and gives back bytes; whoever calls it writes them to `market.<exchange>`.
"""

from __future__ import annotations

from collections.abc import Iterable

from marketdata.blocks import BUY, LEVEL, LEVELS_MAX, PROOF, TOP, TRADE, BlockWriter
from orders import _core
from orders.simulator.market import LEVELS_MIN
from orders.simulator.simulator import Simulator

DIFFERENCE_NS = 100_000_000
SNAPSHOT_NS = 1_000_000_000

Side = dict[int, int]  # ticks -> lots


class _Shown:
    """What the listeners of one instrument have been told."""

    __slots__ = ("difference_ns", "proof_ns", "sides", "snapshot_ns", "top")

    def __init__(self, snapshot_ns: int) -> None:
        self.sides: tuple[Side, Side] = ({}, {})
        self.top: list[tuple[int, int]] = [(0, 0), (0, 0)]
        self.difference_ns = 0
        self.snapshot_ns = snapshot_ns
        self.proof_ns = 0

    def beyond(self, side: int, ticks: int) -> list[int]:
        """Levels that listeners drop when they hear this best price."""
        return [level for level in self.sides[side] if (level > ticks if side == BUY else level < ticks)]

    def is_thin_at(self, side: int, ticks: int) -> bool:
        """Whether listeners who hear this best price are left with fewer levels than are promised."""
        levels = self.sides[side]
        return len(levels) - len(self.beyond(side, ticks)) + (ticks not in levels) < LEVELS_MIN

    def move_top(self, side: int, ticks: int, lots: int) -> None:
        """Do to the levels what the listeners do when they hear a top."""
        self.top[side] = (ticks, lots)
        levels = self.sides[side]
        for level in self.beyond(side, ticks) if lots else list(levels):
            del levels[level]
        if lots:
            levels[ticks] = lots


class Publisher:
    """Turns prints and books of a simulator into blocks. One a process: it counts each instrument's `seq`."""

    def __init__(self, core: _core.Core, simulator: Simulator) -> None:
        self._core = core
        self._simulator = simulator
        self._writers: dict[str, BlockWriter] = {}
        self._shown: dict[int, _Shown] = {}

    def blocks(self, now_ns: int) -> dict[str, bytes]:
        """What changed since the last call: {exchange name: block}, empty exchanges left out. Call it after each
        commit.
        """
        self._simulator.collect()
        instruments = {instrument.id: instrument for instrument in self._simulator.instruments}
        for number in self._shown.keys() - instruments.keys():
            del self._shown[number]
        for number, instrument in instruments.items():
            if number not in self._shown:
                # listeners start with a whole book; later ones are spread over the second
                self._shown[number] = _Shown(now_ns + number * SNAPSHOT_NS // 8 % SNAPSHOT_NS)
                self._snapshot(self._writer(instrument.exchange), number, instrument.spec_version, now_ns)
        for one in self._simulator.tape.take():
            traded = instruments.get(one.instrument)
            if traded is not None:
                self._writer(traded.exchange).add(
                    TRADE, traded.id, traded.spec_version, one.at_ns, one.side, one.ticks, one.lots
                )
        for number, instrument in instruments.items():
            self._book(self._writer(instrument.exchange), number, instrument.spec_version, now_ns)
        return {name: writer.take() for name, writer in self._writers.items() if len(writer)}

    def _writer(self, exchange: str) -> BlockWriter:
        writer = self._writers.get(exchange)
        if writer is None:
            writer = self._writers[exchange] = BlockWriter()
        return writer

    def _book(self, writer: BlockWriter, number: int, version: int, now_ns: int) -> None:
        """Tops at once; the rest when it is due."""
        shown = self._shown[number]
        bid, bid_lots, ask, ask_lots = self._core.best(number)
        tops = ((bid or 0, bid_lots), (ask or 0, ask_lots))
        moved = [(side, top) for side, top in enumerate(tops) if top != shown.top[side]]
        if now_ns - shown.snapshot_ns >= SNAPSHOT_NS:
            shown.snapshot_ns = now_ns
            self._snapshot(writer, number, version, now_ns)
        elif now_ns - shown.difference_ns >= DIFFERENCE_NS or any(
            shown.is_thin_at(side, ticks) for side, (ticks, _) in moved
        ):
            self._differences(writer, number, version, now_ns)
        for side, top in moved:
            shown.move_top(side, *top)
            writer.add(TOP, number, version, now_ns, side, *top)
        if now_ns - shown.proof_ns >= SNAPSHOT_NS:
            shown.proof_ns = now_ns
            writer.add(PROOF, number, version, now_ns)

    def _snapshot(self, writer: BlockWriter, number: int, version: int, now_ns: int) -> None:
        bids, asks = self._core.depth(number, LEVELS_MAX)
        writer.snapshot(number, version, now_ns, bids, asks)
        shown = self._shown[number]
        shown.sides = (dict(bids), dict(asks))
        shown.difference_ns = now_ns

    def _differences(self, writer: BlockWriter, number: int, version: int, now_ns: int) -> None:
        shown = self._shown[number]
        shown.difference_ns = now_ns
        sides: list[Side] = []
        for side, levels in enumerate(self._core.depth(number, LEVELS_MAX)):
            now = dict(levels)
            for ticks, lots in _changes(shown.sides[side], now):
                writer.add(LEVEL, number, version, now_ns, side, ticks, lots)
            sides.append(now)
        shown.sides = (sides[0], sides[1])


def _changes(before: Side, now: Side) -> Iterable[tuple[int, int]]:
    """(ticks, lots) of every level that is another; lots 0 = gone from the levels shown."""
    for ticks in before.keys() - now.keys():
        yield ticks, 0
    for ticks, lots in now.items():
        if before.get(ticks) != lots:
            yield ticks, lots
