"""What browsers tell of their orders: bounded, only of their own, kept for showing and never trusted beyond that."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection

from marketdata import clock

TOLD_MAX = 50  # flights of one frame
LONGEST_NS = 600_000_000_000
_INSERT = """
INSERT INTO orders_painted (order_id, owner_id, instrument_id, at, sent_ns, received_ns, painted_ns)
SELECT o.id, o.owner_id, o.instrument_id, %s, n.sent, n.received, n.painted
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[]) AS n(id, sent, received, painted)
JOIN orders_order o ON o.id = n.id JOIN orders_owner w ON w.id = o.owner_id
WHERE w.user_id = %s ON CONFLICT (order_id) DO NOTHING
"""


def keep(user_id: int, told: list[list[Any]]) -> int:
    """Flights as [order id, sent, received, painted] in ns since the click; how many were kept. What cannot be is left out."""
    kept = [flight for flight in (_read(one) for one in told[:TOLD_MAX]) if flight]
    if not kept:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [clock.now(), *(list(column) for column in zip(*kept, strict=True)), user_id])
        return int(cursor.rowcount)


def _read(one: list[Any]) -> tuple[uuid.UUID, int, int, int] | None:
    if len(one) != 4 or not isinstance(one[0], str) or not all(type(number) is int for number in one[1:]):
        return None
    sent, received, painted = one[1:]
    if not 0 <= sent <= received <= painted <= LONGEST_NS:
        return None
    try:
        return uuid.UUID(one[0]), sent, received, painted
    except ValueError:
        return None
