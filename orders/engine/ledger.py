"""The rows of a batch, in one transaction: new ones by COPY, changed ones by one statement a table.

The order of the tables is the order of the story: what was decided (journal), what was asked, what happened, what is left.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, NamedTuple

import psycopg

from marketdata.precision import to_amount
from orders import _edge
from orders.conditions import BASIS_POINT, NO_TERMS, PRICED
from orders.engine import copying
from orders.engine import lease as leases
from orders.engine.batch import Batch, dumps
from orders.engine.orders import LiveOrder


class Table(NamedTuple):
    """Columns, and a letter of `_edge.rows` for each."""

    name: str
    columns: str
    kinds: str


_JOURNAL = Table("orders_journal", "shard, seq, epoch, at, at_ns, kind, payload, hash", "hqqtqsss")
_REQUEST = Table(
    "orders_request",
    "account_id, owner_id, request_id, body_hash, kind, order_id, decided_seq, status, answer, at",
    "qqsssuqhjt",
)
_REPORT = Table(
    "orders_executionreport",
    "account_id, owner_id, account_seq, journal_seq, at, kind, exec_type, order_uuid, payload",
    "qqqqtssuj",
)
_FILL = Table(
    "orders_fill",
    "id, at, owner_id, account_id, instrument_id, order_uuid, request_id, exchange_trade_id, strategy_id, side, liquidity, "
    "price, quantity, cost, fee, fee_asset_id, realised, account_seq",
    "utqqqusssssnnnnqnq",
)
_LEDGER = Table(
    "orders_ledgerentry",
    "at, owner_id, account_id, book, asset_id, kind, amount, journal_seq, fill_id",
    "tqqsqsnqu",
)
_EQUITY = Table("orders_equitypoint", "account_id, owner_id, at, equity, cash_flow", "qqtnn")
_ORDER = Table(
    "orders_order",
    "id, created_at, updated_at, shard, order_no, owner_id, account_id, instrument_id, key_id, request_id, order_id, user_id, "
    "exchange_order_id, exchange_client_id, strategy_id, source, type, side, status, time_in_force, price, stop_price, "
    "quantity, filled_quantity, cost, fee, fee_asset_id, post_only, reduce_only, spec_version, reason, extra, seq, "
    "trail_amount, trail_percent, expires_at, take_profit_price, stop_loss_price, stop_loss_limit_price, triggered_at, "
    "parent_id, other_fees",
    "utthqqqqqsssssssssssnnnnnnq??ijjqnntnnntuj",
)
_BASIS_POINT = to_amount(BASIS_POINT)
_NO_CONDITIONS = (None,) * 6
_POSITIONS = """
INSERT INTO orders_position
    (account_id, owner_id, instrument_id, strategy_id, quantity, cost, realised, fees, as_of_seq, updated_at)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::numeric[], %s::numeric[], %s::numeric[],
                     %s::numeric[], %s::bigint[], %s::timestamptz[])
ON CONFLICT (account_id, instrument_id, strategy_id) DO UPDATE SET
    quantity = EXCLUDED.quantity, cost = EXCLUDED.cost, realised = EXCLUDED.realised, fees = EXCLUDED.fees,
    as_of_seq = EXCLUDED.as_of_seq, updated_at = EXCLUDED.updated_at
"""
_POSITION_KINDS = "qqqsnnnnqt"
_BALANCES = """
INSERT INTO orders_balance (account_id, owner_id, asset_id, total, used, as_of_seq)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::bigint[])
ON CONFLICT (account_id, asset_id) DO UPDATE SET
    total = EXCLUDED.total, used = EXCLUDED.used, as_of_seq = EXCLUDED.as_of_seq
"""
_BALANCE_KINDS = "qqqnnq"
CHANGED = """
UPDATE orders_order o SET updated_at = n.updated_at, status = n.status, price = n.price, stop_price = n.stop_price, quantity = n.quantity,
    triggered_at = n.triggered_at, filled_quantity = n.filled, cost = n.cost, fee = n.fee, reason = n.reason::jsonb, seq = n.seq,
    spec_version = n.spec_version, other_fees = n.other_fees::jsonb
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::numeric[], %s::numeric[], %s::numeric[],
            %s::timestamptz[], %s::numeric[], %s::numeric[], %s::numeric[], %s::text[], %s::bigint[], %s::int[], %s::text[])
    AS n(id, created_at, updated_at, status, price, stop_price, quantity, triggered_at, filled, cost, fee, reason, seq,
         spec_version, other_fees)
WHERE o.id = n.id AND o.created_at = n.created_at
"""
CHANGED_KINDS = "uttsnnntnnnsqis"


def write(cursor: psycopg.Cursor[Any], lease: leases.Lease, batch: Batch) -> None:
    """Every row of the batch, and the end of the transaction: they are durable together or not at all."""
    new = [order for order in batch.touched.values() if not order.stored]
    changed = [_changed_row(order) for order in batch.touched.values() if order.stored]
    upserts = [
        (statement, kinds, rows)
        for statement, kinds, rows in (
            (CHANGED, CHANGED_KINDS, changed),
            (_POSITIONS, _POSITION_KINDS, list(batch.positions.values())),
            (_BALANCES, _BALANCE_KINDS, list(batch.balances.values())),
        )
        if rows
    ]
    with cursor.connection.pipeline() if len(upserts) > 1 else nullcontext():  # one round trip
        for statement, kinds, rows in upserts:
            cursor.execute(statement, copying.arrays(kinds, rows))
    for funding_id, applied_seq, refused in batch.fundings:
        cursor.execute(
            "UPDATE orders_funding SET applied_seq = %s, refused = %s WHERE id = %s", (applied_seq, refused, funding_id)
        )
    at, shard, epoch = batch.at_ns, lease.shard, lease.epoch
    tables: list[tuple[Table, list[tuple[Any, ...]]]] = [
        (_JOURNAL, [(shard, e.seq, epoch, at, e.at_ns, e.kind, e.payload, e.hash) for e in batch.journal]),
        (_REQUEST, batch.requests),
        (_ORDER, [_order_row(shard, order) for order in new]),
        (_REPORT, batch.reports),
        (_FILL, batch.fills),
        (_LEDGER, batch.ledger),
        (_EQUITY, batch.equity),
    ]
    sheets = [copying.Sheet(table.name, table.columns, _edge.rows(table.kinds, made)) for table, made in tables if made]
    copying.run(cursor.connection, sheets, ["COMMIT"])


def mark_stored(batch: Batch) -> None:
    """After the commit: these orders have a row."""
    for order in batch.touched.values():
        order.stored = True


def _order_row(shard: int, order: LiveOrder) -> tuple[Any, ...]:
    spec, terms = order.instrument, order.terms
    tick, lot = spec.tick, spec.lot
    plain = terms is NO_TERMS
    return (
        order.id, order.created_ns, order.updated_ns, shard, order.order_no, order.account.owner_id, order.account.id, spec.id,
        order.key_id, order.request_id, order.order_id, order.user_id, order.exchange_order_id, order.exchange_client_id,
        order.strategy_id, order.source, order.type, order.side, order.status, order.time_in_force,
        order.price_ticks * tick if order.type in PRICED else None, terms.stop_ticks * tick or None,
        order.quantity_lots * lot, order.filled_lots * lot, order.cost, order.fee, spec.settle_id, order.post_only,
        order.reduce_only, spec.spec_version, dumps(order.reason) if order.reason else None, _json(order.extra), order.seq,
        *(_NO_CONDITIONS if plain else _conditions(order, tick)), order.triggered_ns or None, order.parent_id,
        _json(order.other_fees),
    )  # fmt: skip


def _conditions(order: LiveOrder, tick: int) -> tuple[int | None, ...]:
    """trail_amount, trail_percent, expires_at, take_profit_price, stop_loss_price, stop_loss_limit_price."""
    terms = order.terms
    by_percent, follow = (
        terms.trail_percent,
        (terms.take_profit_ticks, terms.stop_loss_ticks, terms.stop_loss_limit_ticks),
    )
    return (
        None if by_percent else terms.trail * tick or None,
        terms.trail * _BASIS_POINT if by_percent else None,
        terms.expires_at_ns or None,
        *(ticks * tick or None for ticks in follow),
    )


def _json(value: dict[str, Any]) -> bytes:
    return dumps(value) if value else b"{}"


def _changed_row(order: LiveOrder) -> tuple[Any, ...]:
    tick, lot, stop_ticks = order.instrument.tick, order.instrument.lot, order.terms.stop_ticks
    return (
        order.id, order.created_ns, order.updated_ns, order.status, order.price_ticks * tick if order.type in PRICED else None,
        stop_ticks * tick or None, order.quantity_lots * lot, order.triggered_ns or None, order.filled_lots * lot, order.cost,
        order.fee, dumps(order.reason) if order.reason else None, order.seq, order.instrument.spec_version,
        _json(order.other_fees),
    )  # fmt: skip
