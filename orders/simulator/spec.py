"""What the simulator knows of an instrument, and how its agents trade it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

DAILY_VOLATILITY_BP = 300.0
EVENTS_PER_SECOND = 50.0
SPREAD_BP = 0.5
DEPTH_NOTIONALS = 200  # a level holds about this many times the smallest order
DEPTH_LOTS = 2_000  # where there is no smallest order to measure by
DEPTH_LOTS_MAX = 1e12  # far from what a book can count
TICKS_MIN = 160  # no cheaper than this: 20 bids must fit between the price and zero, and room to fall
TICKS_MAX = 10**15  # nor dearer: a core counts in 64 bits
DAILY_VOLATILITY_BP_MAX = 10_000.0
EVENTS_PER_SECOND_MAX = 1_000.0


class _Named(Protocol):
    name: str
    source: str


class InstrumentRow(Protocol):
    """The part of marketdata's Instrument that is read here."""

    pk: Any
    exchange: Any
    symbol: str
    spec_version: int
    tick_size: Decimal
    lot_size: Decimal
    notional_min: Decimal
    simulation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SimInstrument:
    """An instrument as the simulator sees it. `simulation` is Instrument.simulation; `replayed` instruments have no
    opinion of their own and stand still until an anchor moves them.
    """

    id: int
    exchange: str
    symbol: str
    spec_version: int
    tick_size: Decimal
    lot_size: Decimal
    notional_min: Decimal = Decimal(0)
    simulation: dict[str, Any] = field(default_factory=dict)
    replayed: bool = False

    @classmethod
    def of(cls, row: InstrumentRow) -> SimInstrument:
        """From a row of marketdata.models.Instrument, its exchange loaded."""
        return cls(
            id=int(row.pk),
            exchange=row.exchange.name,
            symbol=row.symbol,
            spec_version=row.spec_version,
            tick_size=row.tick_size,
            lot_size=row.lot_size,
            notional_min=row.notional_min,
            simulation=dict(row.simulation),
            replayed=row.exchange.source == "replay",
        )


@dataclass(frozen=True, slots=True)
class Habits:
    """How agents trade an instrument, every number filled in. Ticks and lots, floats where they are only opinions."""

    start_ticks: int
    daily_volatility_bp: float
    spread_ticks: float
    fine_spread_ticks: float  # the spread that fits the volatility, however coarse the ticks: what flow is measured in
    depth_lots: float
    events_per_second: float

    @property
    def gap_ticks(self) -> float:
        """The usual distance between two levels."""
        return max(1.0, self.spread_ticks * 0.5, self.fine_spread_ticks * 0.5)


def habits(instrument: SimInstrument) -> Habits:
    """The instrument's `simulation` with sensible numbers where it says nothing. ValueError names a number it cannot
    use.
    """
    given = instrument.simulation
    if not isinstance(given, dict):
        raise ValueError(f"simulation of {instrument.symbol} is {given!r}; it must be an object of settings")
    unknown = set(given) - {"start_price", "daily_volatility_bp", "spread_ticks", "depth_lots", "events_per_second"}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise ValueError(f"simulation of {instrument.symbol} names {names}; there is no such setting")
    tick, lot = instrument.tick_size, instrument.lot_size
    price = Decimal(str(given.get("start_price", tick * 100_000)))
    start_ticks = int(price / tick)
    if start_ticks > TICKS_MAX:
        raise ValueError(f"simulation of {instrument.symbol} starts at {price}, more than {TICKS_MAX} ticks of {tick}")
    if start_ticks < TICKS_MIN:
        raise ValueError(
            f"simulation of {instrument.symbol} starts at {price}, only {start_ticks} ticks of {tick}; "
            f"20 bids below it need at least {TICKS_MIN}: use a smaller tick_size or a higher start_price"
        )
    if "depth_lots" in given:
        depth = _positive(instrument, "depth_lots", DEPTH_LOTS)
    elif instrument.notional_min > 0:
        depth = float(instrument.notional_min * DEPTH_NOTIONALS / (price * lot))
    else:
        depth = float(DEPTH_LOTS)
    spread = _positive(instrument, "spread_ticks", start_ticks * SPREAD_BP / 10_000)
    spread = min(max(1.0, spread), max(1.0, start_ticks / 300.0))
    daily_bp = _positive(instrument, "daily_volatility_bp", DAILY_VOLATILITY_BP, DAILY_VOLATILITY_BP_MAX)
    fine = start_ticks * SPREAD_BP / 10_000 * daily_bp / DAILY_VOLATILITY_BP
    return Habits(
        start_ticks=start_ticks,
        daily_volatility_bp=daily_bp,
        spread_ticks=spread,
        fine_spread_ticks=max(0.15, fine),
        depth_lots=min(max(5.0, depth), DEPTH_LOTS_MAX),
        events_per_second=_positive(instrument, "events_per_second", EVENTS_PER_SECOND, EVENTS_PER_SECOND_MAX),
    )


def _positive(instrument: SimInstrument, name: str, default: float, most: float = math.inf) -> float:
    value = float(instrument.simulation.get(name, default))
    if not 0 < value <= most:  # said this way round, what is no number fails too
        raise ValueError(f"simulation of {instrument.symbol}: {name} was {value}, it must be above 0, at most {most:g}")
    return value
