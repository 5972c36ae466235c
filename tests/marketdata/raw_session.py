"""A made-up raw Binance session of the shape people record: differences, trades, best prices, the REST book in the middle.

The exchange's book changes one update id at a time; every message is cut from that one history, so a reader that puts the
ids together rightly ends with the exchange's own book (`Exchange.bids`, `.asks`), and one that does not crosses it.
"""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

FIRST_MS = 1_723_161_255_000


class Exchange:
    """The true book, by update ids."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.u = 5_000
        self.middle = 6_000_000
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.changed: set[tuple[str, int]] = set()
        for step in range(1, 80):
            self.set("b", self.middle - step, self.random.randint(1, 200_000))
            self.set("a", self.middle + step, self.random.randint(1, 200_000))

    def set(self, side: str, ticks: int, lots: int) -> None:
        book = self.bids if side == "b" else self.asks
        self.u += 1
        self.changed.add((side, ticks))
        if lots:
            book[ticks] = lots
        else:
            book.pop(ticks, None)

    def live(self) -> tuple[str, int, int] | None:
        """One thing happens; a trade is (taker's side, ticks, lots)."""
        draw = self.random.random()
        bid, ask = max(self.bids), min(self.asks)
        if draw < 0.15:
            taker = self.random.choice("ba")
            book, at = (self.asks, ask) if taker == "b" else (self.bids, bid)
            lots = min(book[at], self.random.randint(1, 60_000))
            self.set("a" if taker == "b" else "b", at, book[at] - lots)
            return taker, at, lots
        side = self.random.choice("ba")
        book = self.bids if side == "b" else self.asks
        if draw < 0.45 and len(book) > 60:
            self.set(side, self.random.choice(sorted(book, reverse=side == "b")[:30]), 0)
        else:
            nearest = ask - 1 if side == "b" else bid + 1
            away = int(self.random.expovariate(0.1)) * (-1 if side == "b" else 1)
            self.set(side, nearest + away, self.random.randint(1, 200_000))
        return None

    def difference(self, first_u: int, at_ms: int) -> dict[str, Any]:
        rows: dict[str, list[list[str]]] = {"b": [], "a": []}
        for side, ticks in sorted(self.changed):
            rows[side].append([price(ticks), quantity((self.bids if side == "b" else self.asks).get(ticks, 0))])
        self.changed.clear()
        return {"e": "depthUpdate", "E": at_ms, "s": "BTCUSDT", "U": first_u, "u": self.u, **rows}

    def whole(self) -> dict[str, Any]:
        bids = [[price(at), quantity(self.bids[at])] for at in sorted(self.bids, reverse=True)]
        asks = [[price(at), quantity(self.asks[at])] for at in sorted(self.asks)]
        return {"lastUpdateId": self.u, "bids": bids, "asks": asks}


def price(ticks: int) -> str:
    return f"{ticks // 100}.{ticks % 100:02d}000000"


def quantity(lots: int) -> str:
    return f"{lots // 100_000}.{lots % 100_000:05d}000"


def session(seed: int, moments: int = 200) -> tuple[list[str], Exchange]:
    """Lines of `moments` tenths of a second, and the exchange as it is at the end."""
    exchange = Exchange(seed)
    exchange.changed.clear()
    draw, lines, rest, trade_no = exchange.random, [], None, 0

    def line(at_us: int, stream: str, data: dict[str, Any]) -> None:
        body = {"stream": f"btcusdt@{stream}", "data": data} if stream else data
        lines.append(f"{(FIRST_MS - 1300) * 1_000_000 + at_us * 1000} {json.dumps(body, separators=(',', ':'))}")

    for moment in range(moments):
        first_u = exchange.u + 1
        for step in range(draw.randint(1, 12)):
            at_us = moment * 100_000 + step * 7_000
            traded = exchange.live()
            if draw.random() < 0.7 or traded:
                bid, ask = max(exchange.bids), min(exchange.asks)
                tops = {
                    "b": price(bid),
                    "B": quantity(exchange.bids[bid]),
                    "a": price(ask),
                    "A": quantity(exchange.asks[ask]),
                }
                line(at_us, "bookTicker", {"u": exchange.u, "s": "BTCUSDT", **tops})
            if traded:
                trade_no += 1
                taker, at, lots = traded
                data = {"e": "trade", "E": FIRST_MS + at_us // 1000, "s": "BTCUSDT", "t": trade_no, "p": price(at)}
                line(
                    at_us,
                    "trade",
                    {**data, "q": quantity(lots), "T": FIRST_MS + at_us // 1000, "m": taker == "a", "M": True},
                )
            if moment == 5 and step == 0:
                rest = exchange.whole()  # asked for in the middle of a difference
        line(moment * 100_000 + 99_000, "depth@100ms", exchange.difference(first_u, FIRST_MS + moment * 100 + 100))
        if moment == 9 and rest is not None:
            line(moment * 100_000 + 99_500, "", rest)  # and answered when four more have come
    return lines, exchange


def write_session(path: Path, seed: int, moments: int = 200) -> Exchange:
    """The same as a .gz file."""
    lines, exchange = session(seed, moments)
    with gzip.open(path, "wt") as out:
        out.write("\n".join(lines) + "\n")
    return exchange
