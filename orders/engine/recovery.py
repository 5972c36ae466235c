"""The same core again: newest checkpoint, journal after it, orders from their rows. Start-up and recovery are this one path."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import psycopg

from marketdata.precision import to_amount
from orders._core import FLAG_TRIGGERED, SCOPE_ACCOUNT, Core, CoreError
from orders.engine import journal, stored
from orders.engine import tail as journal_tail
from orders.engine.fold import Books
from orders.engine.orders import Orders
from orders.engine.world import World
from orders.ids import strategy_key

log = logging.getLogger(__name__)
_ROWS_AT_ONCE = 10_000


class Disagreement(Exception):
    """Core and rows differ: something wrote past the engine, or a bug. Nothing may be decided on such a state."""


class Unreadable(Exception):
    """Checkpoint or journal say what this release cannot read, as those of an older one do. Nothing was decided or written."""


@dataclass(slots=True)
class Recovered:
    """What recovery found beside the core: where the journal stands, what the checkpoint kept, which halts the core knows."""

    chain: journal.Chain
    halts: dict[tuple[int, int], int] = field(default_factory=dict)
    limits: set[tuple[int, int]] = field(default_factory=set)  # scopes, accounts apart, whose limits the core knows
    extra: dict[str, Any] = field(default_factory=dict)
    checkpoint_seq: int = 0
    entries: int = 0


def rebuild(connection: psycopg.Connection[Any], core: Core, shard: int) -> Recovered:
    """Checkpoint + tail into a fresh core. Raises Unreadable."""
    try:
        return _rebuild(connection, core, shard)
    except CoreError as error:
        raise Unreadable(
            f"the checkpoint or journal of shard {shard} cannot be read by this release; no order is taken, and nothing was "
            f"changed: {error}"
        ) from error


def _rebuild(connection: psycopg.Connection[Any], core: Core, shard: int) -> Recovered:
    with connection.transaction(), connection.cursor() as cursor:
        row = cursor.execute(
            "SELECT seq, state, extra FROM orders_checkpoint WHERE shard = %s ORDER BY seq DESC LIMIT 1", (shard,)
        ).fetchone()
        found = Recovered(journal.Chain())
        if row is not None:
            found.checkpoint_seq, found.extra = row[0], row[2]
            found.halts = {(scope, key): state for scope, key, state in found.extra.get("halts", [])}
            found.limits = {(scope, key) for scope, key in found.extra.get("limits", [])}
            core.restore(bytes(row[1]))
        head, torn = journal_tail.head_of(cursor, shard), False
        found.chain = journal.Chain(*_chain_at(cursor, shard, found.checkpoint_seq))
        journal_tail.check_head(head, found.chain.seq, found.chain.hash)
        with connection.cursor(name="journal_tail") as tail:
            tail.itersize = _ROWS_AT_ONCE
            tail.execute(
                "SELECT seq, at_ns, kind, payload, hash FROM orders_journal WHERE shard = %s AND seq > %s ORDER BY seq",
                (shard, found.checkpoint_seq),
            )
            for seq, at_ns, kind, payload, entry_hash in tail:
                before = found.chain
                if seq != before.seq + 1 or not journal.holds(before.hash, seq, at_ns, kind, payload, entry_hash):
                    torn = True
                    break
                journal_tail.check_head(head, seq, entry_hash)
                told = journal.replay(core, kind, bytes(payload))
                if told is not None and told[0] == "set_halt":
                    scope, key, state = told[1]
                    found.halts[scope, key] = state
                if told is not None and told[0] in ("set_limits", "clear_limits") and told[1][0] != SCOPE_ACCOUNT:
                    (found.limits.add if told[0] == "set_limits" else found.limits.discard)((told[1][0], told[1][1]))
                if told is not None:
                    core.trips()  # what tripped then has its row
                found.chain = journal.Chain(seq, bytes(entry_hash))
                found.entries += 1
        if torn:
            journal_tail.cut_if_torn(cursor, shard, head, found.chain.seq)
        journal_tail.check_length(head, found.chain.seq)
    log.info("rebuilt from checkpoint %d and %d journal entries", found.checkpoint_seq, found.entries)
    return found


def _chain_at(cursor: psycopg.Cursor[Any], shard: int, seq: int) -> tuple[int, bytes]:
    row = cursor.execute("SELECT seq, hash FROM orders_journal WHERE shard = %s AND seq = %s", (shard, seq)).fetchone()
    return (row[0], bytes(row[1])) if row else (seq, b"")


def load_rows(cursor: psycopg.Cursor[Any], world: World, shard: int, core: Core, orders: Orders, books: Books) -> None:
    """What the engine keeps beside the core, from its rows."""
    for order in stored.orders(cursor, world, stored.OPEN, (shard,), core):
        orders.add(order)
    for account_id in world.accounts:
        newest = cursor.execute(
            "SELECT account_seq FROM orders_executionreport WHERE account_id = %s ORDER BY account_seq DESC LIMIT 1",
            (account_id,),
        ).fetchone()
        books.sequence[account_id] = newest[0] if newest else 0
    known = list(world.accounts)
    for row in cursor.execute(
        "SELECT account_id, asset_id, total, used FROM orders_balance WHERE account_id = ANY(%s)", (known,)
    ).fetchall():
        books.balances[row[0], row[1]] = (to_amount(row[2]), to_amount(row[3]))
    for row in cursor.execute(
        "SELECT account_id, instrument_id, strategy_id, quantity, cost, realised, fees FROM orders_position "
        "WHERE account_id = ANY(%s)",
        (known,),
    ).fetchall():
        books.positions[row[0], row[1], row[2]] = (
            to_amount(row[3]), to_amount(row[4]), to_amount(row[5]), to_amount(row[6]),
        )  # fmt: skip


def compare(core: Core, world: World, orders: Orders, books: Books) -> None:
    """Raises Disagreement naming the first order, balance or position in which core and rows differ."""
    open_in_core = {order_no for account_id in world.accounts for order_no in core.open_orders(account_id)}
    open_in_rows = {order.order_no for order in orders.open()}
    if open_in_core != open_in_rows:
        raise Disagreement(f"open orders differ: {sorted(open_in_core ^ open_in_rows)[:5]} are in one place only")
    for order in orders.open():
        held = core.order(order.order_no)
        if held is None or held["filled_lots"] != order.filled_lots or held["qty_lots"] != order.quantity_lots:
            raise Disagreement(f"order {order.id}: its row says {order.filled_lots} lots filled, the core says {held}")
        if held["stop_ticks"] != order.terms.stop_ticks or bool(held["flags"] & FLAG_TRIGGERED) != bool(
            order.triggered_ns
        ):
            raise Disagreement(
                f"order {order.id}: its row says its stop is {order.terms.stop_ticks}, the core says {held}"
            )
    for (account_id, asset_id), money in books.balances.items():
        if core.balance(account_id, asset_id) != money:
            raise Disagreement(
                f"account {account_id}, asset {asset_id}: its row says {money}, "
                f"the core says {core.balance(account_id, asset_id)}"
            )
    for (account_id, instrument_id, strategy_id), place in books.positions.items():
        if account_id not in world.accounts:
            continue
        key = strategy_key(world.accounts[account_id].owner_id, strategy_id)
        held_here = core.position(account_id, instrument_id, key) or (0, 0, 0, 0)
        if held_here != place:
            raise Disagreement(
                f"account {account_id}, instrument {instrument_id}, strategy {strategy_id!r}: its row says {place}, "
                f"the core says {held_here}"
            )
