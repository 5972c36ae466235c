"""The slow, obvious trading house: people's orders, their money, one plain rule after the other, in whole numbers.

It knows nothing of ticks in windows, slots, folds or pools; every list is walked from the start each time. Same commands,
same answers as the C core, or one of them is wrong. Time comes with each command. What is refused is in `refusals.py`, how
orders trade in `trading.py`, stops and time in `conditions.py`, brackets and pairs in `legs.py`.
"""

from __future__ import annotations

from tests.oracle import conditions, legs, refusals, trading
from tests.oracle.book import OracleBook
from tests.oracle.words import (
    AGENT,
    QTY_REMAINING,
    SELL,
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
        self.queue: list[Order] = []  # those with something due, done between commands, first come first served
        self.arrivals = 0
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

    def free(self, order: Order) -> int:
        """What the account has left of the asset this order would hold."""
        asset = self.held_asset(order)
        return self.world.totals.get((order.account, asset), 0) - self.hold(order.account, asset)

    def position(self, order: Order) -> Position:
        return self.world.positions.get((order.account, order.instrument, order.strategy), Position())

    def room(self, order: Order) -> int:
        """How many lots on this order's side until its position is flat."""
        held = self.position(order).quantity * (1 if order.side == SELL else -1)
        return max(0, held // self.instrument(order).base_unit)

    def keeps(self, order: Order, price: int, lots: int) -> int:
        """What so many lots at this price must keep back: base for a sell, cost and the dearer fee for a buy."""
        instrument = self.instrument(order)
        if order.side == SELL:
            return lots * instrument.base_unit
        notional = price * lots * instrument.quote_unit
        return notional + fee_of(notional, max(instrument.maker_ppm, instrument.taker_ppm))

    def required(self, order: Order, lots: int) -> int:
        """The same at its own price. Of two legs the take profit keeps what either could cost, the stop leg nothing."""
        price = order.price if order.has_limit else order.stop
        other = legs.sibling(self, order)
        if other is not None:
            if order.is_stop_leg:
                return 0
            price = max(price, other.price if other.has_limit else other.stop)
        return self.keeps(order, price, lots)

    # -- commands ---------------------------------------------------------------------------------------------------------

    def place(self, at_ns: int, order: Order) -> str:
        """A new order; the reason when it is refused."""
        conditions.pass_time(self, at_ns)
        order.remaining = order.lots
        if order.flags & AGENT:
            reason = self.place_agent(order)
        else:
            conditions.complete(self, order, at_ns)
            reason = refusals.of_place(self, order, at_ns)
            if reason:
                self.events.append(
                    Event("8", order.order_no, "8", reason, order.account, order.instrument, order.price, order.lots)
                )
            else:
                self.accept(order)
        conditions.settle(self)
        return reason

    def accept(self, order: Order) -> None:
        order.hold = refusals.hold_of(self, order)
        order.gives_way = trading.wants_room(self, order)
        self.open(order)
        if order.sl and order.reduce_only:
            legs.pair(self, order)
        if order.is_conditional:
            conditions.wait(self, order)
        else:
            trading.enter(self, order)

    def open(self, order: Order) -> None:
        self.arrivals += 1
        order.arrival = order.born = self.arrivals
        self.orders[order.order_no] = order
        self.tell("0", order)

    def place_agent(self, order: Order) -> str:
        """An order of the simulator's: no account, no risk, nothing told."""
        if order.price <= 0 and order.has_limit:
            return "PRICE_PRECISION"
        if order.lots <= 0:
            return "QTY_PRECISION"
        if order.order_no in self.agents or order.order_no in self.orders:
            return "ORDER_NO_REUSED"
        if not order.has_limit and not self.books[order.instrument].meets(order.side, None, order.lots):
            return "NO_LIQUIDITY"
        self.agents[order.order_no] = order
        trading.enter(self, order)
        return ""

    def cancel(self, at_ns: int, order_no: int) -> str:
        """The named order leaves. Its other leg stays: protection is never removed by surprise."""
        conditions.pass_time(self, at_ns)
        order = self.orders.get(order_no) or self.agents.get(order_no)
        if order is None:
            return "ORDER_UNKNOWN"
        self.end(order, "4", "")
        conditions.settle(self)
        return ""

    def sweep(self, at_ns: int, account: int, instrument: int, strategy: int | None, side: int | None) -> str:
        """Cancel whatever of the account passes the filters, the oldest first."""
        conditions.pass_time(self, at_ns)
        for order in list(self.orders.values()):
            if (
                order.account == account
                and instrument in (0, order.instrument)
                and strategy in (None, order.strategy)
                and side in (None, order.side)
            ):
                self.end(order, "4", "")
        conditions.settle(self)
        return ""

    def time(self, at_ns: int) -> None:
        """Only the clock moved."""
        conditions.pass_time(self, at_ns)

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
        reason = refusals.of_amend(self, order, price, total)
        if not reason:
            self.replace(order, price or order.price, total)
            conditions.settle(self)
        return reason

    def replace(self, order: Order, price: int, total: int) -> None:
        keeps_place = price == order.price and total <= order.lots
        order.price, order.lots = price, total
        order.remaining = order.open
        if order.order_no not in self.agents:
            order.hold = self.required(order, order.open)
            if not keeps_place:
                self.arrivals += 1
                order.arrival = self.arrivals
            self.tell("5", order)
            if legs.sibling(self, order) is not None:
                conditions.push(self, order, "sized")
        if order.waiting:
            return
        book = self.books[order.instrument]
        if keeps_place:
            book.orders[order.order_no].lots = order.open
            return
        del book.orders[order.order_no]
        order.gives_way = trading.wants_room(self, order)
        trading.enter(self, order)

    # -- ends and news ------------------------------------------------------------------------------------------------------

    def end(self, order: Order, letter: str, why: str) -> None:
        """It is over; whatever it held is free again, and its other leg hears of it."""
        self.books[order.instrument].orders.pop(order.order_no, None)
        if order.order_no in self.agents:
            del self.agents[order.order_no]
            return
        order.hold = 0
        del self.orders[order.order_no]
        self.tell(letter, order, why)
        if order.has_others:
            done = why == "REDUCE_ONLY_VIOLATION" or order.flags & TRIGGERED
            conditions.push(self, order, "done" if done else "left")

    def tell(self, letter: str, order: Order, why: str = "", **last: int) -> None:
        status = {"4": "4", "C": "C"}.get(letter) or ("2" if not order.open else "1" if order.filled else "0")
        self.events.append(
            Event(
                letter, order.order_no, status, why, order.account, order.instrument, order.price, order.lots, order.filled,
                order.hold, order.cost, **last,
            )
        )  # fmt: skip
