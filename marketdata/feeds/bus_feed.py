"""The feed of markets that already stand on the bus: the simulator's blocks, read back as trades and time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from marketdata import blocks
from marketdata.bus import BlockTail, Bus, BusDown
from marketdata.domain import InstrumentSpec
from marketdata.feeds.base import Event, TimeSeen, TradeSeen
from marketdata.precision import to_decimal

BLOCK_MS = 100


class BusFeed:
    """Begins with the oldest block the stream still holds (minutes of them), so a feed that was away misses no
    trade.
    """

    def __init__(self, bus: Bus) -> None:
        self._tail = BlockTail(bus, backlog=None)
        self._wanted: dict[int, InstrumentSpec] = {}
        self.outdated: set[int] = set()  # instruments whose records name another spec_version than ours

    def subscribe(self, wanted: Mapping[int, InstrumentSpec]) -> None:
        """Listen to exactly these from now on; an unreachable bus is tried again with the next events()."""
        self._wanted = dict(wanted)
        self.outdated.clear()

    def events(self) -> Iterator[Event]:
        """Trades at once; time once for each instrument of a block."""
        try:
            self._tail.follow({spec.exchange for spec in self._wanted.values()})
        except BusDown:
            return
        for _, entry in self._tail.read(BLOCK_MS):
            reached: dict[int, int] = {}
            for record in blocks.unpack(entry.payload):
                spec = self._wanted.get(record.instrument_id)
                if spec is None:
                    continue
                if record.spec_version != spec.spec_version:
                    self.outdated.add(record.instrument_id)
                    continue
                moment_ms = record.exchange_ns // 1_000_000
                reached[record.instrument_id] = max(moment_ms, reached.get(record.instrument_id, 0))
                if record.kind == blocks.TRADE:
                    price, quantity = to_decimal(record.ticks, spec.tick_size), to_decimal(record.lots, spec.lot_size)
                    yield TradeSeen(record.instrument_id, moment_ms, price, quantity)
            for instrument_id, moment_ms in reached.items():
                yield TimeSeen(instrument_id, moment_ms)
