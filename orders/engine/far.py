"""Markets that are elsewhere: their blocks, read from the exchange's stream into the core, a little at a time.

What an exchange's stream tells decides how its instruments trade, for as long as it is told: BOOK makes an instrument a
mirror of the source's own book, ANCHOR gives it back to the simulator, whose depth then stands around the told price. An
exchange of source ccxt has no simulator, so its instruments are mirrors from the start.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable

from marketdata import bus as buses
from marketdata import clock
from marketdata.blocks import ANCHOR, BOOK, SIZE, Record, unpack
from orders._core import Core
from orders.engine.world import InstrumentSpec

log = logging.getLogger(__name__)

WORK_NS = 1_000_000  # of the market's between two commits
BLOCKS_AT_ONCE = 256
FRONT_PPM = 500_000  # half of what is canceled at a price is taken to have stood in front of us
SOURCES = ("replay", "ccxt")
_KIND = 6  # where a record says what it is


class FarMarkets:
    """Not thread-safe: lives in the engine's thread, beside its core."""

    def __init__(self, core: Core, bus: buses.Bus, anchored: Callable[[Record, int], None], home: bool = True) -> None:
        """`home`: the simulator lives here. Elsewhere its exchanges, replays too, are far: mirrored for good."""
        self._core = core
        self._home = home
        self._tail = buses.BlockTail(bus)
        self._anchored = anchored
        self._exchanges: set[str] = set()
        self._known: set[int] = set()
        self._waiting: deque[bytes] = deque()
        self._done = 0  # records of the first block waiting that the core has taken
        self.taken = 0  # records in all
        self.turns: dict[int, bool] = {}  # instruments to become mirrors, or to be none any more

    @property
    def behind(self) -> bool:
        """Whether blocks wait that were read."""
        return bool(self._waiting)

    def obey(self, instruments: Iterable[InstrumentSpec]) -> None:
        """The instruments there are now."""
        specs = [spec for spec in instruments if spec.source in SOURCES or not self._home]
        self._exchanges = {spec.exchange for spec in specs}
        self._known = {spec.id for spec in specs}
        for spec in specs:
            if (spec.source == "ccxt" or not self._home) and self._core.mirror(spec.id) is None:
                self.turns[spec.id] = True

    def follow(self) -> None:
        """Read the streams of these exchanges from now on. May raise BusDown."""
        if self._exchanges:
            self._tail.follow(self._exchanges)

    def step(self, now_ns: int) -> None:
        """What has come, for at most a millisecond, or until the core's reports want to be read, or until something is to
        be turned first.
        """
        if not self._exchanges:
            return
        if not self._waiting:
            self._waiting += [entry.payload for _, entry in self._tail.read(0, BLOCKS_AT_ONCE)]
        self._core.market(b"", now_ns)
        until_ns = clock.monotonic_ns() + WORK_NS
        while self._waiting and clock.monotonic_ns() < until_ns:
            if not self._take(self._waiting[0], now_ns):
                return
            self._waiting.popleft()
            self._done = 0

    def _take(self, block: bytes, now_ns: int) -> bool:
        """One block; False when the rest of it must wait."""
        if len(block) % SIZE:
            log.error("a market block was %d bytes, not a multiple of %d; it was skipped", len(block), SIZE)
            return True
        kinds = block[_KIND::SIZE]
        if self._home and self._done == 0 and (ANCHOR in kinds or BOOK in kinds):
            outside = [record for record in unpack(block) if record.kind in (ANCHOR, BOOK)]
            # a block that says both of one instrument means the last: turned to and fro it would never be over
            wanted = {record.instrument_id: record.kind == BOOK for record in outside}
            for instrument_id, mirror in wanted.items():
                if instrument_id in self._known and (self._core.mirror(instrument_id) is not None) != mirror:
                    self.turns[instrument_id] = mirror
            if self.turns:
                return False
            for record in outside:
                if record.kind == ANCHOR and not wanted[record.instrument_id]:
                    self._anchored(record, now_ns)
        took = self._core.market(memoryview(block)[self._done * SIZE :], now_ns)
        self._done += took
        self.taken += took
        return self._done == len(block) // SIZE
