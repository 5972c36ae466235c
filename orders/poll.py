"""Asks the exchanges about our open orders and tells the engine what it has not heard.

The engine hears of every execution as it happens; this is the second road, for the report that got lost. It reads rows,
asks through the port, compares (reconcile.py) and sends an `ExchangeReport`, which the engine applies exactly once, so
that two polls at a time, or a poll beside a late report, do no harm.
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from django.db.models import Q

from marketdata import clock, failpoints
from marketdata.precision import to_lots
from orders import exchanges, messages
from orders.exchanges.base import Exchange, ExchangeError, ExchangeFill
from orders.models import Fill, Order
from orders.reconcile import OurOrder, reconcile

AGE_MIN = timedelta(seconds=2)  # younger orders are left alone: their first reports are on their way
ORDERS_MAX = 500  # asked about in one pass; the next pass goes on where this one ended
FINAL = ("filled", "canceled", "rejected", "expired")

log = logging.getLogger(__name__)

Connect = Callable[[str, str, int], Exchange]
Send = Callable[[messages.ExchangeReport, int], object]


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass did. `next_after` is where the next one goes on: (shard, order_no), or None for the beginning."""

    asked: int = 0
    mended: int = 0
    differences: int = 0
    unreachable: int = 0
    next_after: tuple[int, int] | None = None


def poll(
    send: Send, now: datetime, after: tuple[int, int] | None = None, connect: Connect | None = None,
    account_ids: list[int] | None = None,
) -> Pass:  # fmt: skip
    """One pass over at most 500 open orders, oldest first, beginning after (shard, order_no); of these accounts, or of all."""
    connect = connect or exchanges.connect
    rows = _open_rows(now, after, account_ids)
    known = _known_fills(rows)
    asked = mended = differences = unreachable = 0
    for (shard, account_id), group in groupby(sorted(rows, key=_group), key=_group):
        orders = list(group)
        exchange = orders[0].account.exchange
        try:
            port = connect(exchange.name, orders[0].account.kind, shard)
            sightings = port.fetch_orders(account_id, [order.exchange_order_id for order in orders])
        except LookupError:
            continue  # no order entry there yet, so nothing of ours can stand there
        except ExchangeError as trouble:
            unreachable += len(orders)
            log.warning("could not ask %s about %d open orders: %s", exchange.name, len(orders), trouble)
            continue
        asked += len(orders)
        missed, unexplained = reconcile(
            [_ours(order, known[order.id]) for order in orders],
            {sighting.exchange_order_id: sighting for sighting in sightings},
            clock.to_ms(now) * 1_000_000,
        )
        for difference in unexplained:
            if not _unchanged(difference.key):
                continue
            differences += 1
            log.error(
                "order %s: %d lots are open here and %d on %s; no fill explains it; nothing was changed",
                difference.key.id, difference.ours_remaining, difference.theirs_remaining, exchange.name,
            )  # fmt: skip
        for one in missed:
            if not _unchanged(one.key):
                continue
            log.warning("order %s: %s had %d fills we had not heard of%s", one.key.id, exchange.name, len(one.fills),
                        ", and it is over" if one.closed else "")  # fmt: skip
            failpoints.reach("poll.found")
            send(_report(one.key, one.fills, one.closed), shard)
            failpoints.reach("poll.sent")
            mended += 1
    following = (rows[-1].shard, rows[-1].order_no) if len(rows) == ORDERS_MAX else None
    return Pass(asked, mended, differences, unreachable, following)


def _open_rows(now: datetime, after: tuple[int, int] | None, account_ids: list[int] | None) -> list[Order]:
    rows = Order.objects.exclude(status__in=FINAL).filter(created_at__lt=now - AGE_MIN)
    if account_ids is not None:
        rows = rows.filter(account_id__in=account_ids)
    if after is not None:
        shard, order_no = after
        rows = rows.filter(Q(shard__gt=shard) | Q(shard=shard, order_no__gt=order_no))
    return list(rows.select_related("account__exchange", "instrument").order_by("shard", "order_no")[:ORDERS_MAX])


def _unchanged(order: Order) -> bool:
    """Whether nothing happened to the order while we asked; if something did, the next pass looks again."""
    return bool(Order.objects.exclude(status__in=FINAL).filter(id=order.id, seq=order.seq).exists())


def _group(order: Order) -> tuple[int, int]:
    return order.shard, order.account_id


def _known_fills(orders: Iterable[Order]) -> defaultdict[uuid.UUID, dict[str, Decimal]]:
    """{order: {trade id: quantity}}. Filled quantities come from these rows and not from the order's, which was read
    earlier.
    """
    known: defaultdict[uuid.UUID, dict[str, Decimal]] = defaultdict(dict)
    rows = Fill.objects.filter(order_uuid__in=[order.id for order in orders])
    for order_uuid, trade_id, quantity in rows.values_list("order_uuid", "exchange_trade_id", "quantity"):
        known[order_uuid][trade_id] = quantity
    return known


def _ours(order: Order, known: Mapping[str, Decimal]) -> OurOrder:
    lot = order.instrument.lot_size
    filled = sum((to_lots(quantity, lot) for quantity in known.values()), 0)
    return OurOrder(order, order.exchange_order_id, to_lots(order.quantity, lot), filled, frozenset(known))


def _report(order: Order, fills: Iterable[ExchangeFill], closed: str) -> messages.ExchangeReport:
    return messages.ExchangeReport(
        owner_id=order.owner_id,
        account_id=order.account_id,
        id=str(order.id),
        fills=[
            messages.ReportedFill(
                fill.exchange_trade_id, fill.price_ticks, fill.quantity_lots, fill.maker, fill.fee, fill.fee_asset
            )
            for fill in fills
        ],
        closed=closed,
    )
