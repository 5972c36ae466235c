"""The slow, obvious trading house: people's orders, their money, one plain rule after the other, in whole numbers.

It knows nothing of ticks in windows, slots, folds or pools; every list is walked from the start each time. Same commands,
same answers as the C core, or one of them is wrong. Time comes with each command. The rules of conditions are in
`conditions.py`, what is refused in `refusals.py`.
"""

from __future__ import annotations

from tests.oracle import conditions, refusals
from tests.oracle.book import Execution, OracleBook
from tests.oracle.words import (
    AGENT,
    ALLOW_SELF_TRADE,
    CANCEL_OLDEST,
    LIMIT,
    PROFIT_LEG,
    QTY_REMAINING,
    SELL,
    STOP_LEG,
    TRIGGERED,
    Event,
    Instrument,
    Limits,
    Order,
    Position,
    World,
    fee_of,
)


class House:
    def __init__(self) -> None:
        self.world = World()
        self.books: dict[int, OracleBook] = {}
        self.orders: dict[int, Order] = {}  # open ones, in the order of their arrival
        self.agents: dict[int, Order] = {}
        self.last: dict[int, int] = {}  # instrument -> price of the last trade
        self.due: list[tuple[Order, int]] = []  # triggered, and the price that did it, to be run between commands
        self.closed: dict[int, int] = {}  # bracket -> lots its legs have traded
        self.trades: list[tuple[int, int, int, int]] = []
        self.events: list[Event] = []

    # -- what it is told --------------------------------------------------------------------------------------------------

    def add_instrument(self, number: int, instrument: Instrument) -> None:
        self.world.instruments[number] = instrument
        self.books.setdefault(number, OracleBook())

    def add_account(self, number: int, owner: int, limits: Limits | None) -> None:
        self.world.owners[number] = owner
        if limits is not None:
            self.world.limits[number] = limits

    def post(self, account: int, asset: int, amount: int) -> None:
        self.world.totals[account, asset] = self.world.totals.get((account, asset), 0) + amount

    def set_halt(self, scope: int, key: int, state: int) -> None:
        self.world.halts[scope, key] = state

    # -- money ------------------------------------------------------------------------------------------------------------

    def instrument(self, order: Order) -> Instrument:
        return self.world.instruments[order.instrument]

    def held_asset(self, order: Order) -> int:
        return self.instrument(order).quote_asset if order.buys else self.instrument(order).base_asset

    def hold(self, account: int, asset: int) -> int:
        return sum(o.hold for o in self.orders.values() if o.account == account and self.held_asset(o) == asset)

    def free(self, account: int, asset: int) -> int:
        return self.world.totals.get((account, asset), 0) - self.hold(account, asset)

    def position(self, order: Order) -> Position:
        return self.world.positions.get((order.account, order.instrument, order.strategy), Position())

    def required(self, order: Order, lots: int) -> int:
        """What so many lots at the order's own price must keep back: base for a sell, cost and the dearer fee for a buy."""
        instrument = self.instrument(order)
        if order.side == SELL:
            return lots * instrument.base_unit
        price = order.price if order.has_limit else order.stop
        if conditions.holds_for_both(self, order):
            price = max(price, order.sl_limit or order.sl)
        notional = price * lots * instrument.quote_unit
        return notional + fee_of(notional, max(instrument.maker_ppm, instrument.taker_ppm))

    def price_of_walk(self, order: Order, lots: int) -> int:
        """What so many lots cost in the book as it stands, fees included."""
        instrument = self.instrument(order)
        limit = order.price if order.has_limit else None
        notionals = [m.price * m.lots * instrument.quote_unit for m in self.meets(order, limit, lots)]
        return sum(n + fee_of(n, instrument.taker_ppm) for n in notionals)

    # -- commands ---------------------------------------------------------------------------------------------------------

    def place(self, at_ns: int, order: Order) -> str:
        """A new order; the reason when it is refused."""
        conditions.pass_time(self, at_ns)
        conditions.complete(self, order, at_ns)
        if order.flags & AGENT:
            return self.place_agent(order)
        reason = refusals.of_place(self, order, at_ns)
        if reason:
            self.events.append(
                Event(
                    "8", order.order_no, "8", reason, order.account, order.instrument, order.price, order.lots, 0, 0, 0
                )
            )
            return reason
        order.hold = refusals.hold_of(self, order, order.lots)
        self.orders[order.order_no] = order
        self.tell("0", order)
        if self.is_leg(order):
            conditions.pair(self, order)
        if order.is_conditional:
            conditions.wait(self, order)
        else:
            self.work(order)
        self.settle()
        return ""

    def place_agent(self, order: Order) -> str:
        """An order of the simulator's: no account, no risk, nothing told."""
        if order.price <= 0 and order.has_limit:
            return "PRICE_PRECISION"
        if order.lots <= 0:
            return "QTY_PRECISION"
        if order.order_no in self.agents or order.order_no in self.orders:
            return "ORDER_NO_REUSED"
        if not order.has_limit and not self.meets(order, None, order.lots):
            return "NO_LIQUIDITY"
        self.agents[order.order_no] = order
        self.work(order)
        self.settle()
        return ""

    def cancel(self, at_ns: int, order_no: int) -> str:
        """The named order leaves. A bracket's other leg stays: protection is never removed by surprise."""
        conditions.pass_time(self, at_ns)
        if order_no in self.agents:
            self.end(self.agents[order_no], "4", "")
            return ""
        order = self.orders.get(order_no)
        if order is None:
            return "ORDER_UNKNOWN"
        self.end(order, "4", "")
        return ""

    def sweep(self, at_ns: int, account: int, instrument: int, strategy: int | None, side: int | None) -> str:
        """Cancel whatever of the account passes the filters, the newest first."""
        conditions.pass_time(self, at_ns)
        for order in list(reversed(self.orders.values())):
            if (
                order.account == account
                and instrument in (0, order.instrument)
                and strategy in (None, order.strategy)
                and side in (None, order.side)
                and order.order_no in self.orders
            ):
                self.end(order, "4", "")
        return ""

    def time(self, at_ns: int) -> None:
        """Only the clock moved."""
        conditions.pass_time(self, at_ns)
        self.settle()

    def amend(self, at_ns: int, order_no: int, flags: int, price: int, lots: int) -> str:
        """Another price or total quantity. The place in the queue is kept only by shrinking at the same price."""
        conditions.pass_time(self, at_ns)
        order = self.orders.get(order_no) or self.agents.get(order_no)
        if order is None:
            return "ORDER_UNKNOWN"
        if lots <= 0:
            return "QTY_PRECISION"
        total = lots + order.filled if flags & QTY_REMAINING else lots
        if total <= order.filled:
            return "QTY_BELOW_FILLED"
        reason = refusals.of_amend(self, order, price or order.price, total)
        if reason:
            return reason
        self.replace(order, price or order.price, total)
        self.settle()
        return ""

    def replace(self, order: Order, price: int, total: int) -> None:
        keeps_place = price == order.price and total <= order.lots
        order.price, order.lots = price, total
        if order.order_no not in self.agents:
            order.hold = conditions.hold_after_amend(self, order)
            self.tell("5", order)
        if order.waiting:
            return
        book = self.books[order.instrument]
        if keeps_place:
            book.orders[order.order_no].lots = order.open
            return
        del book.orders[order.order_no]
        self.work(order)

    # -- trading ----------------------------------------------------------------------------------------------------------

    def meets(self, order: Order, limit: int | None, lots: int) -> list[Execution]:
        """What the order would trade now, its owner's own orders left out where they would be canceled."""
        book = self.books[order.instrument]
        if not self.cancels_own(order):
            return book.meets(order.side, limit, lots)
        apart = OracleBook()
        apart.orders = {n: s for n, s in book.orders.items() if not self.same_owner(order, n)}
        return apart.meets(order.side, limit, lots)

    def same_owner(self, order: Order, other: int) -> bool:
        if order.flags & AGENT or other in self.agents:
            return False
        return self.world.owners[self.orders[other].account] == self.world.owners[order.account]

    def cancels_own(self, order: Order) -> bool:
        if order.flags & (AGENT | ALLOW_SELF_TRADE):
            return False
        return self.world.limits[order.account].self_trade == CANCEL_OLDEST

    def work(self, order: Order) -> None:
        """Trade with whatever the book has for it; what is left stands or is over."""
        book, limit = self.books[order.instrument], order.price if order.has_limit else None
        why = ""
        while order.open and not why:
            met = book.meets(order.side, limit, order.open)
            if not met:
                break
            why = self.trade(order, met[0])
        if order.order_no not in self.orders and order.order_no not in self.agents:
            return
        if not order.open:
            return
        if order.rests and not why:
            book.rest(order.order_no, order.side, order.price, order.open)
        else:
            self.end(order, "4", why or ("NO_LIQUIDITY" if order.flags & TRIGGERED else ""))

    def trade(self, taker: Order, met: Execution) -> str:
        """One step: an execution, or something in the way of it. The reason why the taker must stop, '' to go on."""
        maker = self.orders.get(met.maker) or self.agents[met.maker]
        if self.cancels_own(taker) and self.same_owner(taker, met.maker):
            self.end(maker, "4", "SELF_TRADE")
            return ""
        room = conditions.room(self, maker)
        if room is not None and room <= 0:
            self.end(maker, "4", "REDUCE_ONLY_VIOLATION")
            return ""
        lots = min(
            n
            for n in (met.lots, room, conditions.room(self, taker), conditions.affordable(self, taker, met))
            if n is not None
        )
        if lots <= 0:
            return "REDUCE_ONLY_VIOLATION" if taker.reduce_only else "BALANCE_INSUFFICIENT"
        self.books[taker.instrument].reduce(maker.order_no, lots)
        self.trades.append((taker.order_no, maker.order_no, met.price, lots))
        self.fill(taker, met.price, lots, taking=True)
        self.fill(maker, met.price, lots, taking=False)
        conditions.printed(self, taker.instrument, met.price)
        return ""

    def fill(self, order: Order, price: int, lots: int, *, taking: bool) -> None:
        order.filled += lots
        if order.flags & AGENT:
            if not order.open:
                del self.agents[order.order_no]
            return
        instrument = self.instrument(order)
        notional, amount = price * lots * instrument.quote_unit, lots * instrument.base_unit
        fee = fee_of(notional, instrument.taker_ppm if taking else instrument.maker_ppm)
        order.cost += notional
        counted = order.has_limit or order.side == SELL
        left = self.required(order, order.open) if counted else order.hold - notional - fee
        if order.has_limit and order.buys:
            fee = min(fee, order.hold - left - notional)  # no fee takes more than was kept for it
        if not conditions.holds_for_another(self, order):
            order.hold = left if order.open else 0
        self.move(order, amount, notional, fee)
        self.tell("F", order, last_ticks=price, last_lots=lots, last_fee=fee)
        if not order.open:
            del self.orders[order.order_no]
        conditions.after_fill(self, order, lots)

    def move(self, order: Order, amount: int, notional: int, fee: int) -> None:
        instrument, totals = self.instrument(order), self.world.totals
        base, quote = (order.account, instrument.base_asset), (order.account, instrument.quote_asset)
        sign = 1 if order.buys else -1
        totals[base] = totals.get(base, 0) + sign * amount
        totals[quote] = totals.get(quote, 0) - sign * notional - fee
        place = (order.account, order.instrument, order.strategy)
        self.world.positions.setdefault(place, Position()).fill(order.side, amount, notional, fee)

    def end(self, order: Order, letter: str, why: str) -> None:
        """It is over; whatever it held is free again."""
        self.books[order.instrument].orders.pop(order.order_no, None)
        if order.order_no in self.agents:
            del self.agents[order.order_no]
            return
        held, order.hold = order.hold, 0
        del self.orders[order.order_no]
        conditions.inherit(self, order, held)
        self.tell(letter, order, why)

    def settle(self) -> None:
        """Between commands: whatever was triggered runs, one after the other, until nothing is due."""
        while self.due:
            order, price = self.due.pop(0)
            if order.order_no in self.orders:
                conditions.trigger(self, order, price)

    def tell(self, letter: str, order: Order, why: str = "", **last: int) -> None:
        status = {"4": "4", "C": "C"}.get(letter) or ("2" if not order.open else "1" if order.filled else "0")
        self.events.append(
            Event(
                letter, order.order_no, status, why, order.account, order.instrument, order.price, order.lots, order.filled,
                order.hold, order.cost, **last,
            )
        )  # fmt: skip

    def siblings(self, order: Order) -> list[Order]:
        """The other open orders of its bracket or pair, itself and the entry left out."""
        legs = (order.parent, order.parent | PROFIT_LEG, order.parent | STOP_LEG)
        return [
            self.orders[n] for n in legs if n in self.orders and n != order.order_no and self.is_leg(self.orders[n])
        ]

    @staticmethod
    def is_leg(order: Order) -> bool:
        """One of the two that end each other: a child, or the limit leg of an OCO."""
        return order.order_no != order.parent or (order.reduce_only and bool(order.sl) and order.kind == LIMIT)
