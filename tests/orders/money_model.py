"""The slow, obvious book-keeper: what a sequence of fills makes of money and positions, in fractions, from the definitions.

It knows whole coins, contracts and prices as exact fractions, never the core's units, and rounds only where a definition
says so: a fee up to the smallest unit, the worth of an inverse contract to the unit against who trades.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

UNIT = 10**18  # smallest units in one whole of any asset
BUY, SELL = 0, 1


@dataclass(frozen=True)
class Market:
    """An instrument as its exchange describes it."""

    name: str
    tick: Fraction
    lot: Fraction
    kind: str = "spot"  # spot, linear, inverse
    contract_size: Fraction = Fraction(1)

    @property
    def lot_worth(self) -> Fraction:
        """What a position counts of one lot: base, or of an inverse contract quote."""
        return self.lot * self.contract_size

    def notional(self, side: int, ticks: int, lots: int) -> int:
        """What a fill is worth in smallest units of what it settles in."""
        price, size = self.tick * ticks, self.lot_worth * lots
        if self.kind != "inverse":
            exact = size * price * UNIT
            assert exact.denominator == 1
            return int(exact)
        return floor(size / price * UNIT) if side == BUY else ceil(size / price * UNIT)


@dataclass
class Position:
    """One strategy's: quantity and cost by the average, exact."""

    quantity: Fraction = Fraction(0)
    cost: Fraction = Fraction(0)  # of the open quantity, with its sign
    realised: Fraction = Fraction(0)
    fees: int = 0
    closings: int = 0  # shares of a cost taken so far: each may be rounded by less than a unit

    def fill(self, side: int, size: Fraction, notional: int, *, inverse: bool) -> None:
        step = size if side == BUY else -size
        left, worth = step, Fraction(notional)
        if self.quantity * step < 0:
            closing = min(abs(step), abs(self.quantity))
            removed = abs(self.cost) * closing / abs(self.quantity)
            came = worth * closing / abs(step)
            gained = came - removed if self.quantity > 0 else removed - came
            self.realised += -gained if inverse else gained
            self.cost -= self.cost * closing / abs(self.quantity)
            self.quantity += closing if step > 0 else -closing
            left = step - closing if step > 0 else step + closing
            worth -= came
            self.closings += 1
        self.quantity += left
        self.cost += worth if step > 0 else -worth


@dataclass
class Person:
    """Money by asset ("base", "quote", or whatever a fee was taken in) in smallest units, and positions by strategy."""

    money: dict[str, int] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)

    def add(self, asset: str, amount: int) -> None:
        self.money[asset] = self.money.get(asset, 0) + amount

    def fill(self, market: Market, strategy: int, side: int, ticks: int, lots: int, fee_ppm: int) -> None:
        """Contracts move no money here: what they realised is posted once it is known to the unit."""
        notional, size = market.notional(side, ticks, lots), market.lot_worth * lots
        position = self.positions.setdefault(strategy, Position())
        fee = ceil(Fraction(notional * fee_ppm, 10**6))
        position.fill(side, size, notional, inverse=market.kind == "inverse")
        position.fees += fee
        if market.kind == "spot":
            sign = 1 if side == BUY else -1
            self.add("base", sign * int(size * UNIT))
            self.add("quote", -sign * notional - fee)
