"""What trading realised, by method: average, first in first out, last in first out. Pure.

One fold serves all three, and every kind of instrument. Integers throughout: quantities in units of 10^-18, money in 10^-36,
so a product is exact and only shares of a whole are ever rounded; whatever the method, realised less what the open quantity
cost equals what came in less what went out, to the last unit. An inverse contract counts its quantity in quote and its worth
in base, and gains the other way round: who bought owes the base that the same quote is worth at the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal

from marketdata.precision import to_amount

METHODS = ("average", "fifo", "lifo")
MONEY_SCALE = 36
_MONEY = 10 ** (MONEY_SCALE - 18)
_WIDE = Context(prec=100)


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill: quantity signed (bought is positive) in units of 10^-18, and what it was worth in units of 10^-36."""

    quantity: int
    worth: int

    @classmethod
    def at(cls, quantity: int, price: int) -> Trade:
        """So many units at a price in units of 10^-18."""
        return cls(quantity, abs(quantity) * price)

    @classmethod
    def of(cls, side: str, cost: Decimal, quantity: Decimal) -> Trade:
        """From the columns of a fill, its quantity times the contract size. ValueError for more than 18 places."""
        units = to_amount(quantity)
        return cls(units if side == "buy" else -units, to_amount(cost) * _MONEY)


@dataclass(slots=True)
class Fold:
    """A position under one method. `lots` are (quantity, cost) still open, oldest first, all of one sign."""

    method: str
    inverse: bool = False
    realised: int = 0
    lots: deque[tuple[int, int]] = field(default_factory=deque)

    @property
    def quantity(self) -> int:
        """The open quantity, signed, in units of 10^-18."""
        return sum(quantity for quantity, _ in self.lots)

    @property
    def cost(self) -> int:
        """What the open quantity cost, signed as it is, in units of 10^-36."""
        return sum(cost for _, cost in self.lots)

    def apply(self, trade: Trade) -> int:
        """Takes one fill in; returns what it realised. A fill past flat closes first and opens the rest at its price."""
        left, worth, realised = trade.quantity, trade.worth, 0
        while left and self.lots and (self.lots[0][0] > 0) != (left > 0):
            quantity, cost = self.lots.pop() if self.method == "lifo" else self.lots.popleft()
            closing = -left if abs(left) < abs(quantity) else quantity  # signed as the lot
            share = cost if closing == quantity else _rounded(cost * closing, quantity)
            came = worth if closing == -left else _rounded(worth * abs(closing), abs(left))
            realised += (came if closing > 0 else -came) - share
            left, worth = left + closing, worth - came
            if closing != quantity:
                rest = (quantity - closing, cost - share)
                self.lots.append(rest) if self.method == "lifo" else self.lots.appendleft(rest)
        if left:
            self._open(left, worth if left > 0 else -worth)
        if self.inverse:
            realised = -realised
        self.realised += realised
        return realised

    def _open(self, quantity: int, cost: int) -> None:
        if self.method == "average" and self.lots:
            held, paid = self.lots.pop()
            self.lots.append((held + quantity, paid + cost))
        else:
            self.lots.append((quantity, cost))


def fold(method: str, trades: Iterable[Trade], *, inverse: bool = False) -> Fold:
    """All trades of one position, oldest first, under one method. ValueError for a method that is none."""
    if method not in METHODS:
        raise ValueError(f"a method is one of {', '.join(METHODS)}, was {method}")
    position = Fold(method, inverse)
    for trade in trades:
        position.apply(trade)
    return position


def money(units: int) -> Decimal:
    """Money of the fold as a Decimal, rounded half even to 18 places."""
    return Decimal(_rounded(units, 10 ** (MONEY_SCALE - 18))).scaleb(-18, _WIDE)


def _rounded(numerator: int, denominator: int) -> int:
    """The nearest integer to a ratio, halves to the even one."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return whole + (twice > denominator or (twice == denominator and whole % 2 == 1))
