"""The slow, obvious trading house: books and accounts in big integers, one plain rule after the other.

It knows nothing of ticks in windows, slots or folds. Same commands, same answers as the C core, or one of them is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.oracle.book import BUY, SELL, OracleBook

LIMIT, MARKET = 0, 1
GTC, IOC = 0, 1
PPM = 1_000_000
AMOUNT_MAX = 10**36


def fee_of(notional: int, ppm: int) -> int:
    return -(-notional * ppm // PPM)


@dataclass(frozen=True)
class Instrument:
    base_asset: int
    quote_asset: int
    base_unit: int = 1
    quote_unit: int = 1
    quantity_min: int = 1
    quantity_max: int = 0
    notional_min: int = 0
    maker_ppm: int = 0
    taker_ppm: int = 0


@dataclass(frozen=True)
class Limits:
    open_orders: int = 0
    open_orders_here: int = 0
    notional_max: int = 0
    self_trade_allowed: bool = False


@dataclass
class Order:
    order_no: int
    account: int
    instrument: int
    strategy: int
    side: int
    kind: int
    price: int
    lots: int
    filled: int = 0
    hold: int = 0
    cost: int = 0

    @property
    def open(self) -> int:
        return self.lots - self.filled


@dataclass
class Position:
    quantity: int = 0
    cost: int = 0
    realised: int = 0
    fees: int = 0

    def fill(self, side: int, amount: int, notional: int, fee: int) -> None:
        """Average cost; what rounding leaves stays with the open part."""
        sign = 1 if side == BUY else -1
        self.fees += fee
        if self.quantity * sign < 0:
            held = abs(self.quantity)
            closing = min(held, amount)
            closing_notional = notional * closing // amount
            removed = abs(self.cost) * closing // held
            self.realised += closing_notional - removed if side == SELL else removed - closing_notional
            self.quantity += sign * closing
            self.cost += sign * removed
            amount -= closing
            notional -= closing_notional
        self.quantity += sign * amount
        self.cost += sign * notional


class OracleHouse:
    def __init__(self) -> None:
        self.instruments: dict[int, Instrument] = {}
        self.books: dict[int, OracleBook] = {}
        self.owners: dict[int, int] = {}
        self.limits: dict[int, Limits] = {}
        self.totals: dict[tuple[int, int], int] = {}
        self.orders: dict[int, Order] = {}
        self.positions: dict[tuple[int, int, int], Position] = {}
        self.trades: list[tuple[int, int, int, int]] = []

    def add_instrument(self, number: int, instrument: Instrument) -> None:
        self.instruments[number] = instrument
        self.books[number] = OracleBook()

    def hold(self, account: int, asset: int) -> int:
        return sum(o.hold for o in self.orders.values() if o.account == account and self.held_asset(o) == asset)

    def held_asset(self, order: Order) -> int:
        instrument = self.instruments[order.instrument]
        return instrument.quote_asset if order.side == BUY else instrument.base_asset

    def free(self, account: int, asset: int) -> int:
        return self.totals.get((account, asset), 0) - self.hold(account, asset)

    def required(self, order: Order, lots: int) -> int:
        instrument = self.instruments[order.instrument]
        if order.side == SELL:
            return lots * instrument.base_unit
        notional = order.price * lots * instrument.quote_unit
        return notional + fee_of(notional, max(instrument.maker_ppm, instrument.taker_ppm))

    def refusal(self, order: Order, lots: int, held: int, *, new: bool) -> str:
        """The first control that says no, '' when none does. `lots` would stand or trade, `held` is given back first."""
        instrument, book, limits = (
            self.instruments[order.instrument],
            self.books[order.instrument],
            self.limits[order.account],
        )
        limit = order.price if order.kind == LIMIT else None
        if order.kind == LIMIT and order.price <= 0:
            return "PRICE_PRECISION"
        if lots <= 0:
            return "QTY_PRECISION"
        if lots < instrument.quantity_min:
            return "QTY_MIN"
        if instrument.quantity_max and lots > instrument.quantity_max:
            return "QTY_MAX"
        meets = book.meets(order.side, limit, lots)
        walk = sum(m.price * m.lots * instrument.quote_unit for m in meets)
        notional = order.price * lots * instrument.quote_unit if order.kind == LIMIT else walk
        if notional > AMOUNT_MAX:
            return "NUMBER_OVERFLOW"
        nothing = order.kind == MARKET and not meets
        if notional < instrument.notional_min and not nothing:
            return "NOTIONAL_MIN"
        if limits.notional_max and notional > limits.notional_max:
            return "NOTIONAL_MAX"
        if lots * instrument.base_unit > AMOUNT_MAX:
            return "NUMBER_OVERFLOW"
        if self.needed(order, lots) - held > self.free(order.account, self.held_asset(order)):
            return "BALANCE_INSUFFICIENT"
        mine = [o for o in self.orders.values() if o.account == order.account]
        here = [o for o in mine if o.instrument == order.instrument]
        if new and limits.open_orders and len(mine) >= limits.open_orders:
            return "OPEN_ORDERS_MAX"
        if new and limits.open_orders_here and len(here) >= limits.open_orders_here:
            return "OPEN_ORDERS_MAX"
        owner = self.owners[order.account]
        if not limits.self_trade_allowed and any(self.owners[self.orders[m.maker].account] == owner for m in meets):
            return "SELF_TRADE"
        return "NO_LIQUIDITY" if nothing else ""

    def needed(self, order: Order, lots: int) -> int:
        if order.kind == LIMIT or order.side == SELL:
            return self.required(order, lots)
        instrument = self.instruments[order.instrument]
        notionals = [
            m.price * m.lots * instrument.quote_unit for m in self.books[order.instrument].meets(BUY, None, lots)
        ]
        return sum(n + fee_of(n, instrument.taker_ppm) for n in notionals)

    def place(self, order: Order, tif: int) -> str:
        reason = self.refusal(order, order.lots, 0, new=True)
        if not reason and order.order_no in self.orders:
            reason = "ORDER_NO_REUSED"
        if reason:
            return reason
        order.hold = self.needed(order, order.lots)
        self.orders[order.order_no] = order
        self.run(order, order.lots, rests=order.kind == LIMIT and tif == GTC)
        return ""

    def run(self, taker: Order, lots: int, *, rests: bool) -> None:
        book = self.books[taker.instrument]
        for met in book.meets(taker.side, taker.price if taker.kind == LIMIT else None, lots):
            maker = self.orders[met.maker]
            book.reduce(met.maker, met.lots)
            lots -= met.lots
            self.trades.append((taker.order_no, met.maker, met.price, met.lots))
            self.fill(taker, met.price, met.lots, taking=True)
            self.fill(maker, met.price, met.lots, taking=False)
        if lots and rests:
            book.rest(taker.order_no, taker.side, taker.price, lots)
        elif lots:
            del self.orders[taker.order_no]

    def fill(self, order: Order, price: int, lots: int, *, taking: bool) -> None:
        instrument = self.instruments[order.instrument]
        notional, amount = price * lots * instrument.quote_unit, lots * instrument.base_unit
        fee = fee_of(notional, instrument.taker_ppm if taking else instrument.maker_ppm)
        order.filled += lots
        order.cost += notional
        left = (
            self.required(order, order.open)
            if order.kind == LIMIT or order.side == SELL
            else order.hold - notional - fee
        )
        if order.kind == LIMIT and order.side == BUY:
            fee = min(fee, order.hold - left - notional)  # no fee takes more than was kept for it
        order.hold = left if order.open else 0
        base, quote = (order.account, instrument.base_asset), (order.account, instrument.quote_asset)
        sign = 1 if order.side == BUY else -1
        self.totals[base] = self.totals.get(base, 0) + sign * amount
        self.totals[quote] = self.totals.get(quote, 0) - sign * notional - fee
        key = (order.account, order.instrument, order.strategy)
        self.positions.setdefault(key, Position()).fill(order.side, amount, notional, fee)
        if not order.open:
            del self.orders[order.order_no]

    def cancel(self, order_no: int) -> str:
        order = self.orders.pop(order_no, None)
        if order is None:
            return "ORDER_UNKNOWN"
        del self.books[order.instrument].orders[order_no]
        return ""

    def amend(self, order_no: int, price: int, total: int) -> str:
        order = self.orders.get(order_no)
        if order is None:
            return "ORDER_UNKNOWN"
        if total <= 0:
            return "QTY_PRECISION"
        if total <= order.filled:
            return "QTY_BELOW_FILLED"
        book, lots = self.books[order.instrument], total - order.filled
        wanted = Order(
            order_no, order.account, order.instrument, order.strategy, order.side, LIMIT, price or order.price, lots
        )
        reason = self.refusal(wanted, lots, order.hold, new=False)
        if reason:
            return reason
        keeps_priority = wanted.price == order.price and lots <= order.open
        order.price, order.lots = wanted.price, total
        order.hold = self.required(order, lots)
        if keeps_priority:
            book.orders[order_no].lots = lots
            return ""
        del book.orders[order_no]
        self.run(order, lots, rests=True)
        return ""
