"""What each account is worth, once a minute, in its reporting asset, as the core has it. A minute whose worth cannot be known has
no point."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from marketdata.precision import to_amount
from orders._core import Core
from orders.engine.batch import Batch
from orders.engine.world import AccountSpec, World

_FLOWS = """
SELECT l.account_id, l.asset_id, sum(l.amount)
FROM orders_ledgerentry l
WHERE l.book = 'account' AND l.kind IN ('opening', 'transfer', 'adjustment')
  AND l.at > COALESCE((SELECT max(at) FROM orders_equitypoint p WHERE p.account_id = l.account_id), '-infinity')
GROUP BY l.account_id, l.asset_id
"""


def is_told(cursor: psycopg.Cursor[Any], minute: datetime) -> bool:
    """Whether this minute has its points already: a restarted engine does not tell it twice."""
    return cursor.execute("SELECT 1 FROM orders_equitypoint WHERE at >= %s LIMIT 1", (minute,)).fetchone() is not None


def points(cursor: psycopg.Cursor[Any], batch: Batch, core: Core, world: World) -> None:
    """Add a point an account to the batch, as of the batch; an account whose worth is not known, or that never had money, has none.

    The batch itself must move no money: its postings are not in the table yet, its balances are in memory already.
    """
    flows: dict[int, list[tuple[int, int]]] = {}
    for account_id, asset_id, amount in cursor.execute(_FLOWS).fetchall():
        flows.setdefault(account_id, []).append((asset_id, to_amount(amount)))
    for account in world.accounts.values():
        known, equity, _, peak, _ = core.equity(account.id)
        flow = _flow(core, account, flows.get(account.id, []))
        if known and equity is not None and flow is not None and (peak or equity or flow):
            batch.equity.append(
                (account.id, account.owner_id, batch.at_ns, equity, flow)
            )  # fmt: skip


def _flow(core: Core, account: AccountSpec, amounts: list[tuple[int, int]]) -> int | None:
    worths = [core.convert(account.id, asset_id, account.reporting_asset_id, amount) for asset_id, amount in amounts]
    return None if None in worths else sum(worth for worth in worths if worth is not None)
