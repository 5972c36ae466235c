"""Books and prints of a source, as records on the market streams: every trade and every best price at once, differences of
the 50 best levels with each book event, a whole book each second for whoever comes late.

A price off its tick by more than a millionth is not rounded: the event is dropped and the instrument told GAP until the
source tells a whole book again. A quantity counts in whole lots: dust below one cannot be traded, and exchanges have it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from decimal import Decimal

from marketdata import blocks, clock
from marketdata.blocks import BUY, SELL, BlockWriter
from marketdata.domain import InstrumentSpec
from marketdata.feeds.base import BookLost, BookSeen, DepthEvent, Levels, LevelsSeen, PrintSeen, TopSeen
from marketdata.precision import nearest_units

SNAPSHOT_NS = 1_000_000_000
LEVELS_KEPT = 5000  # a side; 50 are told
OFF_STEP = Decimal("0.000001")


class OffStep(ValueError):
    """A price between two ticks."""


class Side:
    """One side of a whole book: lots by ticks, and the ticks in order. The farthest of too many levels are forgotten."""

    def __init__(self, side: int) -> None:
        self._farthest = 0 if side == BUY else -1
        self.lots: dict[int, int] = {}
        self._sorted: list[int] = []

    def set(self, ticks: int, lots: int) -> None:
        """Lots now standing at ticks; 0 takes the level away."""
        if lots:
            if ticks not in self.lots:
                insort(self._sorted, ticks)
            self.lots[ticks] = lots
            if len(self._sorted) > LEVELS_KEPT:
                del self.lots[self._sorted.pop(self._farthest)]
        elif self.lots.pop(ticks, 0):
            del self._sorted[bisect_left(self._sorted, ticks)]

    def best(self, side: int, count: int) -> list[tuple[int, int]]:
        """The best levels, best first."""
        ticks = self._sorted[: -count - 1 : -1] if side == BUY else self._sorted[:count]
        return [(at, self.lots[at]) for at in ticks]


class _Book:
    """What is known of one instrument, and what listeners were told of it."""

    def __init__(self, now_ns: int) -> None:
        self.sides = (Side(BUY), Side(SELL))
        self.whole = False
        self.told: tuple[dict[int, int], dict[int, int]] = ({}, {})  # by the last difference or snapshot
        self.moved: tuple[set[int], set[int]] = (set(), set())  # prices that a top has touched since
        self.tops: list[tuple[int, int] | None] = [None, None]
        self.exchange_ns = 0
        self.difference_ns = 0  # two differences of one moment would read as one
        self.snapshot_ns = now_ns
        self.heard_ns = 0


class DepthWriter:
    """Not thread-safe. `take` events, `blocks` what came of them."""

    def __init__(self, monotonic_ns: Callable[[], int] = clock.monotonic_ns) -> None:
        self._monotonic_ns = monotonic_ns
        self._writers: dict[str, BlockWriter] = {}
        self._books: dict[int, _Book] = {}
        self._specs: dict[int, InstrumentSpec] = {}

    def take(self, spec: InstrumentSpec, event: DepthEvent) -> None:
        """One event of an instrument. OffStep when it was dropped."""
        book = self._book(spec)
        book.exchange_ns = max(book.exchange_ns, event.exchange_ns)
        book.heard_ns = self._monotonic_ns()
        try:
            self._take(spec, book, event)
        except OffStep:
            self._lose(spec, book, event.exchange_ns)
            raise

    def forget(self, instrument_id: int) -> None:
        """Begin anew with the next event."""
        self._books.pop(instrument_id, None)

    def blocks(self) -> dict[str, bytes]:
        """What is to be published now, by exchange; whole books when they are due, and that a source is alive."""
        now_ns = self._monotonic_ns()
        for instrument_id, book in self._books.items():
            if book.heard_ns and now_ns - book.snapshot_ns >= SNAPSHOT_NS:
                spec = self._specs[instrument_id]
                if book.whole:
                    self._snapshot(spec, book, book.exchange_ns)
                self._writer(spec).outside(blocks.BOOK, spec.id, spec.spec_version, book.exchange_ns)
                self._writer(spec).outside(blocks.PROOF, spec.id, spec.spec_version, book.exchange_ns)
                book.snapshot_ns = now_ns
        return {name: writer.take() for name, writer in self._writers.items() if len(writer)}

    # -- events --------------------------------------------------------------------------------------------------------

    def _take(self, spec: InstrumentSpec, book: _Book, event: DepthEvent) -> None:
        match event:
            case PrintSeen(_, at_ns, side, price, quantity):
                ticks, lots = _ticks(price, spec.tick_size), _lots(quantity, spec.lot_size)
                if lots:
                    self._add(spec, blocks.TRADE, at_ns, side, ticks, lots)
            case BookSeen(_, at_ns, bids, asks):
                book.sides = (Side(BUY), Side(SELL))
                self._set(spec, book, bids, asks)
                book.whole = True
                self._snapshot(spec, book, at_ns)
            case LevelsSeen(_, at_ns, bids, asks) if book.whole:
                self._set(spec, book, bids, asks)
                self._differences(spec, book, at_ns)
            case TopSeen(_, at_ns, bid, ask) if book.whole:
                self._top(spec, book, at_ns, (bid, ask))
            case BookLost(_, at_ns):
                self._lose(spec, book, at_ns)

    def _set(self, spec: InstrumentSpec, book: _Book, bids: Levels, asks: Levels) -> None:
        units = [
            [(_ticks(price, spec.tick_size), _lots(quantity, spec.lot_size)) for price, quantity in levels]
            for levels in (bids, asks)
        ]
        for side in (BUY, SELL):
            for ticks, lots in units[side]:
                book.sides[side].set(ticks, lots)

    def _top(self, spec: InstrumentSpec, book: _Book, at_ns: int, tops: Iterable[tuple[Decimal, Decimal]]) -> None:
        """What stood before the best price is gone; the levels behind it come with the next difference."""
        for side, (price, quantity) in enumerate(tops):
            ticks, lots = _ticks(price, spec.tick_size), _lots(quantity, spec.lot_size)
            for beyond in [at for at, _ in book.sides[side].best(side, blocks.LEVELS_MAX) if _better(side, at, ticks)]:
                book.sides[side].set(beyond, 0)
                book.moved[side].add(beyond)
            book.sides[side].set(ticks, lots)
            if book.tops[side] != (ticks, lots):
                book.tops[side] = (ticks, lots)
                book.moved[side].add(ticks)
                self._add(spec, blocks.TOP, at_ns, side, ticks, lots)

    def _differences(self, spec: InstrumentSpec, book: _Book, at_ns: int) -> None:
        gone, stand = [], []
        for side in (BUY, SELL):
            now = dict(book.sides[side].best(side, blocks.LEVELS_MAX))
            told, moved = book.told[side], book.moved[side]
            gone += [(side, ticks, 0) for ticks in (told.keys() | moved) - now.keys()]
            stand += [(side, ticks, lots) for ticks, lots in now.items() if told.get(ticks) != lots or ticks in moved]
            self._remember(book, side, now)
        book.difference_ns = max(at_ns, book.difference_ns + 1)
        for change in gone + stand:
            self._add(spec, blocks.LEVEL, book.difference_ns, *change)

    def _snapshot(self, spec: InstrumentSpec, book: _Book, at_ns: int) -> None:
        levels = [book.sides[side].best(side, blocks.LEVELS_MAX) for side in (BUY, SELL)]
        self._writer(spec).snapshot(spec.id, spec.spec_version, at_ns, *levels)
        for side in (BUY, SELL):
            self._remember(book, side, dict(levels[side]))

    @staticmethod
    def _remember(book: _Book, side: int, now: dict[int, int]) -> None:
        book.told[side].clear()
        book.told[side].update(now)
        book.moved[side].clear()
        book.tops[side] = next(iter(now.items()), None)

    def _lose(self, spec: InstrumentSpec, book: _Book, at_ns: int) -> None:
        book.whole = False
        self._add(spec, blocks.GAP, at_ns)

    # -- records -------------------------------------------------------------------------------------------------------

    def _book(self, spec: InstrumentSpec) -> _Book:
        book = self._books.get(spec.id)
        if book is None or self._specs[spec.id].spec_version != spec.spec_version:
            book = self._books[spec.id] = _Book(self._monotonic_ns())
            self._writer(spec).outside(blocks.BOOK, spec.id, spec.spec_version, 0)
            self._specs[spec.id] = spec
            self._add(spec, blocks.GAP, 0)
        return book

    def _add(self, spec: InstrumentSpec, kind: int, at_ns: int, side: int = 0, ticks: int = 0, lots: int = 0) -> None:
        self._writer(spec).add(kind, spec.id, spec.spec_version, at_ns, side, ticks, lots)

    def _writer(self, spec: InstrumentSpec) -> BlockWriter:
        return self._writers.setdefault(spec.exchange, BlockWriter())


def _better(side: int, ticks: int, than: int) -> bool:
    return ticks > than if side == BUY else ticks < than


def _ticks(price: Decimal, step: Decimal) -> int:
    ticks = nearest_units(price, step)
    if abs(price - ticks * step) > step * OFF_STEP:
        raise OffStep(f"{price} is no multiple of {step}")
    return ticks


def _lots(quantity: Decimal, step: Decimal) -> int:
    return int(quantity // step)
