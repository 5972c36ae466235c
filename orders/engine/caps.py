"""The caps a key carries: the largest order, the most in a day. Decided where orders are decided, so that two at once cannot both pass."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from marketdata.precision import to_amount
from orders import messages
from orders._core import Core
from orders.engine.batch import Batch
from orders.engine.orders import LiveOrder
from orders.engine.words import SIDES
from orders.engine.world import InstrumentSpec

# What a key's orders of today were worth: what filled, and what may still fill. Legs only close what was counted already.
_TODAY = """
SELECT COALESCE(sum(o.cost + CASE WHEN o.status IN ('filled', 'canceled', 'rejected', 'expired') THEN 0
                             ELSE (o.quantity - o.filled_quantity) * COALESCE(o.price, o.stop_price, 0) * i.contract_size END), 0)
FROM orders_order o JOIN marketdata_instrument i ON i.id = o.instrument_id
WHERE o.account_id = %s AND o.key_id = %s AND o.created_at >= %s
  AND o.parent_id IS NULL
"""


def notional(core: Core, spec: InstrumentSpec, command: messages.Place) -> int:
    """What the order is worth in quote: at its limit or its stop, or by walking the book as it stands."""
    ticks = command.price_ticks or (command.terms.stop_ticks if command.terms else 0)
    if ticks == 0:
        return core.cost_to_fill(spec.id, SIDES[command.side], command.quantity_lots)[1]
    return ticks * command.quantity_lots * spec.quote_unit


def over_day(
    cursor: psycopg.Cursor[Any], batch: Batch, order: LiveOrder, worth: int, day_max: str, midnight: datetime
) -> int | None:
    """What the day would come to with this order, when that is past the key's cap; None when it fits."""
    row = cursor.execute(_TODAY, (order.account.id, order.key_id, midnight)).fetchone()
    already = to_amount(row[0].quantize(Decimal(1).scaleb(-18))) if row else 0
    for other in batch.touched.values():
        if other.stored or other.parent_id is not None or other is order:
            continue
        if other.key_id == order.key_id and other.status != "rejected":
            already += other.cost
            if other.is_open:
                ticks = other.price_ticks or other.terms.stop_ticks
                already += ticks * (other.quantity_lots - other.filled_lots) * other.instrument.quote_unit
    total = already + worth
    return total if total > to_amount(Decimal(day_max)) else None
