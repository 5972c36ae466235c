"""The public prints of the market half: decoded once, then kept for whoever needs them.

Every print waits for the publisher. A print on an order of a user is also the exchange's own record of that execution:
what `fills` and `fetch_order` of the simulated exchange are answered from, whatever the account half came to believe.
Pure.
"""

from __future__ import annotations

import struct
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import NamedTuple

AGENT_BIT = 1 << 63  # top bit of an order_no: an agent's
USER_TRADES_MAX = 100_000
WAITING_MAX = 200_000  # prints nobody came for: the oldest go, the publisher's book heals at the next snapshot


class Print(NamedTuple):
    """One execution between two orders, in the order of core_tape's bytes. `side` is the taker's: 0 buy, 1 sell."""

    trade_no: int
    at_ns: int
    taker_no: int
    maker_no: int
    instrument: int
    side: int
    pad0: int
    pad1: int
    pad2: int
    ticks: int
    lots: int
    taker_flags: int
    maker_flags: int
    seq: int


class UserTrade(NamedTuple):
    """One execution of a user's order as the exchange remembers it."""

    trade_no: int
    at_ns: int
    order_no: int
    instrument: int
    side: int
    ticks: int
    lots: int
    maker: bool


class Tape:
    """Drains nothing itself: `feed` it the bytes of core.tape(). Not thread-safe."""

    def __init__(self, layout: str) -> None:
        self._record = struct.Struct(layout)
        self._waiting: deque[Print] = deque(maxlen=WAITING_MAX)
        self._trades: deque[UserTrade] = deque()
        self._by_order: defaultdict[int, list[UserTrade]] = defaultdict(list)

    def feed(self, raw: bytes) -> list[Print]:
        """Take new prints in; the same prints, decoded."""
        prints = [Print._make(fields) for fields in self._record.iter_unpack(raw)]
        self._waiting.extend(prints)
        for one in prints:
            if one.taker_no < AGENT_BIT:
                self._remember(one, one.taker_no, one.side, False)
            if one.maker_no < AGENT_BIT:
                self._remember(one, one.maker_no, 1 - one.side, True)
        return prints

    def take(self) -> list[Print]:
        """The prints since the last call, for the publisher."""
        prints = list(self._waiting)
        self._waiting.clear()
        return prints

    def of_order(self, order_no: int) -> list[UserTrade]:
        """What a user's order has traded since this process started, oldest first."""
        return list(self._by_order.get(order_no, ()))

    def since(self, at_ns: int) -> Iterator[UserTrade]:
        """Users' executions at or after a moment, newest first."""
        for trade in reversed(self._trades):
            if trade.at_ns < at_ns:
                return
            yield trade

    def _remember(self, one: Print, order_no: int, side: int, maker: bool) -> None:
        trade = UserTrade(one.trade_no, one.at_ns, order_no, one.instrument, side, one.ticks, one.lots, maker)
        self._trades.append(trade)
        self._by_order[order_no].append(trade)
        if len(self._trades) > USER_TRADES_MAX:
            oldest = self._trades.popleft()
            rest = self._by_order[oldest.order_no]
            rest.pop(0)
            if not rest:
                del self._by_order[oldest.order_no]
