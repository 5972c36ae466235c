"""Recorded raw sessions: is a file one, what it is of, its lines. Plain, .gz or .zip, `<local ns> <json>` a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path

from marketdata.feeds.base import BookSeen, PrintSeen
from marketdata.feeds.binance_raw import Line, NotALine, Session, parse, symbol_of
from marketdata.files import FileTrouble, members, series_of

SAMPLE_LINES = 5000
STEPS_MIN = 100  # prices a step is told from
_FIRST = re.compile(rb"\d{15,19} \{")


@dataclass(frozen=True)
class Sample:
    """What the first lines tell: the symbol, its steps, where its price is, how much stands at a level."""

    symbol: str | None
    tick_size: Decimal
    lot_size: Decimal
    price: Decimal
    depth_lots: int


def is_capture(path: Path) -> bool:
    """Whether the file begins as a raw session does. FileTrouble when it cannot be read."""
    with members(path) as found:
        return any(_FIRST.match(member.read(64)) for member in islice(found, 1))


def read_lines(path: Path) -> Iterator[Line]:
    """The lines in their order. FileTrouble names the line that is none."""
    with members(path) as found:
        for member in found:
            rest, number = b"", 0
            while data := member.read():
                *whole, rest = (rest + data).split(b"\n")
                for text in whole:
                    number += 1
                    if text.strip():
                        yield _line(member.name, number, text)
            if rest.strip():
                yield _line(member.name, number + 1, rest)


def sample(path: Path) -> Sample:
    """FileTrouble when the first lines hold neither a book nor a trade."""
    session, symbol = Session(0), None
    prices: list[Decimal] = []
    quantities: list[Decimal] = []
    for line in islice(read_lines(path), SAMPLE_LINES):
        symbol = symbol or symbol_of(line.message)
        for event in session.events(line.message):
            if isinstance(event, PrintSeen):
                prices.append(event.price)
                quantities.append(event.quantity)
            elif isinstance(event, BookSeen):
                prices += [price for price, _ in (*event.bids, *event.asks)]
                quantities += [quantity for _, quantity in (*event.bids, *event.asks)]
        if len(prices) >= STEPS_MIN and session.at_ns:
            break
    if not prices:
        raise FileTrouble(f"{path} is a raw session without a book or a trade in its first {SAMPLE_LINES:,} lines.")
    tick, lot = _step(prices), _step(quantities)
    mean = sum(quantities) / len(quantities)  # most levels of a real book hold next to nothing
    return Sample(series_of(Path(symbol or ""))[0], tick, lot, prices[0], max(5, int(mean / lot)))


def _line(name: str, number: int, text: bytes) -> Line:
    try:
        return parse(text)
    except NotALine as error:
        shown = text[:80].decode(errors="replace")
        raise FileTrouble(f'{name}:{number}: is no line of a raw session: "{shown}".') from error


def _step(values: list[Decimal]) -> Decimal:
    places = 0
    for value in values:
        exponent = value.normalize().as_tuple().exponent
        places = max(places, -exponent if isinstance(exponent, int) else 0)
    return Decimal(1).scaleb(-places)
