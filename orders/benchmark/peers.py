"""What a Python user could take instead, on the same stream: python peers.py NAME STREAM, in the bench's own environment.

Run by suite.py with the interpreter of build/bench/venv, so it imports nothing of the project. Prints one JSON object.
`bourse` (Rust) matches orders; it knows no immediate-or-cancel, so a second call takes back what such an order leaves.
`order-book` (C) keeps prices and sizes only: orders, their queues and matching are a few lines of Python here.
"""

from __future__ import annotations

import importlib
import json
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HEADER, RECORD = struct.Struct("<8Q"), struct.Struct("<BBHIQQQ")
LIMIT, CANCEL, AMEND, IOC, MARKET = range(5)
COMMANDS_MOST = 200_000  # a peer may take minutes for all
Row = tuple[int, int, int, int, int, int, int]


def bourse(symbols: int) -> tuple[Callable[[Row], None], Callable[[], int]]:
    """One command; how many trades there were."""
    made = importlib.import_module("bourse.core").OrderBook
    books = [made(0, 1, True) for _ in range(symbols)]
    ids: dict[int, int] = {}
    now = 0

    def run(row: Row) -> None:
        nonlocal now
        op, side, symbol, quantity, price, number, _ = row
        book = books[symbol]
        now += 1
        if op != CANCEL:
            book.set_time(now)  # its queues are sorted by time, and two orders of one moment would be one
        if op == LIMIT:
            ids[number] = book.place_order(side == 0, quantity, 0, price=price)
        elif op == CANCEL:
            book.cancel_order(ids.pop(number))
        elif op == AMEND:
            book.modify_order(ids[number], price, quantity)
        elif op == IOC:
            book.cancel_order(book.place_order(side == 0, quantity, 0, price=price))
        else:
            book.place_order(side == 0, quantity, 0)

    return run, lambda: sum(len(book.get_trades()) for book in books)


def order_book(symbols: int) -> tuple[Callable[[Row], None], Callable[[], int]]:
    made = importlib.import_module("order_book").OrderBook
    books = [made() for _ in range(symbols)]
    queues: list[tuple[dict[int, dict[int, int]], dict[int, dict[int, int]]]] = [({}, {}) for _ in range(symbols)]
    places: dict[int, tuple[int, int]] = {}
    trades = 0

    def rest(symbol: int, side: int, price: int, number: int, quantity: int) -> None:
        levels = books[symbol].asks if side else books[symbol].bids
        queue = queues[symbol][side].setdefault(price, {})
        queue[number] = quantity
        places[number] = (side, price)
        levels[price] = sum(queue.values())

    def leave(symbol: int, number: int) -> None:
        side, price = places.pop(number)
        levels, queue = books[symbol].asks if side else books[symbol].bids, queues[symbol][side][price]
        del queue[number]
        if queue:
            levels[price] = sum(queue.values())
        else:
            del queues[symbol][side][price]
            del levels[price]

    def take(symbol: int, side: int, limit: int | None, left: int) -> int:
        nonlocal trades
        levels = books[symbol].bids if side else books[symbol].asks
        while left and len(levels):
            price = levels.index(0)[0]
            if limit is not None and (price < limit if side else price > limit):
                break
            queue = queues[symbol][1 - side][price]
            number, standing = next(iter(queue.items()))
            trades += 1
            if standing <= left:
                left -= standing
                leave(symbol, number)
            else:
                queue[number] = standing - left
                levels[price] = sum(queue.values())
                left = 0
        return left

    def run(row: Row) -> None:
        op, side, symbol, quantity, price, number, _ = row
        if op == CANCEL:
            leave(symbol, number)
        elif op == AMEND:
            if places[number][1] == price:
                queue = queues[symbol][side][price]
                queue[number] = quantity
                (books[symbol].asks if side else books[symbol].bids)[price] = sum(queue.values())
            else:
                leave(symbol, number)
                rest(symbol, side, price, number, quantity)
        else:
            left = take(symbol, side, None if op == MARKET else price, quantity)
            if left and op == LIMIT:
                rest(symbol, side, price, number, left)

    return run, lambda: trades


PEERS = {"bourse": bourse, "order-book": order_book}


def rows(path: Path) -> tuple[int, int, Iterator[Row]]:
    data = path.read_bytes()
    _, _, preload, symbols = HEADER.unpack_from(data)[:4]
    return preload, symbols, RECORD.iter_unpack(data[HEADER.size :])


def main() -> None:
    name, path = sys.argv[1], Path(sys.argv[2])
    preload, symbols, stream = rows(path)
    run, trades = PEERS[name](symbols)
    for _ in range(preload):
        run(next(stream))
    some = [row for row, _ in zip(stream, range(COMMANDS_MOST), strict=False)]
    start = time.perf_counter_ns()
    for row in some:
        run(row)
    spent = time.perf_counter_ns() - start
    result: dict[str, Any] = {"ns": round(spent / len(some), 1), "commands": len(some), "trades": trades()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
