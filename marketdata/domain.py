"""What the market says, as frozen types. Pure: no Django, no bus, no clock."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class InstrumentSpec(NamedTuple):
    """What readers of market data need of an instrument."""

    id: int
    exchange: str
    symbol: str
    source: str
    tick_size: Decimal
    lot_size: Decimal
    spec_version: int
    stale_after_ms: int
    base: str = ""
    quote: str = ""


class Kline(NamedTuple):
    """One bar. A closed one never changes except by a correction; an open one is the newest of its series."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: bool = True


class Trade(NamedTuple):
    """One public print. `id` is unique for its instrument as long as the bus keeps it; side is the taker's ("buy" or
    "sell").
    """

    id: str
    ticks: int
    lots: int
    side: str
    exchange_ns: int


class Gap(NamedTuple):
    """Bars that should be there and are not: the first and the last missing open time, and how many."""

    first_ms: int
    last_ms: int
    bars: int
