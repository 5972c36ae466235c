"""How an order trades: price, then time, at the price of whoever stood there first; and what stands in its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.oracle.book import Execution, Standing
from tests.oracle.words import (
    AGENT,
    ALLOW,
    ALLOW_SELF_TRADE,
    CANCEL_OLDEST,
    REDUCE_ONLY,
    SELL,
    TRIGGERED,
    Order,
    Position,
    fee_of,
)

if TYPE_CHECKING:
    from tests.oracle.house import House


def same_owner(house: House, order: Order, other: int) -> bool:
    if order.flags & AGENT or other in house.agents:
        return False
    return house.world.owners[house.orders[other].account] == house.world.owners[order.account]


def wants_room(house: House, order: Order) -> bool:
    """Whether its owner's own orders leave when it meets them: the account's policy, unless the order says otherwise."""
    if order.flags & (AGENT | ALLOW_SELF_TRADE):
        return False
    return house.world.limits[order.account].self_trade == CANCEL_OLDEST


def wants_room_when_triggered(house: House, order: Order) -> bool:
    """A protection that is due is never refused for meeting its owner's own: they give way, unless all is allowed."""
    return not order.flags & ALLOW_SELF_TRADE and house.world.limits[order.account].self_trade != ALLOW


# -- looking ahead --------------------------------------------------------------------------------------------------------


@dataclass
class Walk:
    """What an order would trade now, in the lots the match would do it in."""

    met: list[Execution]
    own: bool = False  # one of its owner's among them

    @property
    def lots(self) -> int:
        return sum(one.lots for one in self.met)

    def notional(self, unit: int) -> int:
        return sum(one.price * one.lots * unit for one in self.met)

    def cost(self, unit: int, ppm: int) -> int:
        return sum(n + fee_of(n, ppm) for n in (one.price * one.lots * unit for one in self.met))


def walk(house: House, order: Order, lots: int, *, gives_way: bool) -> Walk:
    found, moved = Walk([]), dict[tuple[int, int, int], int]()
    for standing in house.books[order.instrument].queue(1 - order.side):
        if found.lots == lots or beyond(order, standing):
            break
        own = same_owner(house, order, standing.order_no)
        if own and gives_way:
            continue
        traded = min(lots - found.lots, standing.lots)
        maker = house.orders.get(standing.order_no)
        if maker is not None:
            traded = would_trade(house, maker, traded, moved)
        if not order.flags & AGENT:
            note(moved, order, traded)
        found.own = found.own or (own and traded > 0)
        if traded:
            found.met.append(Execution(standing.order_no, standing.price, traded))
    return found


def beyond(order: Order, standing: Standing) -> bool:
    if not order.has_limit:
        return False
    return standing.price > order.price if order.buys else standing.price < order.price


def would_trade(house: House, maker: Order, lots: int, moved: dict[tuple[int, int, int], int]) -> int:
    """Of so many lots, as far as a reduce-only maker's position would last."""
    place = (maker.account, maker.instrument, maker.strategy)
    if maker.reduce_only:
        towards = moved.get(place, 0) if maker.side == SELL else -moved.get(place, 0)
        lots = min(lots, max(0, house.room(maker) + towards))
    note(moved, maker, lots)
    return lots


def note(moved: dict[tuple[int, int, int], int], order: Order, lots: int) -> None:
    place = (order.account, order.instrument, order.strategy)
    moved[place] = moved.get(place, 0) + (lots if order.buys else -lots)


# -- trading --------------------------------------------------------------------------------------------------------------


def enter(house: House, order: Order) -> None:
    """Trade with whatever the book has for it; what is left stands or is over."""
    book, stop = house.books[order.instrument], False
    while order.remaining > 0 and not stop:
        queue = book.queue(1 - order.side)
        if not queue or beyond(order, queue[0]):
            break
        stop = meet(house, order, queue[0])
    if order.order_no not in house.orders and order.order_no not in house.agents:
        return
    why = why_over(house, order)
    if why is None:
        book.rest(order.order_no, order.side, order.price, order.remaining)
    else:
        house.end(order, "4", why)


def why_over(house: House, order: Order) -> str | None:
    """The reason why what is left of it ends, None when it stands."""
    if order.reduce_only and house.room(order) == 0:
        return "REDUCE_ONLY_VIOLATION"
    if order.flags & (REDUCE_ONLY | TRIGGERED) and order.remaining == 0:
        return "BALANCE_INSUFFICIENT"
    if order.rests:
        return None
    return "NO_LIQUIDITY" if order.flags & TRIGGERED else ""


def meet(house: House, taker: Order, standing: Standing) -> bool:
    """One step with the first in the other queue: an execution, or somebody leaves. True when the taker may trade no more."""
    lots = min(taker.remaining, standing.lots)
    if taker.reduce_only:
        lots = min(lots, house.room(taker))
        if lots == 0:
            return True
    maker = house.orders.get(standing.order_no) or house.agents[standing.order_no]
    if taker.gives_way and same_owner(house, taker, maker.order_no):
        house.end(maker, "4", "SELF_TRADE")
        return False
    if maker.reduce_only:
        lots = min(lots, house.room(maker))
        if lots == 0:
            house.end(maker, "4", "REDUCE_ONLY_VIOLATION")
            return False
    cut = maker.reduce_only and standing.lots > lots
    execute(house, taker, maker, standing.price, lots)
    if cut and house.room(maker) == 0:
        house.end(maker, "4", "REDUCE_ONLY_VIOLATION")
    return False


def execute(house: House, taker: Order, maker: Order, price: int, lots: int) -> None:
    from tests.oracle import conditions

    house.books[taker.instrument].reduce(maker.order_no, lots)
    house.trades.append((taker.order_no, maker.order_no, price, lots))
    fill(house, taker, price, lots, taking=True)
    fill(house, maker, price, lots, taking=False)
    conditions.printed(house, taker.instrument, price)


def fill(house: House, order: Order, price: int, lots: int, *, taking: bool) -> None:
    from tests.oracle import conditions

    order.filled += lots
    order.remaining -= lots
    if order.flags & AGENT:
        if not order.open:
            del house.agents[order.order_no]
        return
    instrument = house.instrument(order)
    notional = price * lots * instrument.quote_unit
    fee = fee_of(notional, instrument.taker_ppm if taking else instrument.maker_ppm)
    order.cost += notional
    order.hold, fee = hold_after(house, order, notional, fee)
    move(house, order, lots * instrument.base_unit, notional, fee)
    house.tell("F", order, last_ticks=price, last_lots=lots, last_fee=fee)
    if not order.open:
        del house.orders[order.order_no]
    if order.has_others:
        conditions.push(house, order, "sized")
        if not order.open:
            conditions.push(house, order, "done")


def hold_after(house: House, order: Order, notional: int, fee: int) -> tuple[int, int]:
    """What it still holds, and the fee: many small fills round up more often than one hold did, and never pay more than was kept."""
    if order.side == SELL:
        left = order.open * house.instrument(order).base_unit
        return (min(left, order.hold) if order.has_terms else left), fee
    if not order.has_limit:
        return (max(0, order.hold - notional - fee) if order.open else 0), fee
    left = house.keeps(order, order.price, order.open)
    kept = order.hold - left - notional
    if 0 <= kept < fee:
        fee = kept
    if order.has_terms:
        left = min(house.required(order, order.open), max(0, order.hold - notional - fee))
    return left, fee


def move(house: House, order: Order, amount: int, notional: int, fee: int) -> None:
    instrument, totals = house.instrument(order), house.world.totals
    base, quote = (order.account, instrument.base_asset), (order.account, instrument.quote_asset)
    sign = 1 if order.buys else -1
    totals[base] = totals.get(base, 0) + sign * amount
    totals[quote] = totals.get(quote, 0) - sign * notional - fee
    place = (order.account, order.instrument, order.strategy)
    house.world.positions.setdefault(place, Position()).fill(order.side, amount, notional, fee)
