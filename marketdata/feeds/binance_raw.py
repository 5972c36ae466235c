"""A recorded Binance spot session, line by line: `<local ns> <json>`, of depth differences, trades, best prices, and the
book as REST told it once.

The book is put together by update ids, as Binance says: differences received before the REST book are kept and those
older than it dropped; the first to be applied must reach into it, each next one begin where the last ended. A best price
carries its own update id: older than the book it is dropped, newer it stands until the differences have passed it. Best
prices and the REST book carry no time, so they count as the newest moment told before them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from marketdata.blocks import BUY, SELL
from marketdata.feeds.base import BookLost, BookSeen, DepthEvent, Levels, LevelsSeen, PrintSeen, TopSeen

_decode = msgspec.json.Decoder().decode
MS = 1_000_000
EARLY_MAX = 10_000  # differences kept while no REST book came: a quarter of an hour of them


class Line(NamedTuple):
    """One line: when it was received, and what was received."""

    local_ns: int
    message: dict[str, Any]


class NotALine(ValueError):
    """Something else than `<local ns> <json>`."""


def parse(text: bytes) -> Line:
    """A line of a capture. NotALine when it is none."""
    moment, _, body = text.partition(b" ")
    try:
        message = _decode(body)
        return Line(int(moment), message if isinstance(message, dict) else {})
    except (ValueError, msgspec.DecodeError) as error:
        raise NotALine(str(error)) from error


def symbol_of(message: dict[str, Any]) -> str | None:
    """What the exchange calls the instrument of a message, as BTCUSDT."""
    found = message.get("data", message).get("s")
    return found if isinstance(found, str) else None


class Session:
    """One instrument's messages -> events."""

    def __init__(self, instrument_id: int) -> None:
        self._id = instrument_id
        self._early: list[dict[str, Any]] | None = []  # differences before the REST book; None once there is one
        self._book_u = 0
        self._top: tuple[int, tuple[Decimal, Decimal], tuple[Decimal, Decimal]] | None = None
        self.at_ns = 0
        self.lost = 0

    def events(self, message: dict[str, Any]) -> Iterator[DepthEvent]:
        """What a message says; nothing for one that says nothing new."""
        data = message.get("data", message)
        if data.get("e") == "trade":
            self._reach(data["T"])
            side = SELL if data["m"] else BUY
            yield PrintSeen(self._id, data["T"] * MS, side, Decimal(data["p"]), Decimal(data["q"]))
        elif data.get("e") == "depthUpdate":
            self._reach(data["E"])
            yield from self._difference(data)
        elif "lastUpdateId" in data:
            yield from self._whole(data)
        elif {"u", "b", "B", "a", "A"} <= data.keys():
            yield from self._best(data)

    def _reach(self, moment_ms: int) -> None:
        self.at_ns = max(self.at_ns, moment_ms * MS)

    def _whole(self, data: dict[str, Any]) -> Iterator[DepthEvent]:
        early, self._top = self._early or [], None
        self._book_u, self._early = data["lastUpdateId"], None
        yield BookSeen(self._id, self.at_ns, _levels(data["bids"]), _levels(data["asks"]))
        for difference in early:
            yield from self._difference(difference)

    def _difference(self, data: dict[str, Any]) -> Iterator[DepthEvent]:
        if self._early is not None:
            if (
                len(self._early) < EARLY_MAX
            ):  # with a hole in it the REST book is not reached, and that is told as a gap
                self._early.append(data)
            return
        if data["u"] <= self._book_u:
            return
        if data["U"] > self._book_u + 1:
            self._early, self._top = [data], None
            self.lost += 1
            yield BookLost(self._id, data["E"] * MS)
            return
        self._book_u = data["u"]
        bids, asks = _levels(data["b"]), _levels(data["a"])
        if self._top is not None and self._top[0] > self._book_u:
            _, bid, ask = self._top  # newer than the difference: it keeps what it said
            bids = [level for level in bids if level[0] < bid[0]]
            asks = [level for level in asks if level[0] > ask[0]]
        yield LevelsSeen(self._id, data["E"] * MS, bids, asks)

    def _best(self, data: dict[str, Any]) -> Iterator[DepthEvent]:
        if self._early is not None or data["u"] <= self._book_u:
            return
        bid, ask = (Decimal(data["b"]), Decimal(data["B"])), (Decimal(data["a"]), Decimal(data["A"]))
        self._top = (data["u"], bid, ask)
        yield TopSeen(self._id, self.at_ns, bid, ask)


def _levels(rows: list[list[str]]) -> Levels:
    return [(Decimal(price), Decimal(quantity)) for price, quantity in rows]
