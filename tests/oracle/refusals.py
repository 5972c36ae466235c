"""What an order may be refused for, in the order in which the reasons are looked for. Nothing changes here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.oracle import legs, trading
from tests.oracle.words import (
    ACTIVE,
    ALLOW_SELF_TRADE,
    AMOUNT_MAX,
    BASIS_POINTS,
    DAY,
    FOK,
    GTD,
    HALTED,
    INT64_MAX,
    IOC,
    LIMIT,
    MARKET,
    POST_ONLY,
    REJECT_NEWEST,
    SECOND_NS,
    SELL,
    TRAIL_PERCENT,
    TRAILING_STOP,
    Order,
)

if TYPE_CHECKING:
    from tests.oracle.house import House


def of_place(house: House, order: Order, at_ns: int) -> str:
    """The first control that says no to a new order, '' when none does."""
    return next((reason for reason in _new(house, order, at_ns) if reason), "")


def of_amend(house: House, order: Order, price: int, total: int) -> str:
    """The same for an order as it would be. Counts are for new ones, and it gives back what it holds before it takes."""
    left = total - order.filled
    wanted = replace(order, price=price or order.price, lots=left, filled=0, remaining=left)
    return next((reason for reason in _changed(house, order, wanted, price) if reason), "")


def _new(house: House, order: Order, at_ns: int) -> Iterator[str]:
    yield from _halts(house, order)
    if order.instrument not in house.world.instruments:
        yield "INSTRUMENT_UNKNOWN"
    if order.account not in house.world.owners:
        yield "ACCOUNT_UNKNOWN"
    if order.account not in house.world.limits:
        yield "LIMITS_MISSING"
    yield from _shape(order)
    yield from _terms(house, order, at_ns)
    yield from _quantity(house, order)
    yield from _notional(house, order)
    yield from _balance(house, order, hold_of(house, order), 0)
    yield from _counts(house, order)
    yield from _self_trade(house, order)
    yield from _reduce_only(house, order)
    yield from _book(house, order)
    yield from _market(house, order, 0)
    if order.order_no in house.orders or order.order_no in house.agents:
        yield "ORDER_NO_REUSED"


def _changed(house: House, order: Order, wanted: Order, price: int) -> Iterator[str]:
    if order.order_no in house.agents:
        yield "PRICE_PRECISION" if wanted.price <= 0 else ""
        return
    if order.waiting and not order.has_limit and price:
        yield "TERMS_INVALID"  # it has no limit to change
    if order.is_stop_leg and legs.sibling(house, order) and wanted.lots > order.remaining:
        yield "TERMS_INVALID"  # its take profit holds for both
    as_limit = wanted if order.waiting else replace(wanted, kind=LIMIT)
    yield from _halts(house, wanted)
    yield from _shape(as_limit)
    yield from _quantity(house, as_limit)
    yield from _notional(house, as_limit)
    yield from _balance(house, wanted, house.keeps(wanted, price_of(as_limit), wanted.lots), order.hold)
    yield from _self_trade(house, as_limit)
    yield from _market(house, as_limit, order.remaining)
    yield from _balance(house, wanted, house.required(wanted, wanted.lots), order.hold)
    yield from _between(house, order, wanted.price)
    yield from _reduce_only(house, wanted)
    yield from _book(house, as_limit)


def _halts(house: House, order: Order) -> Iterator[str]:
    world = house.world
    keys = [
        (0, 0),
        (2, world.owners.get(order.account, 0)),
        (3, order.account),
        (4, order.strategy),
        (5, order.instrument),
    ]
    worst = max(world.halts.get(key, ACTIVE) for key in keys)
    if worst == HALTED:
        yield "TRADING_HALTED"
    elif worst != ACTIVE and not _reduces(house, order):
        yield "TRADING_REDUCING"


def _reduces(house: House, order: Order) -> bool:
    """With every open order of its kind filled, the strategy's position would still not have passed zero."""
    if order.instrument not in house.world.instruments:
        return False
    held = house.position(order).quantity * (1 if order.side == SELL else -1)
    alike = [
        o for o in house.orders.values()
        if (o.account, o.instrument, o.strategy, o.side) == (order.account, order.instrument, order.strategy, order.side)
        and o.order_no != order.order_no
    ]  # fmt: skip
    return held > 0 and (order.lots + sum(o.open for o in alike)) <= held // house.instrument(order).base_unit


def _shape(order: Order) -> Iterator[str]:
    if order.side > 1 or order.kind > TRAILING_STOP:
        yield "TYPE_UNSUPPORTED"
    if order.tif > GTD:
        yield "TIF_UNSUPPORTED"
    if order.has_limit and order.price <= 0:
        yield "PRICE_PRECISION"
    if order.lots <= 0:
        yield "QTY_PRECISION"


def _quantity(house: House, order: Order) -> Iterator[str]:
    instrument = house.instrument(order)
    if order.lots < instrument.quantity_min:
        yield "QTY_MIN"
    if instrument.quantity_max and order.lots > instrument.quantity_max:
        yield "QTY_MAX"


def _terms(house: House, order: Order, at_ns: int) -> Iterator[str]:
    """Combinations that mean something."""
    percent = bool(order.flags & TRAIL_PERCENT)
    if order.flags & POST_ONLY and (order.kind != LIMIT or order.tif in (IOC, FOK)):
        yield "TERMS_INVALID"
    if order.is_conditional and order.stop <= 0:
        yield "STOP_PRICE_INVALID"
    if not order.is_conditional and order.stop:
        yield "TERMS_INVALID"
    if order.trail <= 0 if order.kind == TRAILING_STOP else (order.trail or percent):
        yield "TERMS_INVALID"
    if percent and order.trail >= BASIS_POINTS:
        yield "TERMS_INVALID"
    if order.tif in (DAY, GTD):
        if order.kind == MARKET:
            yield "TERMS_INVALID"
        if order.expires <= (0 if order.tif == DAY else at_ns + SECOND_NS):
            yield "EXPIRE_IN_PAST"
    elif order.expires:
        yield "TERMS_INVALID"
    yield from _legs(order)
    unit = house.instrument(order).quote_unit
    if any(abs(ticks * order.lots * unit) > AMOUNT_MAX for ticks in (order.stop, order.tp, order.sl, order.sl_limit)):
        yield "NUMBER_OVERFLOW"


def _legs(order: Order) -> Iterator[str]:
    """A profit lies on the far side of the price, a loss on the near side; of an exit the other way round than of an entry."""
    if min(order.tp, order.sl, order.sl_limit) < 0 or (order.sl_limit and not order.sl):
        yield "TERMS_INVALID"
    if not order.tp and not order.sl:
        return
    if order.reduce_only and (order.tp or order.kind != LIMIT or not order.rests):
        yield "TERMS_INVALID"
    up = 1 if order.buys != order.reduce_only else -1  # where the profit lies
    profit = order.price if order.reduce_only else order.tp
    if profit and order.sl and order.sl * up >= profit * up:
        yield "STOP_PRICE_INVALID"
    if order.reduce_only or order.kind != LIMIT:
        return
    if order.tp and order.tp * up <= order.price * up:
        yield "STOP_PRICE_INVALID"
    if order.sl and order.sl * up >= order.price * up:
        yield "STOP_PRICE_INVALID"


def _between(house: House, order: Order, price: int) -> Iterator[str]:
    """A limit order that gets another price stays between its profit and its loss; as a leg, on its side of the stop."""
    if order.kind != LIMIT or price == order.price:
        return
    up = 1 if order.buys != order.reduce_only else -1
    other = legs.sibling(house, order) if order.reduce_only else None
    loss = (other.stop if other else 0) if order.reduce_only else order.sl
    profit = 0 if order.reduce_only else order.tp
    if (profit and profit * up <= price * up) or (loss and loss * up >= price * up):
        yield "STOP_PRICE_INVALID"


def _notional(house: House, order: Order) -> Iterator[str]:
    instrument, limits = house.instrument(order), house.world.limits[order.account]
    nothing = False
    if order.kind == MARKET:
        found = trading.walk(house, order, order.lots, gives_way=trading.wants_room(house, order))
        notional, nothing = found.notional(instrument.quote_unit), found.lots == 0
    else:
        notional = price_of(order) * order.lots * instrument.quote_unit
    if notional > AMOUNT_MAX:
        yield "NUMBER_OVERFLOW"
    if notional < instrument.notional_min and not nothing:
        yield "NOTIONAL_MIN"
    if limits.notional_max and notional > limits.notional_max:
        yield "NOTIONAL_MAX"


def price_of(order: Order) -> int:
    """What it is valued and held at: its limit or its stop; of the two legs of an exit the dearer."""
    own = order.price if order.has_limit else order.stop
    return max(own, order.sl_limit or order.sl) if order.reduce_only and order.sl else own


def _counts(house: House, order: Order) -> Iterator[str]:
    limits = house.world.limits[order.account]
    mine = [o for o in house.orders.values() if o.account == order.account]
    here = [o for o in mine if o.instrument == order.instrument]
    if limits.open_orders and len(mine) >= limits.open_orders:
        yield "OPEN_ORDERS_MAX"
    if limits.open_orders_here and len(here) >= limits.open_orders_here:
        yield "OPEN_ORDERS_MAX"


def _self_trade(house: House, order: Order) -> Iterator[str]:
    if order.is_conditional or order.flags & ALLOW_SELF_TRADE:
        return
    if house.world.limits[order.account].self_trade != REJECT_NEWEST:
        return
    if trading.walk(house, order, order.lots, gives_way=False).own:
        yield "SELF_TRADE"


def _reduce_only(house: House, order: Order) -> Iterator[str]:
    if order.reduce_only and order.lots > house.room(order):
        yield "REDUCE_ONLY_VIOLATION"


def hold_of(house: House, order: Order) -> int:
    """What must be kept back for a new order."""
    instrument = house.instrument(order)
    if order.kind == MARKET and order.buys:
        found = trading.walk(house, order, order.lots, gives_way=trading.wants_room(house, order))
        return found.cost(instrument.quote_unit, instrument.taker_ppm)
    return house.keeps(order, price_of(order), order.lots)


def _balance(house: House, order: Order, hold: int, given_back: int) -> Iterator[str]:
    if order.lots * house.instrument(order).base_unit > AMOUNT_MAX:
        yield "NUMBER_OVERFLOW"
    if hold - given_back > house.free(order):
        yield "BALANCE_INSUFFICIENT"


def _market(house: House, order: Order, standing: int) -> Iterator[str]:
    """Whether there is anybody to trade with, and room to stand."""
    if (
        order.kind == MARKET
        and not trading.walk(house, order, order.lots, gives_way=trading.wants_room(house, order)).lots
    ):
        yield "NO_LIQUIDITY"
    sides = [s.lots for s in house.books[order.instrument].orders.values() if s.side == order.side]
    if sum(sides) - standing + order.lots > INT64_MAX:
        yield "NUMBER_OVERFLOW"


def _book(house: House, order: Order) -> Iterator[str]:
    if order.is_conditional:
        return
    queue = house.books[order.instrument].queue(1 - order.side)
    if order.flags & POST_ONLY and queue and not trading.beyond(order, queue[0]):
        yield "POST_ONLY_WOULD_TAKE"
    if order.tif == FOK:
        found = trading.walk(house, order, order.lots, gives_way=trading.wants_room(house, order))
        if found.lots < order.lots:
            yield "FOK_UNFILLABLE"
