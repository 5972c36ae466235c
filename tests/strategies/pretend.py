"""A desk on paper for testing strategies without a host: it keeps the wishes, and tells what became of them when it is
asked to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from marketdata import clock
from marketdata.domain import Kline
from marketdata.precision import decimal_text
from strategies.base import Strategy
from strategies.domain import Conditions, Market, Position, Report, Side, Signal, parse_parameters
from strategies.library.grid import LazyGrid

BTC = Market("sim", "BTC/USDT", Decimal("0.01"), Decimal("0.00001"))
MINUTE_MS = 60_000


@dataclass
class Wished:
    """An order as it was wished."""

    number: int
    side: Side
    quantity: Decimal
    price: Decimal | None

    def __str__(self) -> str:
        return f"{self.side} {decimal_text(self.quantity)} at {'market' if self.price is None else decimal_text(self.price)}"


@dataclass
class PretendDesk:
    """Keeps what was wished."""

    orders: dict[int, Wished] = field(default_factory=dict)
    cancels: list[int] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    bars: list[Kline] = field(default_factory=list)

    def klines(self, count: int) -> list[Kline]:
        return self.bars[-count:]

    def position(self) -> Position:
        return Position()

    def buy(self, quantity: Decimal, price: Decimal | None = None, conditions: Conditions | None = None) -> int:
        return self._order(Side.BUY, quantity, price)

    def sell(self, quantity: Decimal, price: Decimal | None = None, conditions: Conditions | None = None) -> int:
        return self._order(Side.SELL, quantity, price)

    def cancel(self, number: int) -> None:
        self.cancels.append(number)

    def signal(self, signal: Signal) -> None:
        self.signals.append(signal)

    def now(self) -> datetime:
        return clock.EPOCH

    def _order(self, side: Side, quantity: Decimal, price: Decimal | None) -> int:
        number = len(self.orders) + 1
        self.orders[number] = Wished(number, side, quantity, price)
        return number


class Play:
    """A grid, a desk and a market: `closes` tells of klines, `fills`, `cancels`, `refuses` of orders. The grid is made
    anew from its saved state before each event, as a host does."""

    def __init__(self, market: Market = BTC, **parameters: object) -> None:
        given = {"step": "1", "step_unit": "percent", "quantity": "0.01", **parameters}
        self.market, self.values = market, parse_parameters(LazyGrid.parameters, given)
        self.desk = PretendDesk()
        self.state: dict[str, object] = {}
        self.event(lambda grid: grid.on_start(self.desk))

    def event(self, tell) -> None:  # type: ignore[no-untyped-def]
        grid: Strategy = LazyGrid(self.values, self.market)
        grid.load(self.state)
        tell(grid)
        self.state = grid.save()

    def closes(self, *prices: str) -> list[str]:
        """Klines closing at these prices; the orders they caused."""
        before = len(self.desk.orders)
        for price in prices:
            value = Decimal(price)
            bar = Kline(len(self.desk.bars) * MINUTE_MS, value, value, value, value, Decimal(1))
            self.desk.bars.append(bar)
            self.event(lambda grid, bar=bar: grid.on_kline(self.desk, bar))
        return [str(order) for order in list(self.desk.orders.values())[before:]]

    def start_again(self) -> None:
        self.event(lambda grid: grid.on_start(self.desk))

    def fills(self, number: int, total: str | None = None) -> None:
        order = self.desk.orders[number]
        filled = order.quantity if total is None else Decimal(total)
        self._report(number, "F", "filled" if filled == order.quantity else "partially_filled", filled)

    def ends(self, number: int, status: str = "canceled", total: str = "0") -> None:
        self._report(number, "8" if status == "rejected" else "4", status, Decimal(total))

    def _report(self, number: int, exec_type: str, status: str, filled: Decimal) -> None:
        order = self.desk.orders[number]
        report = Report(number, exec_type, status, order.side, order.quantity, filled, order.price, "", clock.EPOCH)
        self.event(lambda grid: grid.on_report(self.desk, report))
