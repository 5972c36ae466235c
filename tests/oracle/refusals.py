"""What an order may be refused for, in the order in which the reasons are looked for. Nothing changes here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.oracle.words import (
    ACTIVE,
    ALLOW_SELF_TRADE,
    AMOUNT_MAX,
    FOK,
    GTD,
    HALTED,
    INT64_MAX,
    LIMIT,
    MARKET,
    POST_ONLY,
    REDUCE_ONLY,
    REJECT_NEWEST,
    SECOND_NS,
    SELL,
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
    wanted = replace(order, price=price, lots=total - order.filled, filled=0, hold=0)
    return next((reason for reason in _changed(house, order, wanted, total) if reason), "")


def _new(house: House, order: Order, at_ns: int) -> Iterator[str]:
    yield from _halts(house, order)
    if order.instrument not in house.world.instruments:
        yield "INSTRUMENT_UNKNOWN"
    if order.account not in house.world.owners:
        yield "ACCOUNT_UNKNOWN"
    if order.account not in house.world.limits:
        yield "LIMITS_MISSING"
    yield from _shape(order)
    yield from _terms(order, at_ns)
    yield from _quantity(house, order)
    yield from _notional(house, order)
    yield from _counts(house, order)
    yield from _self_trade(house, order)
    yield from _reduce_only(house, order)
    yield from _balance(house, order, 0)
    yield from _market(house, order, 0)
    if order.order_no in house.orders or order.order_no in house.agents:
        yield "ORDER_NO_REUSED"


def _changed(house: House, order: Order, wanted: Order, total: int) -> Iterator[str]:
    yield from _halts(house, wanted)
    yield from _shape(wanted)
    yield from _quantity(house, wanted)
    yield from _notional(house, wanted)
    yield from _self_trade(house, wanted)
    yield from _reduce_only(house, wanted)
    yield from _balance(house, wanted, order.hold)
    yield from _market(house, wanted, 0 if order.waiting else order.open)


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


def _terms(order: Order, at_ns: int) -> Iterator[str]:
    if order.tif == GTD and order.expires <= at_ns + SECOND_NS:
        yield "EXPIRE_IN_PAST"
    if order.is_conditional and order.kind != TRAILING_STOP and order.stop <= 0:
        yield "STOP_PRICE_INVALID"


def _quantity(house: House, order: Order) -> Iterator[str]:
    instrument = house.instrument(order)
    if order.has_limit and order.price <= 0:
        yield "PRICE_PRECISION"
    if order.lots <= 0:
        yield "QTY_PRECISION"
    if order.lots < instrument.quantity_min:
        yield "QTY_MIN"
    if instrument.quantity_max and order.lots > instrument.quantity_max:
        yield "QTY_MAX"


def _notional(house: House, order: Order) -> Iterator[str]:
    instrument, limits = house.instrument(order), house.world.limits[order.account]
    notional = worth(house, order)
    nothing = order.kind == MARKET and not house.meets(order, None, order.lots)
    if notional > AMOUNT_MAX:
        yield "NUMBER_OVERFLOW"
    if notional < instrument.notional_min and not nothing:
        yield "NOTIONAL_MIN"
    if limits.notional_max and notional > limits.notional_max:
        yield "NOTIONAL_MAX"


def worth(house: House, order: Order) -> int:
    """A limit order's price, a stop's trigger price, or what a market order would cost now."""
    unit = house.instrument(order).quote_unit
    if order.kind == MARKET:
        return sum(m.price * m.lots * unit for m in house.meets(order, None, order.lots))
    return (order.price if order.has_limit else order.stop) * order.lots * unit


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
    limit = order.price if order.kind == LIMIT else None
    if any(house.same_owner(order, met.maker) for met in house.meets(order, limit, order.lots)):
        yield "SELF_TRADE"


def _reduce_only(house: House, order: Order) -> Iterator[str]:
    if not order.flags & REDUCE_ONLY:
        return
    held = house.position(order).quantity * (1 if order.side == SELL else -1)
    if held <= 0 or order.lots * house.instrument(order).base_unit > held:
        yield "REDUCE_ONLY_VIOLATION"


def hold_of(house: House, order: Order, lots: int) -> int:
    """What must be kept back for a new order of so many lots."""
    if order.kind == MARKET and order.buys:
        return house.price_of_walk(order, lots)
    return house.required(order, lots)


def _balance(house: House, order: Order, given_back: int) -> Iterator[str]:
    if order.lots * house.instrument(order).base_unit > AMOUNT_MAX:
        yield "NUMBER_OVERFLOW"
    if hold_of(house, order, order.lots) - given_back > house.free(order.account, house.held_asset(order)):
        yield "BALANCE_INSUFFICIENT"


def _market(house: House, order: Order, standing: int) -> Iterator[str]:
    """What the book has for it."""
    if order.is_conditional:
        return
    limit = order.price if order.has_limit else None
    met = house.meets(order, limit, order.lots)
    if order.kind == MARKET and not met:
        yield "NO_LIQUIDITY"
    if order.flags & POST_ONLY and met:
        yield "POST_ONLY_WOULD_TAKE"
    if order.tif == FOK and sum(m.lots for m in met) < order.lots:
        yield "FOK_UNFILLABLE"
    sides = [s.lots for s in house.books[order.instrument].orders.values() if s.side == order.side]
    if order.rests and sum(sides) - standing + order.lots > INT64_MAX:
        yield "NUMBER_OVERFLOW"
