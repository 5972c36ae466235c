"""Our open orders beside what the exchange says of them -> what our side has missed. Pure.

Four laws: a fill is missing only when the exchange names one whose id we do not have; fills younger than a moment are
left alone, for their own report may be on its way; an order is declared over only when the exchange has neither it nor
a fill of it that we still lack; what the numbers cannot explain is a difference for a person, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orders.exchanges.base import ExchangeFill, Sighting

SETTLE_NS = 2_000_000_000  # after local activity, before anything is inferred
CANCELED = "4"


@dataclass(frozen=True, slots=True)
class OurOrder:
    """An open order as our rows have it: `trade_ids` are the fills we know."""

    key: Any  # whatever names the order to the caller; handed back untouched
    exchange_order_id: str
    quantity_lots: int
    filled_lots: int
    trade_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Missed:
    """What an order of ours has not heard: fills to apply, and the exec_type of its end ('' = it still stands)."""

    key: Any
    fills: tuple[ExchangeFill, ...] = ()
    closed: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """Numbers that no known fill explains."""

    key: Any
    ours_remaining: int
    theirs_remaining: int


def reconcile(
    ours: Iterable[OurOrder], theirs: Mapping[str, Sighting], now_ns: int, settle_ns: int = SETTLE_NS
) -> tuple[list[Missed], list[Difference]]:
    """Compare each order with its sighting, by exchange_order_id. An order nobody asked about (no sighting) is left
    alone.
    """
    missed: list[Missed] = []
    differences: list[Difference] = []
    for order in ours:
        sighting = theirs.get(order.exchange_order_id)
        if sighting is None:
            continue
        unheard = [fill for fill in sighting.fills if fill.exchange_trade_id not in order.trade_ids]
        settled = tuple(fill for fill in unheard if fill.at_ns <= now_ns - settle_ns)
        if len(settled) < len(unheard):
            continue
        filled = order.filled_lots + sum(fill.quantity_lots for fill in settled)
        remaining = order.quantity_lots - filled
        stands = sighting.order is not None and sighting.order.open
        theirs_remaining = 0 if sighting.order is None else sighting.order.remaining_lots
        if remaining < 0 or (stands and theirs_remaining != remaining):
            differences.append(Difference(order.key, order.quantity_lots - order.filled_lots, theirs_remaining))
            if remaining < 0 or not settled:
                continue
        closed = "" if stands or remaining <= 0 else CANCELED
        if settled or closed:
            missed.append(Missed(order.key, settled, closed))
    return missed, differences
