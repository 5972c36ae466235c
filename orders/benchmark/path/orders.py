"""The orders a run sends: small limit orders that rest far from the touch, or small ones that fill against the market."""

from __future__ import annotations

import itertools
import uuid
from typing import NamedTuple

CANCEL_EVERY = 5  # one order of so many is canceled later
RESTS_AT = (0.90, 0.99)  # of the best bid, and as far above the best ask


class Made(NamedTuple):
    """One order, in steps and in words."""

    request_id: str
    side: str
    price_ticks: int
    quantity_lots: int


class Maker:
    """Endless orders of one account on one instrument; every request_id is new for ever."""

    def __init__(
        self, *, owner_id: int, account_id: int, key_id: int, instrument_id: int, spec_version: int, bid: int, ask: int,
        lots: int, fills: bool,
    ) -> None:  # fmt: skip
        self.owner_id, self.account_id, self.key_id = owner_id, account_id, key_id
        self.instrument_id, self.spec_version = instrument_id, spec_version
        self.lots, self.fills = lots, fills
        self._run = uuid.uuid4().hex[:10]
        self._numbers = itertools.count(1)
        self._accepted = itertools.count(1)
        low, high = (round(share * bid) for share in RESTS_AT)
        mirrored = (2 * ask - high, 2 * ask - low)
        self._bids, self._asks = (low, high - low), (mirrored[0], mirrored[1] - mirrored[0])
        self._crossing = (round(ask * 1.02), round(bid * 0.98))

    def order(self) -> Made:
        """The next one; sides in turn."""
        number = next(self._numbers)
        side = "buy" if number & 1 else "sell"
        if self.fills:
            price = self._crossing[0 if side == "buy" else 1]
        else:
            start, width = self._bids if side == "buy" else self._asks
            price = start + number * 7919 % width
        return Made(f"{self._run}-{number}", side, price, self.lots)

    def counts(self, body: bytes) -> bool:
        """Whether the answer is of an order as wanted: resting, or with a fill."""
        return (b'"status":"filled"' in body) if self.fills else (b'"status":"new"' in body)

    def cancels_now(self) -> bool:
        """Whether the order just accepted is one of those to cancel."""
        return not self.fills and next(self._accepted) % CANCEL_EVERY == 0
