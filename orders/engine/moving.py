"""An owner moves from one shard to another: two entries of two journals, and nothing between them.

The shard that has it cancels its open orders, empties its accounts in the core and, in the same transaction, gives the row away.
The shard that is to have it takes balances and positions from their rows, tells its core, and settles the owner. Postings are
not made: nothing is gained or lost, and the accounts' own sequences go on.
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg

from marketdata.precision import to_amount
from orders import shapes
from orders.engine import world as worlds
from orders.engine.batch import Batch
from orders.engine.teller import Teller
from orders.engine.world import AccountSpec, World
from orders.ids import strategy_key

log = logging.getLogger(__name__)
HOME = 0  # the shard the simulator lives in: its accounts stand in the simulator's books, elsewhere they mirror them

_GIVE = "UPDATE orders_owner SET shard = %s, moving_to = NULL, settled = false WHERE id = %s"
_SETTLE = "UPDATE orders_owner SET settled = true WHERE id = ANY(%s)"
_KIND = """
UPDATE orders_account a SET kind = %s FROM marketdata_exchange e
WHERE e.id = a.exchange_id AND e.source = 'simulator' AND a.owner_id = %s AND a.kind IN ('paper', 'simulated') AND a.kind <> %s
"""
_SEQUENCE = "SELECT coalesce(max(account_seq), 0) FROM orders_executionreport WHERE account_id = %s"
_BALANCES = "SELECT asset_id, total, used FROM orders_balance WHERE account_id = %s ORDER BY asset_id"
_POSITIONS = """
SELECT instrument_id, strategy_id, quantity, cost, realised, fees FROM orders_position WHERE account_id = %s
ORDER BY instrument_id, strategy_id
"""


def let_go(cursor: psycopg.Cursor[Any], batch: Batch, teller: Teller, here: World) -> None:
    """Give away whom the rows say to give away."""
    for owner_id, shard in here.leaving.items():
        if any(
            total < 0
            for (account_id, _), (total, _) in teller.fold.books.balances.items()
            if _owns(here, owner_id, account_id)
        ):
            log.error("owner %d stays: an account of it owes money, and a debt cannot be handed over", owner_id)
            cursor.execute("UPDATE orders_owner SET moving_to = NULL WHERE id = %s", (owner_id,))
            continue
        accounts = [account for account in here.accounts.values() if account.owner_id == owner_id]
        open_orders = [order for order in teller.orders.open() if order.account.owner_id == owner_id]
        for order in open_orders:
            order.reason = shapes.reason_shape("OWNER_MOVED")
        teller.cancel(batch, [order.order_no for order in open_orders])
        for account in accounts:
            teller.tell(batch, ("reset_account", [account.id], {}))
            teller.fold.books.forget(account.id)
            del here.accounts[account.id]
        kind = "simulated" if shard == HOME else "paper"
        cursor.execute(_KIND, (kind, owner_id, kind))
        cursor.execute(_GIVE, (shard, owner_id))
        log.info("owner %d goes to shard %d: %d orders canceled", owner_id, shard, len(open_orders))
    here.leaving.clear()


def _owns(here: World, owner_id: int, account_id: int) -> bool:
    account = here.accounts.get(account_id)
    return account is not None and account.owner_id == owner_id


def settle(cursor: psycopg.Cursor[Any], here: World, shard: int) -> World:
    """The world with those who arrive in it."""
    cursor.execute(_SETTLE, (here.arriving,))
    log.info("owners %s have come to shard %d", here.arriving, shard)
    return worlds.read(cursor, shard)


def take(cursor: psycopg.Cursor[Any], batch: Batch, teller: Teller, account: AccountSpec) -> None:
    """What an account brings along; the core was told of the account before."""
    books = teller.fold.books
    row = cursor.execute(_SEQUENCE, (account.id,)).fetchone()
    books.sequence[account.id] = row[0] if row else 0
    for asset_id, total, used in cursor.execute(_BALANCES, (account.id,)).fetchall():
        amount = to_amount(total)
        books.balances[account.id, asset_id] = (amount, to_amount(used))
        if amount:
            teller.tell(batch, ("post", [account.id, asset_id, amount], {}))
    for instrument_id, strategy_id, *numbers in cursor.execute(_POSITIONS, (account.id,)).fetchall():
        held = tuple(to_amount(number) for number in numbers)
        books.positions[account.id, instrument_id, strategy_id] = held  # type: ignore[assignment]
        if any(held):
            key = strategy_key(account.owner_id, strategy_id)
            teller.tell(batch, ("take_position", [account.id, instrument_id, key, *held], {}))
