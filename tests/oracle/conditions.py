"""Time, what sets a stop off, and what is done between commands.

1. An order due at or before a command's time expires before the command does anything, the first due first.
2. The price that sets stops off is the last trade's. A buy stop is set off by a last price at or above it, a sell stop at or
   below it; take profits the other way round. One whose condition holds when it is placed is set off at once.
3. A trailing stop follows the last trade at its distance, only ever towards it. A distance in basis points is rounded down
   to a tick, at least one.
4. What is to be done waits in a line until the command is over: a stop that moved is restated, one leg hears of the other,
   a triggered order becomes a market or a limit order and enters. Whoever is first in line is done with before the next.
5. Of two set off by one trade, those waiting for a fall go first, the highest first; then those waiting for a rise, the
   lowest first; at one price whoever came first.
6. A triggered market buy takes what it held, and what is free up to that, and no more; reduce-only it is cut to its position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle import legs, trading
from tests.oracle.words import (
    BASIS_POINTS,
    BUY,
    DAY,
    DAY_NS,
    FOK,
    INT64_MAX,
    SELL,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAIL_PERCENT,
    TRAILING_STOP,
    TRIGGERED,
    Order,
)

if TYPE_CHECKING:
    from tests.oracle.house import House

OF_SIBLINGS = {"sized", "done", "left"}


# -- the line -------------------------------------------------------------------------------------------------------------


def push(house: House, order: Order, what: str) -> None:
    order.due.add(what)
    if not any(one is order for one in house.queue):
        house.queue.append(order)


def settle(house: House) -> None:
    while house.queue:
        first = house.queue[0]
        step(house, first)
        if not first.due:
            house.queue.pop(0)


def step(house: House, order: Order) -> None:
    is_open = house.orders.get(order.order_no) is order
    if is_open and "moved" in order.due:
        order.due.discard("moved")
        restate(house, order)
    elif order.due & OF_SIBLINGS:
        told = order.due & OF_SIBLINGS
        order.due -= OF_SIBLINGS
        legs.follow(house, order, told)
    elif is_open and "triggered" in order.due:
        if news := next(
            (one for one in house.queue if one.due & OF_SIBLINGS and legs.sibling(house, one) is order), None
        ):
            step(house, news)  # what its other leg traded leaves it, before it acts
            return
        order.due.discard("triggered")
        trigger(house, order)
    elif is_open and "enters" in order.due:
        order.due.discard("enters")
        enter(house, order)
    else:
        order.due.clear()


# -- time -----------------------------------------------------------------------------------------------------------------


def complete(house: House, order: Order, at_ns: int) -> None:
    """What the order leaves to the house: when a day ends, where a trailing stop starts."""
    if order.tif == DAY and not order.expires:
        order.expires = (at_ns // DAY_NS + 1) * DAY_NS
    last = house.last.get(order.instrument)
    if order.kind == TRAILING_STOP and not order.stop and order.trail > 0 and last:
        stop = trailed(order, last)
        order.stop = stop if 0 < stop <= INT64_MAX else 0


def pass_time(house: House, at_ns: int) -> None:
    while due := [order for order in house.orders.values() if order.expires and order.expires <= at_ns]:
        house.end(min(due, key=lambda order: (order.expires, order.born)), "C", "")
        settle(house)


# -- what sets a stop off -------------------------------------------------------------------------------------------------


def upwards(order: Order) -> bool:
    """Whether it is a rising price that sets it off."""
    return order.buys != (order.kind in (TAKE_PROFIT, TAKE_PROFIT_LIMIT))


def reached(order: Order, last: int) -> bool:
    return last >= order.follows if upwards(order) else last <= order.follows


def wait(house: House, order: Order) -> None:
    order.waiting, order.follows = True, order.stop
    last = house.last.get(order.instrument)
    if last is not None and reached(order, last):
        fire(house, order, last)


def fire(house: House, order: Order, price: int) -> None:
    order.waiting, order.due_price = False, price
    push(house, order, "triggered")


def trailed(order: Order, last: int) -> int:
    """Where its stop would be, were this the best price so far."""
    away = max(1, last * order.trail // BASIS_POINTS if order.flags & TRAIL_PERCENT else order.trail)
    return last + away if order.buys else last - away


def printed(house: House, instrument: int, price: int) -> None:
    house.last[instrument] = price
    waiting = [order for order in house.orders.values() if order.waiting and order.instrument == instrument]
    for side in (BUY, SELL):
        trailing = [order for order in waiting if order.kind == TRAILING_STOP and order.side == side]
        for order in sorted(trailing, key=lambda order: -order.born):
            follow(house, order, price)
    hit = [order for order in waiting if reached(order, price)]
    down = sorted((o for o in hit if not upwards(o)), key=lambda o: (-o.follows, o.arrival))
    up = sorted((o for o in hit if upwards(o)), key=lambda o: (o.follows, o.arrival))
    for order in down + up:
        fire(house, order, price)


def follow(house: House, order: Order, last: int) -> None:
    stop = trailed(order, last)
    if 0 < stop <= INT64_MAX and (stop < order.follows if order.buys else stop > order.follows):
        order.follows = stop
        push(house, order, "moved")


def restate(house: House, order: Order) -> None:
    order.stop = order.follows
    order.hold = house.required(order, order.open)
    house.tell("D", order, last_ticks=order.stop)


# -- set off --------------------------------------------------------------------------------------------------------------


def trigger(house: House, order: Order) -> None:
    """Its other leg and its entry are over; it is cut to what it may and can trade."""
    legs.end_others(house, order)
    cut = order.reduce_only and not order.has_limit  # one that may stand is looked at each time it meets another
    order.remaining = min(order.open, house.room(order)) if cut else order.open
    required = house.required(order, order.open)
    means = min(order.hold + max(0, house.free(order)), required)
    if order.buys and not order.has_limit:
        order.remaining, order.hold = affordable(house, order, means)
    else:
        if required > means:
            order.remaining = 0
        order.hold = means
    order.flags |= TRIGGERED
    house.tell("L", order, last_ticks=order.due_price)
    push(house, order, "enters")


def affordable(house: House, order: Order, means: int) -> tuple[int, int]:
    """The most lots a market buy can pay, tried one by one, and what they cost."""
    instrument = house.instrument(order)
    gives_way = trading.wants_room_when_triggered(house, order)
    for lots in range(order.remaining, -1, -1):
        found = trading.walk(house, order, lots, gives_way=gives_way)
        cost = found.cost(instrument.quote_unit, instrument.taker_ppm)
        if cost <= means:
            return lots, cost
    raise AssertionError("nothing costs nothing")


def enter(house: House, order: Order) -> None:
    """A child begins to wait or to stand; a triggered order meets the book."""
    if order.is_conditional and not order.flags & TRIGGERED:
        wait(house, order)
        return
    order.gives_way = trading.wants_room_when_triggered(house, order)
    met = trading.walk(house, order, order.remaining, gives_way=order.gives_way)
    if order.tif == FOK and met.lots < order.open:
        house.end(order, "4", "FOK_UNFILLABLE")
        return
    trading.enter(house, order)
