"""The port of all feeds, two methods, and the events that come out of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from marketdata.domain import InstrumentSpec, Kline


class TradeSeen(NamedTuple):
    """A public trade, of which bars are built."""

    instrument_id: int
    moment_ms: int
    price: Decimal
    quantity: Decimal


class KlineSeen(NamedTuple):
    """The newest form of a bar, from a source that tells bars."""

    instrument_id: int
    interval: str
    bar: Kline


class TimeSeen(NamedTuple):
    """The source is alive and its time has come this far."""

    instrument_id: int
    moment_ms: int


class AnchorSeen(NamedTuple):
    """A replayed market stands at this price now: simulated depth belongs around it."""

    instrument_id: int
    moment_ms: int
    price: Decimal


Levels = Sequence[tuple[Decimal, Decimal]]  # (price, quantity)


class PrintSeen(NamedTuple):
    """A public trade of a market that is told to everybody else from here. `side` is the taker's."""

    instrument_id: int
    exchange_ns: int
    side: int
    price: Decimal
    quantity: Decimal


class BookSeen(NamedTuple):
    """The whole book."""

    instrument_id: int
    exchange_ns: int
    bids: Levels
    asks: Levels


class LevelsSeen(NamedTuple):
    """What now stands at these prices; quantity 0: nothing."""

    instrument_id: int
    exchange_ns: int
    bids: Levels
    asks: Levels


class TopSeen(NamedTuple):
    """The best of both sides."""

    instrument_id: int
    exchange_ns: int
    bid: tuple[Decimal, Decimal]
    ask: tuple[Decimal, Decimal]


class BookLost(NamedTuple):
    """The source cannot say any more what the book is, until it tells a whole one."""

    instrument_id: int
    exchange_ns: int


DepthEvent = PrintSeen | BookSeen | LevelsSeen | TopSeen | BookLost
Event = TradeSeen | KlineSeen | TimeSeen | AnchorSeen | DepthEvent


class Feed(Protocol):
    """A source of market data."""

    def subscribe(self, wanted: Mapping[int, InstrumentSpec]) -> None:
        """Listen to exactly these instruments from now on."""

    def events(self) -> Iterator[Event]:
        """What came since the last call, in order. Ends soon when nothing comes, so that the caller can look after
        other things; a feed that has ended for good says so by its own means.
        """
