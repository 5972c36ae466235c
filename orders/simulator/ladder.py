"""One side of the agents' depth in one book: at most one order at a price, nearest first.

Both sides are written once by counting prices away from the middle: a key is the price on the ask side and minus the
price on the bid side, so that a smaller key is always the better quote. Pure but for the core it places orders in.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable

from orders import _core
from orders.simulator.tape import AGENT_BIT

_PRICE_MAX = 1 << 62


class Ladder:
    """The resting orders of an instrument's market makers on one side. `sign` is +1 for asks and -1 for bids."""

    __slots__ = (
        "_core", "_instrument", "_next_no", "_places", "_spec_version", "keys", "lots", "numbers", "side", "sign",
    )  # fmt: skip

    def __init__(
        self,
        core: _core.Core,
        instrument: int,
        spec_version: int,
        side: int,
        next_no: Callable[[], int],
        places: dict[int, tuple[Ladder, int]],
    ) -> None:
        self._core = core
        self._instrument = instrument
        self._spec_version = spec_version
        self._next_no = next_no
        self._places = places  # order_no -> (ladder, key), shared by all ladders: a print names only the order
        self.side = side
        self.sign = 1 if side == _core.SIDE_SELL else -1
        self.keys: list[int] = []
        self.numbers: dict[int, int] = {}
        self.lots: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.keys)

    def number(self) -> int:
        """A fresh order_no of the agents'."""
        return AGENT_BIT | self._next_no()

    def place(self, key: int, lots: int, at_ns: int) -> bool:
        """Quote at a key where none of the agents' orders stands. False when the core refused it (a halted instrument)."""
        ticks = key * self.sign
        if not 0 < ticks < _PRICE_MAX:
            return False
        number = self.number()
        reason = self._core.place(
            at_ns, number, 0, self._instrument, self._spec_version, self.side, _core.TYPE_LIMIT, _core.TIF_GTC,
            _core.FLAG_AGENT, 0, ticks, lots,
        )  # fmt: skip
        if reason:
            return False
        insort(self.keys, key)
        self.numbers[key] = number
        self.lots[key] = lots
        self._places[number] = (self, key)
        return True

    def cancel(self, key: int, at_ns: int) -> None:
        """Take the quote at a key away."""
        self._core.cancel(at_ns, self.numbers[key])
        self._forget(key)

    def hit(self, key: int, lots: int) -> None:
        """A print took `lots` of the quote at a key."""
        left = self.lots[key] - lots
        if left > 0:
            self.lots[key] = left
        else:
            self._forget(key)

    def clear(self, at_ns: int) -> None:
        """Take every quote away."""
        for key in list(self.keys):
            self.cancel(key, at_ns)

    def free_key(self, key: int) -> int:
        """The nearest key from `key` outwards where no quote of the agents stands."""
        at = bisect_left(self.keys, key)
        while at < len(self.keys) and self.keys[at] == key:
            key += 1
            at += 1
        return key

    def _forget(self, key: int) -> None:
        self.keys.pop(bisect_left(self.keys, key))
        self._places.pop(self.numbers.pop(key))
        del self.lots[key]
