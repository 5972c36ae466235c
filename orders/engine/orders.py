"""The orders an engine works with: the open ones always, the newest closed ones for a while, the rest in PostgreSQL."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from orders.conditions import BASIS_POINT, NO_TERMS, PRICED
from orders.engine.reports import FINAL
from orders.engine.world import AccountSpec, InstrumentSpec
from orders.messages import Terms

CLOSED_KEPT = 10_000


@dataclass(slots=True)
class LiveOrder:
    """One order: what the core keeps of it, and what the core need not know."""

    id: uuid.UUID
    order_no: int
    account: AccountSpec
    instrument: InstrumentSpec
    request_id: str
    type: str
    side: str
    time_in_force: str
    price_ticks: int
    quantity_lots: int
    created_ns: int
    updated_ns: int
    key_id: int | None = None
    order_id: str = ""
    user_id: str = ""
    exchange_order_id: str = ""
    exchange_client_id: str = ""
    strategy_id: str = ""
    source: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    status: str = "pending_new"
    filled_lots: int = 0
    cost: int = 0
    fee: int = 0  # in the settle asset
    other_fees: dict[str, str] = field(default_factory=dict)  # what an exchange took in other assets, by code
    reason: dict[str, str] | None = None
    terms: Terms = NO_TERMS
    post_only: bool = False
    reduce_only: bool = False
    parent_id: uuid.UUID | None = None
    triggered_ns: int = 0
    seq: int = 0
    stored: bool = False

    @property
    def is_open(self) -> bool:
        """Not in a final state: it may still fill."""
        return self.status not in FINAL

    @property
    def price(self) -> Decimal | None:
        """The limit price; None for a type that has none."""
        return self.price_ticks * self.instrument.tick_size if self.type in PRICED else None

    @property
    def trail_amount(self) -> Decimal | None:
        """How far a trailing stop follows, in price; None where it follows by a share, or not at all."""
        return None if self.terms.trail_percent else self.at(self.terms.trail)

    @property
    def trail_percent(self) -> Decimal | None:
        """How far it follows, in percent of the price."""
        return self.terms.trail * BASIS_POINT if self.terms.trail_percent else None

    def at(self, ticks: int) -> Decimal | None:
        """One of its prices; None for a condition it has not."""
        return ticks * self.instrument.tick_size if ticks else None

    @property
    def quantity(self) -> Decimal:
        """What was asked."""
        return self.quantity_lots * self.instrument.lot_size

    @property
    def filled_quantity(self) -> Decimal:
        """What was done."""
        return self.filled_lots * self.instrument.lot_size


class Orders:
    """The orders in memory, found by number, id, or (account, request_id)."""

    def __init__(self) -> None:
        self._by_no: dict[int, LiveOrder] = {}
        self._by_id: dict[uuid.UUID, LiveOrder] = {}
        self._by_request: dict[tuple[int, str], LiveOrder] = {}
        self._closed: OrderedDict[int, LiveOrder] = OrderedDict()

    def add(self, order: LiveOrder) -> None:
        """Remember a new order."""
        self._by_no[order.order_no] = order
        self._by_id[order.id] = order
        self._by_request[order.account.id, order.request_id] = order

    def close(self, order: LiveOrder) -> None:
        """An order became final: keep it among the newest closed ones, forget the oldest of those."""
        self._closed[order.order_no] = order
        while len(self._closed) > CLOSED_KEPT:
            _, oldest = self._closed.popitem(last=False)
            del self._by_no[oldest.order_no]
            del self._by_id[oldest.id]
            del self._by_request[oldest.account.id, oldest.request_id]

    def by_no(self, order_no: int) -> LiveOrder | None:
        """The order with this number in the core."""
        return self._by_no.get(order_no)

    def by_id(self, order_id: uuid.UUID) -> LiveOrder | None:
        """The order with our id."""
        return self._by_id.get(order_id)

    def by_request(self, account_id: int, request_id: str) -> LiveOrder | None:
        """The order placed under this request_id."""
        return self._by_request.get((account_id, request_id))

    def open(self) -> list[LiveOrder]:
        """Every open order, oldest first."""
        return [order for order in self._by_no.values() if order.is_open]

    def respecify(self, accounts: dict[int, AccountSpec], instruments: dict[int, InstrumentSpec]) -> None:
        """Point every order at the newest picture of its account and instrument; one made under other steps keeps those."""
        for order in self._by_no.values():
            order.account = accounts.get(order.account.id, order.account)
            newest = instruments.get(order.instrument.id)
            if newest is not None and newest.spec_version == order.instrument.spec_version:
                order.instrument = newest
