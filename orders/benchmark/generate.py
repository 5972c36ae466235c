"""Makes command streams: python -m orders.benchmark.generate OUT --symbols 1 --target 5000 --seed 42 --commands 2000000.

A seeded market in plain Python: it decides what traders do by looking at a slow, obvious book of its own, so the header
it writes (trades, quantity, live orders, hash of the trades) judges the core. The same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import math
import struct
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

WORD = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
MAGIC = 0x4C4F423100000000
HEADER = struct.Struct("<8Q")
RECORD = struct.Struct("<BBHIQQQ")
LIMIT, CANCEL, AMEND, IOC, MARKET = range(5)
BUY, SELL = 0, 1
FLUSH_RECORDS = 1 << 16
ACCOUNTS = 64


class SplitMix:
    """splitmix64: one draw a use."""

    def __init__(self, seed: int) -> None:
        self.state = seed & WORD

    def draw(self) -> int:
        self.state = (self.state + GOLDEN) & WORD
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
        return z ^ (z >> 31)

    def unit(self) -> float:
        return (self.draw() >> 11) * 2.0**-53

    def below(self, n: int) -> int:
        return self.draw() % n

    def geometric(self, mean: float) -> int:
        return math.floor(math.log1p(-self.unit()) / math.log1p(-1.0 / (1.0 + mean)))


@dataclass
class Resting:
    """One standing order; `place` is its index in the list of live ones."""

    order_no: int
    side: int
    price: int
    quantity: int
    place: int


@dataclass
class Book:
    """Queues by price, and the live orders in no particular order so that one can be drawn."""

    middle: int
    levels: tuple[dict[int, dict[int, Resting]], dict[int, dict[int, Resting]]] = field(
        default_factory=lambda: ({}, {})
    )
    prices: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    live: list[Resting] = field(default_factory=list)

    def best(self, side: int) -> int | None:
        prices = self.prices[side]
        if not prices:
            return None
        return prices[-1] if side == BUY else prices[0]

    def rest(self, order_no: int, side: int, price: int, quantity: int) -> None:
        level = self.levels[side].get(price)
        if level is None:
            level = self.levels[side][price] = {}
            insort(self.prices[side], price)
        order = Resting(order_no, side, price, quantity, len(self.live))
        level[order_no] = order
        self.live.append(order)

    def remove(self, order: Resting) -> None:
        last = self.live.pop()
        if last is not order:
            self.live[order.place] = last
            last.place = order.place
        level = self.levels[order.side][order.price]
        del level[order.order_no]
        if not level:
            del self.levels[order.side][order.price]
            prices = self.prices[order.side]
            del prices[bisect_left(prices, order.price)]


@dataclass
class Traded:
    """What all trades of the stream come to."""

    trades: int = 0
    quantity: int = 0
    hash: int = 0
    bought: list[int] = field(default_factory=lambda: [0] * ACCOUNTS)
    received: list[int] = field(default_factory=lambda: [0] * ACCOUNTS)

    def add(self, side: int, taker: int, maker: int, price: int, quantity: int) -> None:
        for number, sign in ((taker, 1 - 2 * side), (maker, 2 * side - 1)):
            self.bought[number % ACCOUNTS] += sign * quantity
            self.received[number % ACCOUNTS] -= sign * quantity * price
        self.trades += 1
        self.quantity += quantity
        self.hash = (self.hash * GOLDEN + 31 * taker + 17 * maker + 7 * price + quantity) & WORD

    def positions(self) -> int:
        """The hash of what each account bought and received."""
        h = 0
        for bought, received in zip(self.bought, self.received, strict=True):
            h = ((h * GOLDEN + bought) * GOLDEN + received) & WORD
        return h


@dataclass(frozen=True)
class Shape:
    """How far from the middle orders lie, how far the middle moves, and how many orders a book holds."""

    symbols: int
    target: int
    distance: float = 20.0
    step: int = 1
    start: int = 100_000


class Market:
    """Draws what happens next and writes it down."""

    def __init__(self, shape: Shape, seed: int, out: BinaryIO) -> None:
        self.shape = shape
        self.random = SplitMix(seed)
        self.out = out
        self.books = [Book(shape.start) for _ in range(shape.symbols)]
        self.traded = Traded()
        self.next_order = 1
        self.written = 0
        self.pending: list[bytes] = []

    def emit(self, op: int, side: int, symbol: int, quantity: int, price: int, order_no: int) -> None:
        self.pending.append(RECORD.pack(op, side, symbol, quantity, price, order_no, 0))
        self.written += 1
        if len(self.pending) >= FLUSH_RECORDS:
            self.flush()

    def flush(self) -> None:
        self.out.write(b"".join(self.pending))
        self.pending.clear()

    def passive_price(self, book: Book, side: int) -> int:
        distance = 1 + self.random.geometric(self.shape.distance)
        opposite = book.best(1 - side)
        if side == BUY:
            price = book.middle - distance
            return price if opposite is None or price < opposite else opposite - 1
        price = book.middle + distance
        return price if opposite is None or price > opposite else opposite + 1

    def passive(self, symbol: int) -> None:
        book = self.books[symbol]
        side = self.random.below(2)
        price = self.passive_price(book, side)
        quantity = 1 + self.random.below(100)
        order_no = self.take_number()
        self.emit(LIMIT, side, symbol, quantity, price, order_no)
        book.rest(order_no, side, price, quantity)

    def take_number(self) -> int:
        number = self.next_order
        self.next_order += 1
        return number

    def any_live(self, book: Book) -> Resting:
        return book.live[self.random.below(len(book.live))]

    def cancel(self, symbol: int) -> None:
        book = self.books[symbol]
        order = self.any_live(book)
        self.emit(CANCEL, order.side, symbol, 0, order.price, order.order_no)
        book.remove(order)

    def amend(self, symbol: int) -> None:
        book = self.books[symbol]
        order = self.any_live(book)
        if self.random.unit() < 0.6 and order.quantity > 1:
            order.quantity = 1 + self.random.below(order.quantity - 1)
            self.emit(AMEND, order.side, symbol, order.quantity, order.price, order.order_no)
            return
        book.remove(order)
        price = self.passive_price(book, order.side)
        if price == order.price:
            price += -1 if order.side == BUY else 1
        self.emit(AMEND, order.side, symbol, order.quantity, price, order.order_no)
        book.rest(order.order_no, order.side, price, order.quantity)

    def aggressive(self, symbol: int, bid: int, ask: int) -> None:
        book, random = self.books[symbol], self.random
        kind = random.unit()
        seen = (bid + ask) // 2
        lean = 0.3 if book.middle > seen else -0.3 if book.middle < seen else 0.0
        side = BUY if random.unit() < 0.5 + lean else SELL
        quantity = 1 + random.below(50) if random.unit() < 0.9 else 1 + random.below(250)
        order_no = self.take_number()
        through = random.below(4)
        price = ask + through if side == BUY else bid - through
        if kind >= 0.8:
            self.emit(MARKET, side, symbol, quantity, 0, order_no)
            self.match(book, order_no, side, None, quantity)
            return
        self.emit(LIMIT if kind < 0.4 else IOC, side, symbol, quantity, price, order_no)
        left = self.match(book, order_no, side, price, quantity)
        if left and kind < 0.4:
            book.rest(order_no, side, price, left)

    def match(self, book: Book, taker: int, side: int, limit: int | None, left: int) -> int:
        while left:
            price = book.best(1 - side)
            if price is None or (limit is not None and (price > limit if side == BUY else price < limit)):
                break
            maker = next(iter(book.levels[1 - side][price].values()))
            lots = min(left, maker.quantity)
            self.traded.add(side, taker, maker.order_no, price, lots)
            left -= lots
            maker.quantity -= lots
            if not maker.quantity:
                book.remove(maker)
        return left

    def happen(self) -> None:
        """One command."""
        random, shape = self.random, self.shape
        symbol = random.below(shape.symbols) if shape.symbols > 1 else 0
        book = self.books[symbol]
        if random.unit() < 0.02:
            book.middle = max(1000, book.middle + (shape.step if random.below(2) else -shape.step))
        pull = max(-1.0, min(1.0, (shape.target - len(book.live)) / (0.1 * shape.target)))
        add, cancel = 0.45 + 0.05 * pull, 0.40 - 0.05 * pull
        what = random.unit()
        ask, bid = book.best(SELL), book.best(BUY)
        if what < add:
            self.passive(symbol)
        elif what < add + cancel:
            self.cancel(symbol)
        elif what < add + cancel + 0.05:
            self.amend(symbol)
        else:
            self.aggressive(symbol, book.middle - 1 if bid is None else bid, book.middle + 1 if ask is None else ask)


def generate(path: Path, shape: Shape, *, seed: int, commands: int) -> dict[str, int]:
    """Write the stream; what its header says."""
    with path.open("wb") as out:
        out.write(bytes(HEADER.size))
        market = Market(shape, seed, out)
        for n in range(shape.target * shape.symbols):
            market.passive(n % shape.symbols)
        preload = market.written
        for _ in range(commands):
            market.happen()
        market.flush()
        traded = market.traded
        live = sum(len(book.live) for book in market.books)
        out.seek(0)
        out.write(
            HEADER.pack(
                MAGIC, market.written, preload, shape.symbols, traded.trades, traded.quantity, live, traded.hash
            )
        )
    said = {"trades": traded.trades, "quantity": traded.quantity, "live": live, "hash": traded.hash}
    return said | {"positions": traded.positions()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--symbols", type=int, default=1)
    parser.add_argument("--target", type=int, default=5000, help="live orders a symbol")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--commands", type=int, default=2_000_000)
    parser.add_argument("--distance", type=float, default=20.0, help="mean ticks of a passive order from the middle")
    parser.add_argument("--step", type=int, default=1, help="ticks by which the middle moves")
    parser.add_argument("--start", type=int, default=100_000, help="the first middle")
    a = parser.parse_args()
    shape = Shape(a.symbols, a.target, a.distance, a.step, a.start)
    said = generate(a.out, shape, seed=a.seed, commands=a.commands)
    print(
        " ".join(
            f"{key}={value:x}" if key in ("hash", "positions") else f"{key}={value}" for key, value in said.items()
        )
    )


if __name__ == "__main__":
    main()
