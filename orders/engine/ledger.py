"""The rows of a batch, in one transaction: new ones by COPY, changed ones by one statement a table.

The order of the tables is the order of the story: what was decided (journal), what was asked, what happened, what is left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from marketdata import clock
from marketdata.precision import amount_decimal
from orders.engine import lease as leases
from orders.engine.batch import Batch
from orders.engine.orders import LiveOrder

_COLUMNS = {
    "orders_journal": "shard, seq, epoch, at, at_ns, kind, payload, hash",
    "orders_request": "account_id, owner_id, request_id, body_hash, kind, order_id, decided_seq, status, answer, at",
    "orders_executionreport": "account_id, owner_id, account_seq, journal_seq, at, kind, exec_type, order_uuid, payload",
    "orders_fill": "id, at, owner_id, account_id, instrument_id, order_uuid, request_id, exchange_trade_id, strategy_id, "
    "side, liquidity, price, quantity, cost, fee, fee_asset_id, realised, account_seq",
    "orders_ledgerentry": "at, owner_id, account_id, book, asset_id, kind, amount, journal_seq, fill_id",
    "orders_equitypoint": "account_id, owner_id, at, equity, cash_flow",
    "orders_order": "id, created_at, updated_at, shard, order_no, owner_id, account_id, instrument_id, key_id, request_id, "
    "order_id, user_id, exchange_order_id, exchange_client_id, strategy_id, source, type, side, status, time_in_force, "
    "price, stop_price, quantity, filled_quantity, cost, fee, fee_asset_id, post_only, reduce_only, spec_version, reason, "
    "extra, seq, trail_amount, trail_percent, expires_at, take_profit_price, stop_loss_price, stop_loss_limit_price, "
    "triggered_at, parent_id, other_fees",
}
_POSITIONS = """
INSERT INTO orders_position
    (account_id, owner_id, instrument_id, strategy_id, quantity, cost, realised, fees, as_of_seq, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (account_id, instrument_id, strategy_id) DO UPDATE SET
    quantity = EXCLUDED.quantity, cost = EXCLUDED.cost, realised = EXCLUDED.realised, fees = EXCLUDED.fees,
    as_of_seq = EXCLUDED.as_of_seq, updated_at = EXCLUDED.updated_at
"""
_BALANCES = """
INSERT INTO orders_balance (account_id, owner_id, asset_id, total, used, as_of_seq)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::bigint[])
ON CONFLICT (account_id, asset_id) DO UPDATE SET
    total = EXCLUDED.total, used = EXCLUDED.used, as_of_seq = EXCLUDED.as_of_seq
"""
_CHANGED = """
UPDATE orders_order o SET updated_at = n.updated_at, status = n.status, price = n.price, stop_price = n.stop_price, quantity = n.quantity,
    triggered_at = n.triggered_at, filled_quantity = n.filled, cost = n.cost, fee = n.fee, reason = n.reason::jsonb, seq = n.seq,
    spec_version = n.spec_version, other_fees = n.other_fees::jsonb
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::numeric[], %s::numeric[], %s::numeric[],
            %s::timestamptz[], %s::numeric[], %s::numeric[], %s::numeric[], %s::text[], %s::bigint[], %s::int[], %s::text[])
    AS n(id, created_at, updated_at, status, price, stop_price, quantity, triggered_at, filled, cost, fee, reason, seq,
         spec_version, other_fees)
WHERE o.id = n.id AND o.created_at = n.created_at
"""


def write(cursor: psycopg.Cursor[Any], lease: leases.Lease, batch: Batch) -> None:
    """Every row of the batch; the caller's transaction makes them durable together or not at all."""
    _copy(
        cursor,
        "orders_journal",
        ((lease.shard, e.seq, lease.epoch, batch.at, e.at_ns, e.kind, e.payload, e.hash) for e in batch.journal),
    )
    _copy(cursor, "orders_request", batch.requests)
    new = [order for order in batch.touched.values() if not order.stored]
    _copy(cursor, "orders_order", (_order_row(lease.shard, order) for order in new))
    _change(cursor, [order for order in batch.touched.values() if order.stored])
    _copy(cursor, "orders_executionreport", batch.reports)
    _copy(cursor, "orders_fill", batch.fills)
    _copy(cursor, "orders_ledgerentry", batch.ledger)
    _copy(cursor, "orders_equitypoint", batch.equity)
    if batch.positions:
        cursor.executemany(_POSITIONS, list(batch.positions.values()))
    if batch.balances:
        cursor.execute(_BALANCES, [list(column) for column in zip(*batch.balances.values(), strict=True)])
    for funding_id, applied_seq, refused in batch.fundings:
        cursor.execute(
            "UPDATE orders_funding SET applied_seq = %s, refused = %s WHERE id = %s", (applied_seq, refused, funding_id)
        )


def mark_stored(batch: Batch) -> None:
    """After the commit: these orders have a row."""
    for order in batch.touched.values():
        order.stored = True


def _copy(cursor: psycopg.Cursor[Any], table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    rows = list(rows)
    if not rows:
        return
    with cursor.copy(f"COPY {table} ({_COLUMNS[table]}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _order_row(shard: int, order: LiveOrder) -> tuple[Any, ...]:
    spec, terms = order.instrument, order.terms
    return (
        order.id, clock.from_ns(order.created_ns), clock.from_ns(order.updated_ns), shard, order.order_no,
        order.account.owner_id, order.account.id, spec.id, order.key_id, order.request_id, order.order_id, order.user_id,
        order.exchange_order_id, order.exchange_client_id, order.strategy_id, order.source, order.type, order.side,
        order.status, order.time_in_force, order.price, order.at(terms.stop_ticks), order.quantity, order.filled_quantity,
        amount_decimal(order.cost), amount_decimal(order.fee), spec.settle_id, order.post_only, order.reduce_only,
        spec.spec_version, Jsonb(order.reason) if order.reason else None, Jsonb(order.extra), order.seq,
        order.trail_amount, order.trail_percent, _moment(terms.expires_at_ns), order.at(terms.take_profit_ticks),
        order.at(terms.stop_loss_ticks), order.at(terms.stop_loss_limit_ticks), _moment(order.triggered_ns),
        order.parent_id, Jsonb(order.other_fees),
    )  # fmt: skip


def _change(cursor: psycopg.Cursor[Any], orders: list[LiveOrder]) -> None:
    if not orders:
        return
    rows = [
        (order.id, clock.from_ns(order.created_ns), clock.from_ns(order.updated_ns), order.status, order.price,
         order.at(order.terms.stop_ticks), order.quantity, _moment(order.triggered_ns), order.filled_quantity,
         amount_decimal(order.cost), amount_decimal(order.fee), _json_text(order.reason), order.seq,
         order.instrument.spec_version, json.dumps(order.other_fees))
        for order in orders
    ]  # fmt: skip
    cursor.execute(_CHANGED, [list(column) for column in zip(*rows, strict=True)])


def _moment(at_ns: int) -> datetime | None:
    return clock.from_ns(at_ns) if at_ns else None


def _json_text(value: dict[str, str] | None) -> str | None:
    return None if value is None else json.dumps(value)
