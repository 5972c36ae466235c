"""What each account is worth, once a minute, in its reporting asset. A minute whose worth cannot be known has no point."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

import psycopg

from marketdata.precision import amount_decimal
from orders import valuation
from orders._core import Core
from orders.engine.batch import Batch
from orders.engine.fold import Books
from orders.engine.world import World

_FLOWS = """
SELECT l.account_id, a.code, sum(l.amount)
FROM orders_ledgerentry l JOIN marketdata_asset a ON a.id = l.asset_id
WHERE l.book = 'account' AND l.kind IN ('opening', 'transfer', 'adjustment')
  AND l.at > COALESCE((SELECT max(at) FROM orders_equitypoint p WHERE p.account_id = l.account_id), '-infinity')
GROUP BY l.account_id, a.code
"""


def marks(core: Core, world: World) -> dict[str, dict[tuple[str, str], Fraction]]:
    """Mid prices of the books in the core, by exchange: the simulator's markets."""
    found: dict[str, dict[tuple[str, str], Fraction]] = {}
    for spec in world.instruments.values():
        bid, _, ask, _ = core.best(spec.id)
        if bid is not None and ask is not None:
            mid = Fraction(bid + ask, 2) * Fraction(spec.tick_size)
            found.setdefault(spec.exchange, {})[spec.base, spec.quote] = mid
    return found


def is_told(cursor: psycopg.Cursor[Any], minute: datetime) -> bool:
    """Whether this minute has its points already: a restarted engine does not tell it twice."""
    return cursor.execute("SELECT 1 FROM orders_equitypoint WHERE at >= %s LIMIT 1", (minute,)).fetchone() is not None


def points(cursor: psycopg.Cursor[Any], batch: Batch, core: Core, world: World, books: Books) -> None:
    """Add a point an account to the batch, as of the batch; an account whose worth is not known has none.

    The batch itself must move no money: its postings are not in the table yet, its balances are in memory already.
    """
    flows: dict[int, list[tuple[str, Any]]] = {}
    for account_id, asset, amount in cursor.execute(_FLOWS).fetchall():
        flows.setdefault(account_id, []).append((asset, amount))
    by_exchange = marks(core, world)
    everywhere = {pair: mark for own in reversed(by_exchange.values()) for pair, mark in own.items()}
    held: dict[int, list[tuple[str, Any]]] = {}
    for (account_id, asset_id), (total, _) in books.balances.items():
        held.setdefault(account_id, []).append((world.assets[asset_id], amount_decimal(total)))
    for account in world.accounts.values():
        known = everywhere | by_exchange.get(account.exchange, {})
        equity = valuation.worth(held.get(account.id, []), account.reporting_asset, known)
        flow = valuation.worth(flows.get(account.id, []), account.reporting_asset, known)
        if equity is not None and flow is not None and account.id in held:
            batch.equity.append((account.id, account.owner_id, batch.at, equity, flow))
