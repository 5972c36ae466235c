"""Market blocks: what travels on `market.<exchange>`, a run of 40-byte records.

One record = instrument_id, spec_version, kind, side, ticks, lots, exchange_ns, seq (little endian). Prices are ticks
and quantities lots of the spec_version named. `seq` counts each instrument's records from 1 without a hole: a jump
means records were lost and the book is unusable until the next SNAPSHOT. seq 0 stands outside the sequence: ANCHOR, BOOK and
the PROOF beside them. Within a block, LEVEL records of one instrument and one exchange_ns that follow each other are one
event, as are the TOP of the bids and that of the asks behind it: only after the last of them is the book what it was at
the exchange. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

TRADE = 1  # a public print; side is the taker's
LEVEL = 2  # lots now standing at ticks; 0 removes the level
SNAPSHOT = 3  # forget the book; the next `lots` records of this instrument are its LEVELs
TOP = 4  # best price and its lots on one side; lots 0 = that side is empty
PROOF = 5  # the source is alive
ANCHOR = 6  # replay: the price the simulator's depth should stand around
GAP = 7  # the book is unusable until a SNAPSHOT
BOOK = 8  # the source tells its own book: whoever simulates depth here makes way for it

BUY = 0
SELL = 1

LEVELS_MAX = 50

RECORD = struct.Struct("<IHBBqqqQ")
SIZE = RECORD.size
assert SIZE == 40


class Record(NamedTuple):
    """One packed record, in the order of its bytes."""

    instrument_id: int
    spec_version: int
    kind: int
    side: int
    ticks: int
    lots: int
    exchange_ns: int
    seq: int


def unpack(block: bytes) -> Iterator[Record]:
    """The records of a block. ValueError when the length is no multiple of 40."""
    if len(block) % SIZE:
        raise ValueError(f"a market block was {len(block)} bytes, not a multiple of {SIZE}")
    return map(Record._make, RECORD.iter_unpack(block))


class BlockWriter:
    """Builds blocks and counts `seq` for each instrument. Not thread-safe: one writer, one publisher."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._seq: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._bytes) // SIZE

    def add(
        self,
        kind: int,
        instrument_id: int,
        spec_version: int,
        exchange_ns: int,
        side: int = 0,
        ticks: int = 0,
        lots: int = 0,
    ) -> None:
        """Append one record with the instrument's next seq."""
        seq = self._seq.get(instrument_id, 0) + 1
        self._seq[instrument_id] = seq
        self._bytes += RECORD.pack(instrument_id, spec_version, kind, side, ticks, lots, exchange_ns, seq)

    def outside(self, kind: int, instrument_id: int, spec_version: int, exchange_ns: int, ticks: int = 0) -> None:
        """Append a record outside the sequence (seq 0)."""
        self._bytes += RECORD.pack(instrument_id, spec_version, kind, 0, ticks, 0, exchange_ns, 0)

    def snapshot(
        self,
        instrument_id: int,
        spec_version: int,
        exchange_ns: int,
        bids: Iterable[tuple[int, int]],
        asks: Iterable[tuple[int, int]],
    ) -> None:
        """Append SNAPSHOT and its LEVELs; bids and asks are (ticks, lots), best first, at most 50 a side are sent."""
        levels = [(BUY, *level) for level in list(bids)[:LEVELS_MAX]] + [
            (SELL, *level) for level in list(asks)[:LEVELS_MAX]
        ]
        self.add(SNAPSHOT, instrument_id, spec_version, exchange_ns, lots=len(levels))
        for side, ticks, lots in levels:
            self.add(LEVEL, instrument_id, spec_version, exchange_ns, side, ticks, lots)

    def take(self) -> bytes:
        """The block so far; the next one starts empty."""
        block = bytes(self._bytes)
        self._bytes.clear()
        return block
