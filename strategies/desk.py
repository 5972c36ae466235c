"""The port a strategy holds: everything it may see and do. Pure.

A desk answers as of the event being handled, so a strategy that asks only its desk does the same on the same events,
live or on replay. Orders are wishes until the event is over: the host saves them together with the strategy's state,
and sends them after that.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from marketdata.domain import Kline
from strategies.domain import Conditions, Position, Signal


class Desk(Protocol):
    """What the host (live) and the backtester give to a strategy, one per event."""

    def klines(self, count: int) -> list[Kline]:
        """The newest `count` closed klines up to the event, oldest first; fewer when there are no more."""

    def position(self) -> Position:
        """What this strategy holds, as of the newest report it was told of."""

    def buy(self, quantity: Decimal, price: Decimal | None = None, conditions: Conditions | None = None) -> int:
        """Wish to buy; a limit order (good till canceled) at `price`, a market order without, another type or more by
        `conditions`. Gives the order's number in the run."""

    def sell(self, quantity: Decimal, price: Decimal | None = None, conditions: Conditions | None = None) -> int:
        """Wish to sell, as `buy`."""

    def cancel(self, number: int) -> None:
        """Wish that the run's order `number` be canceled. What became of it comes as a report; one already ended is
        left alone, and so are the take profit and stop loss that followed what it filled: they close what is held."""

    def signal(self, signal: Signal) -> None:
        """Write down an opinion for people to see."""

    def now(self) -> datetime:
        """When the event happened: a kline's close, a report's time. Never the wall clock."""
