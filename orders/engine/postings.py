"""Double entries: what an event writes into the ledger, as legs that sum to zero in every asset. Pure.

A leg is of a book: `account` is the person's own; against it stand `exchange` (whoever traded with them), `fees`,
`opening` (where paper money comes from) and `rounding` (the units that inverse contracts cannot divide). What a margin
account borrowed is its own book below zero.

A spot fill moves base and quote. A contract moves nothing until something of it is realised; so once everybody is flat, the
exchange's book of it is exactly zero, and what rounding took from the sides of its fills stands under `rounding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from orders.engine.batch import Batch
from orders.engine.world import AccountSpec, InstrumentSpec

ACCOUNT, EXCHANGE, FEES, OPENING, ROUNDING = "account", "exchange", "fees", "opening", "rounding"

#: ledger kind -> the book that money of that kind comes from or goes to, when the account's own changes by it
OTHER_SIDE = {
    "opening": OPENING,
    "transfer": OPENING,
    "adjustment": OPENING,
    "funding": EXCHANGE,  # what holders of a contract pay each other: profit or loss, no flow
}


class Leg(NamedTuple):
    """One side of an entry; amounts are of 10^-18."""

    book: str
    asset_id: int
    kind: str
    amount: int


def pair(asset_id: int, kind: str, amount: int, other: str) -> Iterator[Leg]:
    """The account's leg and the one against it; none of nothing."""
    if amount:
        yield Leg(ACCOUNT, asset_id, kind, amount)
        yield Leg(other, asset_id, kind, -amount)


def of_fill(
    spec: InstrumentSpec, side: str, ticks: int, lots: int, realised: int, fee: int, fee_asset_id: int
) -> list[Leg]:
    """The legs of one execution; the fee is an entry of its own, in its own asset."""
    notional, remainder = spec.notional(side, ticks, lots)
    legs: list[Leg] = []
    if spec.is_contract:
        legs += pair(spec.settle_id, "trade", realised, EXCHANGE)
        if remainder:
            legs.append(Leg(EXCHANGE, spec.settle_id, "trade", -remainder))
            legs.append(Leg(ROUNDING, spec.settle_id, "trade", remainder))
    else:
        sign = 1 if side == "buy" else -1
        legs += pair(spec.base_id, "trade", sign * lots * spec.base_unit, EXCHANGE)
        legs += pair(spec.quote_id, "trade", -sign * notional, EXCHANGE)
    legs += pair(fee_asset_id, "fee", -fee, FEES)
    return legs


def write(batch: Batch, account: AccountSpec, legs: Iterable[Leg], journal_seq: int, fill_id: Any = None) -> None:
    """Ledger rows of these legs."""
    for book, asset_id, kind, amount in legs:
        batch.ledger.append(
            (batch.at_ns, account.owner_id, account.id, book, asset_id, kind, amount, journal_seq, fill_id)
        )
