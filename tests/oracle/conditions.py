"""What makes an order more than a limit order: stops and what sets them off, time, reduce-only, brackets and pairs.

The rules, in the order in which they are used:

1. An order due at or before a command's time expires before the command does anything.
2. The price that sets stops off is the last trade's. Where there was none yet, a stop waits.
3. A buy stop is set off by a last price at or above it, a sell stop at or below it; take profits the other way round.
   One whose condition holds when it is placed is set off at once.
4. A trailing stop keeps its distance from the best last price since it was placed, and only ever moves towards the market.
5. What is set off runs after the command that did it, the first set off first; then it is a market or a limit order.
6. A market buy spends what was held for it and no more.
7. A reduce-only order never trades past flat: the rest of it is canceled.
8. A bracket's children are born after the entry's first execution, and grow with each further one. One hold serves both:
   the take profit has it, the stop takes it over.
9. What is executed of one leg is taken off the other; the end of one by execution, or the stop's setting off, ends the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.book import Execution
from tests.oracle.words import (
    AGENT,
    BASIS_POINTS,
    DAY,
    DAY_NS,
    GTC,
    LIMIT,
    PROFIT_LEG,
    REDUCE_ONLY,
    SELL,
    STOP,
    STOP_LEG,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAIL_PERCENT,
    TRAILING_STOP,
    TRIGGERED,
    Order,
    fee_of,
)

if TYPE_CHECKING:
    from tests.oracle.house import House


# -- time -----------------------------------------------------------------------------------------------------------------


def complete(house: House, order: Order, at_ns: int) -> None:
    """A day order's end is the next midnight."""
    if order.tif == DAY:
        order.expires = (at_ns // DAY_NS + 1) * DAY_NS


def pass_time(house: House, at_ns: int) -> None:
    due = [order for order in house.orders.values() if order.expires and order.expires <= at_ns]
    for order in sorted(due, key=lambda order: (order.expires, order.order_no)):
        if order.order_no in house.orders:
            house.end(order, "C", "")


# -- what sets a stop off -------------------------------------------------------------------------------------------------


def upwards(order: Order) -> bool:
    """Whether it is a rising price that sets it off."""
    return order.buys != (order.kind in (TAKE_PROFIT, TAKE_PROFIT_LIMIT))


def holds(order: Order, last: int) -> bool:
    if not order.stop:
        return False
    return last >= order.stop if upwards(order) else last <= order.stop


def wait(house: House, order: Order) -> None:
    order.waiting = True
    last = house.last.get(order.instrument)
    if last is not None and holds(order, last):
        house.due.append((order, last))


def trail_of(order: Order, last: int) -> int:
    return last * order.trail // BASIS_POINTS if order.flags & TRAIL_PERCENT else order.trail


def trailed(order: Order, last: int) -> int:
    """Where its stop would be, were this the best price so far."""
    return last + trail_of(order, last) if order.buys else last - trail_of(order, last)


def printed(house: House, instrument: int, price: int) -> None:
    """A trade: trailing stops follow, and those reached are queued, the ones met first by the price first."""
    house.last[instrument] = price
    waiting = [
        o for o in house.orders.values() if o.waiting and o.instrument == instrument and (o, price) not in house.due
    ]
    queued = {order.order_no for order, _ in house.due}
    for order in waiting:
        if order.kind == TRAILING_STOP and order.order_no not in queued:
            follow(house, order, price)
    reached = [order for order in waiting if order.order_no not in queued and holds(order, price)]
    ups = sorted((o for o in reached if upwards(o)), key=lambda o: (o.stop, o.arrival))
    downs = sorted((o for o in reached if not upwards(o)), key=lambda o: (-o.stop, o.arrival))
    house.due += [(order, price) for order in ups + downs]


def follow(house: House, order: Order, last: int) -> None:
    stop = trailed(order, last)
    if stop > 0 and (not order.stop or (stop < order.stop if order.buys else stop > order.stop)):
        order.stop = stop
        house.tell("D", order, last_ticks=stop)


def trigger(house: House, order: Order, price: int) -> None:
    """It is a market or a limit order from here on, and its other leg is over."""
    order.waiting = False
    order.flags |= TRIGGERED
    house.tell("L", order, last_ticks=price)
    for other in house.siblings(order):
        house.end(other, "4", "OCO_OTHER_LEG")
    house.work(order)


def affordable(house: House, order: Order, met: Execution) -> int | None:
    """How many lots at this price the hold of a market buy still pays; None for orders that are not bounded by it."""
    if order.flags & AGENT or not order.buys or order.has_limit or not order.is_conditional:
        return None
    instrument, lots = house.instrument(order), met.lots
    while lots and cost(met.price, lots, instrument.quote_unit, instrument.taker_ppm) > order.hold:
        lots -= 1
    return lots


def cost(price: int, lots: int, unit: int, ppm: int) -> int:
    notional = price * lots * unit
    return notional + fee_of(notional, ppm)


# -- reduce-only ----------------------------------------------------------------------------------------------------------


def room(house: House, order: Order) -> int | None:
    """How many lots it may still trade before its position is flat; None when it may trade past it."""
    if order.flags & AGENT or not order.reduce_only:
        return None
    held = house.position(order).quantity * (1 if order.side == SELL else -1)
    return max(0, held // house.instrument(order).base_unit)


# -- brackets and pairs ---------------------------------------------------------------------------------------------------


def after_fill(house: House, order: Order, lots: int) -> None:
    """The entry's children are born or grow; what a leg traded, its other leg loses."""
    if house.is_leg(order):
        house.closed[order.parent] = house.closed.get(order.parent, 0) + lots
        for other in house.siblings(order):
            shrink(house, other, order)
    elif order.tp or order.sl:
        grow(house, order)


def shrink(house: House, other: Order, traded: Order) -> None:
    if not traded.open:
        house.end(other, "4", "OCO_OTHER_LEG")
    else:
        resize(house, other, other.filled + traded.open)


def resize(house: House, order: Order, lots: int) -> None:
    order.lots = lots
    if not holds_for_another(house, order):
        order.hold = house.required(order, order.open)
    standing = house.books[order.instrument].orders.get(order.order_no)
    if standing is not None:
        standing.lots = order.open
    house.tell("5", order)


def grow(house: House, entry: Order) -> None:
    side = 1 - entry.side
    if entry.tp:
        child(house, entry, PROFIT_LEG, LIMIT, side, entry.tp, 0)
    if entry.sl:
        child(house, entry, STOP_LEG, STOP_LIMIT if entry.sl_limit else STOP, side, entry.sl_limit, entry.sl)


def child(house: House, entry: Order, leg: int, kind: int, side: int, price: int, stop: int) -> None:
    number = entry.order_no | leg
    order = house.orders.get(number)
    closed = house.closed.get(entry.order_no, 0)
    if order is not None:
        resize(house, order, order.filled + entry.filled - closed)
        return
    born(house, entry, Order(
        number, entry.account, entry.instrument, entry.strategy, side, kind, GTC, REDUCE_ONLY, price, entry.filled, stop,
        sl=entry.sl if leg == PROFIT_LEG else 0, sl_limit=entry.sl_limit if leg == PROFIT_LEG else 0,
    ))  # fmt: skip


def pair(house: House, exit: Order) -> None:
    """The stop leg of an OCO, beside its take profit from the start."""
    kind = STOP_LIMIT if exit.sl_limit else STOP
    number = exit.order_no | STOP_LEG
    born(house, exit, Order(
        number, exit.account, exit.instrument, exit.strategy, exit.side, kind, GTC, REDUCE_ONLY, exit.sl_limit, exit.lots, exit.sl
    ))  # fmt: skip


def born(house: House, parent: Order, order: Order) -> None:
    if not holds_for_another(house, order):
        order.hold = house.required(order, order.lots)
    house.orders[order.order_no] = order
    house.tell("0", order)
    if order.is_conditional:
        wait(house, order)
    else:
        house.work(order)


def holds_for_another(house: House, order: Order) -> bool:
    """A stop leg holds nothing while the leg beside it holds for both."""
    return order.order_no & STOP_LEG != 0 and any(not o.order_no & STOP_LEG for o in house.siblings(order))


def holds_for_both(house: House, order: Order) -> bool:
    """The take profit holds what the dearer of the two could cost, while there is a stop or there will be."""
    if not (order.sl and order.reduce_only and order.kind == LIMIT):
        return False
    return order.order_no not in house.orders or order.parent | STOP_LEG in house.orders


def inherit(house: House, gone: Order, held: int) -> None:
    """The stop takes over the hold of the leg that left."""
    if not house.is_leg(gone):
        return
    for other in house.siblings(gone):
        if other.order_no & STOP_LEG:
            other.hold = house.required(other, other.open)


def hold_after_amend(house: House, order: Order) -> int:
    return 0 if holds_for_another(house, order) else house.required(order, order.open)
