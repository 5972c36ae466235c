"""The orders a run sends: small limit orders that rest far from the touch, or small ones that fill against the market."""

from __future__ import annotations

import itertools
import uuid
from typing import NamedTuple

from marketdata.models import Instrument
from marketdata.precision import text
from orders.models import Account

CANCEL_EVERY = 5  # one order of so many is canceled later
LOTS = 20
RESTS_AT = (0.90, 0.99)  # of the last price, and as far above it


class Made(NamedTuple):
    """One order, in steps and in words."""

    request_id: str
    side: str
    price_ticks: int
    quantity_lots: int


class Maker:
    """Endless orders of one account on one instrument; every request_id is new for ever."""

    def __init__(self, account: Account, spec: Instrument, key_id: int, touch: int, fills: bool) -> None:
        self.owner_id, self.account_id, self.account = account.owner_id, account.pk, account.name
        self.key_id, self.fills = key_id, fills
        self.instrument_id, self.spec_version = spec.pk, spec.spec_version
        self.exchange, self.symbol = spec.exchange.name, spec.symbol
        self.wanted = "filled" if fills else "new"
        self._tick, self._lot = spec.tick_size, spec.lot_size
        self._run = uuid.uuid4().hex[:10]
        self._numbers = itertools.count(1)
        self._accepted = itertools.count(1)
        low, high = (round(share * touch) for share in RESTS_AT)
        self._bids, self._asks = (low, high - low), (2 * touch - high, high - low)
        self._crossing = (round(touch * 1.02), round(touch * 0.98))

    def price(self, ticks: int) -> str:
        """As the API takes it."""
        return text(ticks, self._tick)

    def quantity(self, lots: int) -> str:
        """As the API takes it."""
        return text(lots, self._lot)

    def order(self) -> Made:
        """The next one; sides in turn."""
        number = next(self._numbers)
        side = "buy" if number & 1 else "sell"
        if self.fills:
            price = self._crossing[0 if side == "buy" else 1]
        else:
            start, width = self._bids if side == "buy" else self._asks
            price = start + number * 7919 % width
        return Made(f"{self._run}-{number}", side, price, LOTS)

    def counts(self, body: bytes) -> bool:
        """Whether the answer is of an order as wanted: resting, or with a fill."""
        return (b'"status":"filled"' in body) if self.fills else (b'"status":"new"' in body)

    def cancels_now(self) -> bool:
        """Whether the order just accepted is one of those to cancel."""
        return not self.fills and next(self._accepted) % CANCEL_EVERY == 0
