"""Orders that hang on others: the children of a bracket's entry, and the two legs of a pair.

1. The children of an entry are born after the command that first filled it, by NEW reports: a take profit and a stop loss on
   the other side, reduce-only, of the size that was filled; and they grow with each further execution.
2. An exit with a stop loss is the take profit itself; its stop loss is born with it.
3. The two legs are of one size. What one trades leaves the other; the end of one by execution or by setting off is the end
   of the other, and of an entry that is still open.
4. One hold serves both: the take profit has what either could cost. When a person cancels a leg, or it expires, the other
   stays and holds for itself, as far as there is money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.words import (
    ALLOW_SELF_TRADE,
    GTC,
    LIMIT,
    PROFIT_LEG,
    REDUCE_ONLY,
    STOP,
    STOP_LEG,
    STOP_LIMIT,
    Order,
)

if TYPE_CHECKING:
    from tests.oracle.house import House


def sibling(house: House, order: Order) -> Order | None:
    """The other open leg, None when it has none."""
    if order.is_stop_leg:
        other = house.orders.get(order.parent | PROFIT_LEG) or house.orders.get(order.parent)
        return other if other is not None and (other.is_child or other.reduce_only) else None
    if order.is_child or (order.reduce_only and order.sl):
        return house.orders.get(order.parent | STOP_LEG)
    return None


def follow(house: House, order: Order, told: set[str]) -> None:
    """Something happened to an entry or a leg: those that hang on it hear of it."""
    if "sized" in told and not order.reduce_only:
        entry_filled(house, order)
    if "done" in told:
        end_others(house, order)
        return
    other = sibling(house, order)
    if other is None:
        return
    if house.orders.get(order.order_no) is order:
        resize(house, other, order.open)
    elif "left" in told:
        resize(house, other, other.open)  # alone now, it holds for itself


def end_others(house: House, order: Order) -> None:
    other = sibling(house, order)
    if other is not None:
        house.end(other, "4", "OCO_OTHER_LEG")
    entry = house.orders.get(order.parent)
    if order.is_child and entry is not None and not entry.reduce_only:
        house.end(entry, "4", "OCO_OTHER_LEG")


def resize(house: House, order: Order, lots: int) -> None:
    """So many lots open from now on, holding what there is of what they require. Growing loses the place in the queue."""
    hold = min(house.required(order, lots), order.hold + max(0, house.free(order)))
    if lots == order.open and hold == order.hold:
        return
    grows = lots > order.open
    order.lots, order.remaining, order.hold = order.filled + lots, lots, hold
    if grows:
        house.arrivals += 1
        order.arrival = house.arrivals
    house.tell("5", order)
    book = house.books[order.instrument]
    standing = book.orders.get(order.order_no)
    if standing is not None and grows:
        del book.orders[order.order_no]
        book.rest(order.order_no, order.side, order.price, lots)
    elif standing is not None:
        standing.lots = lots


# -- births ---------------------------------------------------------------------------------------------------------------


def pair(house: House, exit: Order) -> None:
    """The stop leg of an exit, which holds for it."""
    kind = STOP_LIMIT if exit.sl_limit else STOP
    bear(house, exit, Order(
        exit.order_no | STOP_LEG, exit.account, exit.instrument, exit.strategy, exit.side, kind, exit.tif, 0, exit.sl_limit,
        exit.open, exit.sl, expires=exit.expires,
    ), 0)  # fmt: skip


def bear(house: House, parent: Order, child: Order, hold: int) -> None:
    from tests.oracle import conditions

    child.flags = REDUCE_ONLY | (parent.flags & ALLOW_SELF_TRADE)
    child.remaining, child.hold = child.lots, hold
    house.open(child)
    conditions.push(house, child, "enters")


def entry_filled(house: House, entry: Order) -> None:
    more = entry.filled - entry.sized
    entry.sized = entry.filled
    if more <= 0 or not (entry.tp or entry.sl):
        return
    profit, stop = (house.orders.get(entry.order_no | bit) for bit in (PROFIT_LEG, STOP_LEG))
    if not entry.bore:
        bear_both(house, entry, entry.filled)
        return
    if profit is not None:
        grow(house, profit, affordable(house, profit, entry.tp, profit.open + more, profit.hold))
    if stop is not None:
        lots = (
            profit.open
            if profit is not None
            else affordable(house, stop, stop_price(entry), stop.open + more, stop.hold)
        )
        grow(house, stop, lots)


def grow(house: House, leg: Order, lots: int) -> None:
    if lots > leg.open:
        resize(house, leg, lots)


def stop_price(entry: Order) -> int:
    """What its stop loss is held at."""
    return entry.sl_limit or entry.sl


def affordable(house: House, leg: Order, price: int, lots: int, held: int) -> int:
    """The most lots that what it holds and what is free can hold at this price, tried one by one."""
    means = held + max(0, house.free(leg))
    return next(n for n in range(lots, -1, -1) if house.keeps(leg, price, n) <= means)


def bear_both(house: House, entry: Order, lots: int) -> None:
    side, words = 1 - entry.side, (entry.account, entry.instrument, entry.strategy)
    profit = Order(entry.order_no | PROFIT_LEG, *words, side, LIMIT, GTC, 0, entry.tp, lots)
    kind = STOP_LIMIT if entry.sl_limit else STOP
    stop = Order(entry.order_no | STOP_LEG, *words, side, kind, GTC, 0, entry.sl_limit, lots, entry.sl)
    budget = max(0, house.free(stop))
    lots = affordable(house, stop, entry.tp or stop_price(entry), lots, 0)
    if lots == 0:
        return
    entry.bore = True
    profit.lots = stop.lots = lots
    hold = house.keeps(stop, entry.tp or stop_price(entry), lots)
    if entry.tp and entry.sl:
        hold = max(hold, min(house.keeps(stop, stop_price(entry), lots), budget))
    if entry.tp:
        bear(house, entry, profit, hold)
    if entry.sl:
        bear(house, entry, stop, 0 if entry.tp else hold)
