"""Streams of other seeds, numbers of symbols and ranges of prices: the core comes to what a slow book and 64 purses come to."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from orders.benchmark import _limits, generate, run
from tests.oracle.book import BUY, SELL, OracleBook

RECORD = struct.Struct("<BBHIQQQ")
COMMANDS = 8_000
SHAPES = {
    "one symbol": generate.Shape(1, 120),
    "few symbols": generate.Shape(5, 40),
    "many thin symbols": generate.Shape(60, 25),
    "far apart": generate.Shape(1, 100, 4000.0, 400, 3_000_000),
    "drifting": generate.Shape(2, 60, 2000.0, 20_000, 20_000_000),
    "at the lowest prices": generate.Shape(1, 80, 60.0, 50, 1_000),
    "prices beyond 2^53": generate.Shape(1, 80, 20.0, 3, 2**60 + 12_345),
    "a crowd at one price": generate.Shape(1, 150, 1.0, 1, 5_000),
}


def wrapped(number: int) -> int:
    return number % run.WORD


class Purses:
    """What each of 64 accounts bought and paid, over everything that was traded."""

    def __init__(self) -> None:
        self.quantity = dict.fromkeys(range(run.ACCOUNTS), 0)
        self.cash = dict.fromkeys(range(run.ACCOUNTS), 0)

    def trade(self, order_no: int, side: int, price: int, lots: int) -> None:
        sign = 1 if side == BUY else -1
        self.quantity[order_no % run.ACCOUNTS] += sign * lots
        self.cash[order_no % run.ACCOUNTS] -= sign * lots * price

    def hash(self) -> str:
        h = 0
        for account in range(run.ACCOUNTS):
            h = wrapped(h * run.GOLDEN + self.quantity[account])
            h = wrapped(h * run.GOLDEN + self.cash[account])
        return f"{h:016x}"


class SlowMarket:
    """A stream's commands against sorted lists."""

    def __init__(self, symbols: int) -> None:
        self.books = [OracleBook() for _ in range(symbols)]
        self.purses = Purses()
        self.trades = self.quantity = self.hash = 0

    def run(self, records: bytes) -> dict[str, Any]:
        for op, side, symbol, lots, price, order_no, _ in RECORD.iter_unpack(records):
            book = self.books[symbol]
            if op == generate.CANCEL:
                del book.orders[order_no]
            elif op == generate.AMEND:
                self.amend(book, order_no, price, lots)
            else:
                self.take(
                    book, order_no, side, None if op == generate.MARKET else price, lots, rests=op == generate.LIMIT
                )
        live = sum(len(book.orders) for book in self.books)
        found = {"trades": self.trades, "quantity": self.quantity, "live": live, "hash": f"{self.hash:016x}"}
        return found | {"positions": self.purses.hash()}

    def amend(self, book: OracleBook, order_no: int, price: int, lots: int) -> None:
        standing = book.orders[order_no]
        if price == standing.price and lots <= standing.lots:
            standing.lots = lots
            return
        del book.orders[order_no]
        self.take(book, order_no, standing.side, price, lots, rests=True)

    def take(self, book: OracleBook, order_no: int, side: int, limit: int | None, lots: int, *, rests: bool) -> None:
        for met in book.meets(side, limit, lots):
            book.reduce(met.maker, met.lots)
            lots -= met.lots
            self.trades += 1
            self.quantity += met.lots
            self.hash = wrapped(self.hash * run.GOLDEN + 31 * order_no + 17 * met.maker + 7 * met.price + met.lots)
            self.purses.trade(order_no, side, met.price, met.lots)
            self.purses.trade(met.maker, SELL if side == BUY else BUY, met.price, met.lots)
        if lots and rests:
            assert limit is not None
            book.rest(order_no, side, limit, lots)


def core_comes_to(stream: run.Stream) -> dict[str, Any]:
    core = run.prepare(stream.symbols)
    run.batch(core, memoryview(_limits.pack(stream.records)))
    core.verify()
    found = run.outcome(core)
    del found["checks"]
    return found


@pytest.mark.parametrize("seed", [1, 2**63 + 17])
@pytest.mark.parametrize("name", SHAPES)
def test_the_core_comes_to_what_the_slow_book_comes_to(name: str, seed: int, tmp_path: Path) -> None:
    said = generate.generate(tmp_path / "stream", SHAPES[name], seed=seed, commands=COMMANDS)
    stream = run.read(tmp_path / "stream")
    wanted = SlowMarket(stream.symbols).run(stream.records)
    assert core_comes_to(stream) == wanted
    assert {key: said[key] for key in ("trades", "quantity", "live")} == {
        k: wanted[k] for k in ("trades", "quantity", "live")
    }
    assert f"{said['hash']:016x}" == wanted["hash"]
