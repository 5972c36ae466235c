"""One instrument's book, rebuilt from market records. Pure.

The records of a block are applied in order. A lost record (a jump of seq) makes the book unusable until the next
snapshot, because a level that was removed meanwhile would stand in it for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from marketdata import blocks
from marketdata.blocks import BUY, SELL, Record


class LevelChange(NamedTuple):
    """Lots now standing at a price; 0 = the level is gone."""

    side: int
    ticks: int
    lots: int


class Book:
    """Levels by price. `usable` is false from a gap to the next snapshot; `seq` is the last record's."""

    def __init__(self) -> None:
        self.usable = False
        self.seq = 0
        self.exchange_ns = 0
        self.gaps = 0
        self._levels: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._snapshot_left = 0

    def apply(self, record: Record) -> list[LevelChange]:
        """Take a record of this instrument; the levels it changed. `filling` tells when a snapshot is still
        arriving.
        """
        if record.seq and record.kind != blocks.SNAPSHOT and record.seq != self.seq + 1:
            self._lose()
        if record.seq:
            self.seq = record.seq
        # A replay's time goes back to where it begins; a whole book says where that is.
        behind = 0 if record.kind == blocks.SNAPSHOT else self.exchange_ns
        self.exchange_ns = max(behind, record.exchange_ns)
        if record.kind == blocks.SNAPSHOT:
            self._levels[BUY].clear()
            self._levels[SELL].clear()
            self._snapshot_left = record.lots
            self.usable = record.lots == 0
            return []
        if record.kind == blocks.LEVEL:
            return self._level(record)
        if record.kind == blocks.TOP and self.usable:
            return self._top(record)
        if record.kind == blocks.GAP:
            self._lose()
        return []

    @property
    def filling(self) -> bool:
        """True between a SNAPSHOT and the last of its levels."""
        return self._snapshot_left > 0

    def best(self, side: int) -> tuple[int, int] | None:
        """Best (ticks, lots) of a side; None when it is empty or the book unusable."""
        levels = self._levels[side]
        if not self.usable or not levels:
            return None
        ticks = max(levels) if side == BUY else min(levels)
        return ticks, levels[ticks]

    def side(self, side: int, depth: int) -> list[tuple[int, int]]:
        """The best `depth` levels of a side, best first."""
        if not self.usable:
            return []
        return sorted(self._levels[side].items(), reverse=side == BUY)[:depth]

    def _level(self, record: Record) -> list[LevelChange]:
        if not self.usable and not self.filling:
            return []
        self._set(record.side, record.ticks, record.lots)
        if self.filling:
            self._snapshot_left -= 1
            self.usable = not self.filling
        return [LevelChange(record.side, record.ticks, record.lots)]

    def _top(self, record: Record) -> list[LevelChange]:
        """The best price comes at once, its levels up to 100 ms later: what stood before it is gone."""
        levels = self._levels[record.side]
        if not record.lots:
            beyond: Iterable[int] = list(levels)
        elif record.side == BUY:
            beyond = [ticks for ticks in levels if ticks > record.ticks]
        else:
            beyond = [ticks for ticks in levels if ticks < record.ticks]
        changes = [LevelChange(record.side, ticks, 0) for ticks in beyond]
        if record.lots and levels.get(record.ticks) != record.lots:
            changes.append(LevelChange(record.side, record.ticks, record.lots))
        for change in changes:
            self._set(*change)
        return changes

    def _set(self, side: int, ticks: int, lots: int) -> None:
        if lots:
            self._levels[side][ticks] = lots
        else:
            self._levels[side].pop(ticks, None)

    def _lose(self) -> None:
        self.usable = False
        self._snapshot_left = 0
        self.gaps += 1
