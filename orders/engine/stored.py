"""Orders and requests as PostgreSQL keeps them, read back into what the engine works with."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg

from marketdata import clock
from marketdata.precision import to_amount, to_lots, to_ticks, to_units
from orders._core import Core
from orders.conditions import BASIS_POINT, NO_TERMS
from orders.engine import copying
from orders.engine.orders import LiveOrder
from orders.engine.world import InstrumentSpec, World
from orders.messages import Terms

_FINEST = Decimal(1).scaleb(-18)
_ORDERS = """
SELECT id, order_no, account_id, instrument_id, request_id, type, side, time_in_force, price, quantity, created_at,
       updated_at, key_id, order_id, user_id, exchange_order_id, exchange_client_id, strategy_id, source, extra, status,
       filled_quantity, cost, fee, reason, seq, spec_version, stop_price, trail_amount, trail_percent, expires_at, take_profit_price,
       stop_loss_price, stop_loss_limit_price, post_only, reduce_only, parent_id, triggered_at, other_fees
FROM orders_order WHERE
"""
OPEN = "shard = %s AND status NOT IN ('filled', 'canceled', 'rejected', 'expired') ORDER BY order_no"
BY_ID = "id = %s AND account_id = ANY(%s)"
BY_REQUEST = "request_id = %s AND account_id = ANY(%s)"
DECIDED = (
    "SELECT r.account_id, r.request_id, r.body_hash, r.kind, r.order_id FROM orders_request r "
    "JOIN unnest(%s::bigint[], %s::text[]) AS k(account_id, request_id) USING (account_id, request_id)"
)


class Decided(NamedTuple):
    """What is kept of a request: enough to answer it again."""

    body_hash: bytes
    kind: str
    order_id: uuid.UUID | None


def orders(
    cursor: psycopg.Cursor[Any], world: World, where: str, arguments: Iterable[object], core: Core | None = None
) -> list[LiveOrder]:
    """The orders of this condition (one of the constants above). Orders of instruments gone from the world are left out.

    With the core that holds them, orders made under steps that have changed since are read in those steps.
    """
    rows = cursor.execute(_ORDERS + where, tuple(arguments)).fetchall()
    specs = world.unusable | world.instruments
    return [_order(world, specs[row[3]], row, core) for row in rows if row[2] in world.accounts and row[3] in specs]


def _order(world: World, spec: InstrumentSpec, row: tuple[Any, ...], core: Core | None) -> LiveOrder:
    if row[26] != spec.spec_version or spec.id in world.unusable:
        spec = _as_made(spec, row, core.order(row[1]) if core else None)
    return LiveOrder(
        id=row[0], order_no=row[1], account=world.accounts[row[2]], instrument=spec, request_id=row[4], type=row[5],
        side=row[6], time_in_force=row[7], price_ticks=0 if row[8] is None else to_ticks(row[8], spec.tick_size),
        quantity_lots=to_lots(row[9], spec.lot_size), created_ns=_ns(row[10]), updated_ns=_ns(row[11]), key_id=row[12],
        order_id=row[13], user_id=row[14], exchange_order_id=row[15], exchange_client_id=row[16], strategy_id=row[17],
        source=row[18], extra=row[19], status=row[20], filled_lots=to_lots(row[21], spec.lot_size),
        cost=to_amount(row[22]), fee=to_amount(row[23]), reason=row[24], seq=row[25], terms=_terms(spec, row[27:34]),
        post_only=row[34], reduce_only=row[35], parent_id=row[36], triggered_ns=_ns(row[37]) if row[37] else 0,
        other_fees=row[38], stored=True,
    )  # fmt: skip


def _terms(spec: InstrumentSpec, columns: tuple[Any, ...]) -> Terms:
    """The conditions of an order, from stop_price to stop_loss_limit_price."""
    stop, trail_amount, trail_percent, expires_at, *follow = columns
    ticks = [0 if price is None else to_ticks(price, spec.tick_size) for price in (stop, trail_amount, *follow)]
    percent = 0 if trail_percent is None else to_units(trail_percent, BASIS_POINT, "trail_percent")
    made = Terms(ticks[0], percent or ticks[1], bool(percent), _ns(expires_at) if expires_at else 0, *ticks[2:])
    return NO_TERMS if made == NO_TERMS else made


def _as_made(spec: InstrumentSpec, row: tuple[Any, ...], held: dict[str, int] | None) -> InstrumentSpec:
    """The instrument as it was when the order was made. Its steps are what the core counts the order in; an order that is
    over is only shown any more, and any step fine enough shows it."""
    price, quantity = row[8], row[9]
    size = spec.contract_size if spec.contract_size > 0 else Decimal(1)
    made = replace(spec, tick_size=_FINEST, lot_size=_FINEST, contract_size=size, spec_version=row[26])
    if held is None:
        return made
    tick = spec.tick_size
    for shown, ticks in ((price, held["price_ticks"]), (row[27], held["stop_ticks"])):
        tick = shown / ticks if shown and ticks else tick
    return replace(made, tick_size=tick, lot_size=quantity / held["qty_lots"])


def _ns(moment: datetime) -> int:
    return (moment - clock.EPOCH) // clock.MICROSECOND * 1000


def ask_decided(cursor: psycopg.Cursor[Any], keys: Iterable[tuple[int, str]]) -> None:
    """Ask what is known of these (account_id, request_id), in one SELECT."""
    cursor.execute(DECIDED, copying.arrays("qs", list(keys)))


def read_decided(cursor: psycopg.Cursor[Any]) -> dict[tuple[int, str], Decided]:
    """The answer: what is known of them."""
    return {(row[0], row[1]): Decided(bytes(row[2]), row[3], row[4]) for row in cursor.fetchall()}


def known_trades(cursor: psycopg.Cursor[Any], order_id: uuid.UUID) -> set[str]:
    """The exchange_trade_ids already booked for an order."""
    rows = cursor.execute("SELECT exchange_trade_id FROM orders_fill WHERE order_uuid = %s", (order_id,)).fetchall()
    return {row[0] for row in rows}
