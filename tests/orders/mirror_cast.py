"""A mirrored market told to the core and to the slow model at once, and what both made of it held side by side."""

from __future__ import annotations

import random
from collections.abc import Iterable

from marketdata import blocks
from marketdata.blocks import BUY, GAP, LEVEL, PROOF, RECORD, SELL, SNAPSHOT, TOP, TRADE, Record
from orders import _core
from tests.oracle.mirror import UNKNOWN, Fill, OracleMirror
from tests.orders.core_cast import BTC_USDT, GTC, IOC, LIMIT, MARKET, RICH, make_core, read

FAR = 10**6  # lots of a rich account that can never run out
MS = 1_000_000


class Told:
    """Records as a feed counts them."""

    def __init__(self) -> None:
        self.seq = 0

    def record(self, kind: int, at_ms: int, side: int = 0, ticks: int = 0, lots: int = 0, skip: int = 0) -> Record:
        self.seq += 1 + skip
        return Record(BTC_USDT, 1, kind, side, ticks, lots, at_ms * MS, self.seq)

    def trade(self, at_ms: int, taker: int, ticks: int, lots: int) -> Record:
        return self.record(TRADE, at_ms, taker, ticks, lots)

    def level(self, at_ms: int, side: int, ticks: int, lots: int) -> Record:
        return self.record(LEVEL, at_ms, side, ticks, lots)

    def top(self, at_ms: int, side: int, ticks: int, lots: int) -> Record:
        return self.record(TOP, at_ms, side, ticks, lots)

    def snapshot(self, at_ms: int, bids: dict[int, int], asks: dict[int, int], skip: int = 0) -> list[Record]:
        first = self.record(SNAPSHOT, at_ms, lots=len(bids) + len(asks), skip=skip)
        levels = [(side, *level) for side, book in ((BUY, bids), (SELL, asks)) for level in book.items()]
        return [first, *(self.level(at_ms, *level) for level in levels)]


def packed(records: Iterable[Record]) -> bytes:
    return b"".join(RECORD.pack(*record) for record in records)


class Both:
    """One instrument of the core, and its judge."""

    def __init__(self, front_ppm: int = 500_000, stale_after_ns: int = 0, **core: int) -> None:
        self.core = make_core(stale_after_ns=stale_after_ns, **core)
        self.core.set_mirror(BTC_USDT, on=True, front_ppm=front_ppm)
        self.judge = OracleMirror(front_ppm, stale_after_ns)
        self.told = Told()
        self.fills: list[Fill] = []
        self.refused = 0
        self.open: dict[int, int] = {}  # order -> lots left, by the core's reports
        self.now = 0
        self.last_no = 0

    def tell(self, records: Iterable[Record] | Record, after_ms: float = 0, *, compare: bool = True) -> None:
        """A block, `after_ms` of our own time later."""
        block = [records] if isinstance(records, Record) else list(records)
        self.now += int(after_ms * MS)
        data, done = packed(block), 0
        while True:
            done += self.core.market(data[done * blocks.SIZE :], self.now)
            waited = self._drain()
            if done == len(block) and not waited:
                break
        self.judge.market(block, self.now)
        if compare:
            self.compare()

    def place(self, account: int, side: int, price: int | None, lots: int, *, tif: int = GTC) -> int:
        """The order's number; 0 when both refused it."""
        self.last_no += 1
        number, kind = self.last_no, MARKET if price is None else LIMIT
        tif = IOC if price is None else tif
        reason = self.core.place(
            self.now, number, account, BTC_USDT, 1, side, kind, tif, _core.FLAG_ALLOW_SELF_TRADE, 0, price or 0, lots
        )
        usable = self.judge.usable(self.now)
        assert (reason != _REASON["DATA_STALE"]) == usable
        if reason == 0:
            self.open[number] = lots
            self.judge.place(number, account, side, price, lots, rests=tif == GTC)
        else:
            assert reason in (_REASON["DATA_STALE"], _REASON["NO_LIQUIDITY"])
            self.refused += 1
        self._drain()
        self.compare()
        return number if reason == 0 else 0

    def cancel(self, number: int) -> None:
        assert self.core.cancel(self.now, number) == 0
        self._drain()
        self.judge.cancel(number)
        self.compare()

    def amend(self, number: int, price: int, lots_left: int) -> None:
        reason = self.core.amend(self.now, number, _core.FLAG_QTY_REMAINING, price, lots_left)
        self._drain()
        if reason == 0:
            self.judge.amend(number, price, lots_left)
        self.compare()

    def _drain(self) -> bool:
        reports = read(self.core.reports())
        for report in reports:
            if report.exec_type == "F":
                self.fills.append(Fill(report.order_no, report.last_ticks, report.last_lots, report.liquidity == 1))
            if report.ord_status in "24":
                self.open.pop(report.order_no, None)
            elif report.exec_type in "F5":
                self.open[report.order_no] = report.qty_lots - report.filled_lots
        return bool(reports)

    def compare(self) -> None:
        """Everything either knows."""
        core, judge = self.core, self.judge
        assert self.fills == judge.fills
        assert self.open == {order.order_no: order.lots for order in judge.orders}
        view = core.mirror(BTC_USDT)
        assert view is not None and (view["state"] == 1) == judge.whole
        if judge.whole:
            assert view["held"] == sum(len(event.records) for event in judge.waiting)
            book = [
                sorted(((p, e.lots) for p, e in side.items()), reverse=s == BUY) for s, side in enumerate(judge.entries)
            ]
            assert core.depth(BTC_USDT, 1000) == (book[BUY], book[SELL])
            bid, _, ask, _ = core.best(BTC_USDT)
            assert bid is None or ask is None or bid < ask
        known = {order.order_no: order.ahead for order in judge.orders if order.ahead != UNKNOWN}
        assert {number: ahead for number, _, ahead in core.queues()} == known


_REASON = {name: number for number, name in _core.REASONS.items()}


class Stream:
    """A made-up market around a price, with everything a feed may do wrong now and then."""

    def __init__(self, seed: int, wrong: float = 0.02) -> None:
        self.random = random.Random(seed)
        self.told = Told()
        self.at_ms = 1_000_000
        self.wrong = wrong
        self.books: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.middle = 1000

    def block(self) -> list[Record]:
        draw = self.random
        self.at_ms += draw.choice((0, 1, 3, 20, 60, 110, 300))
        if draw.random() < self.wrong:
            return self._wrong()
        kind = draw.random()
        if kind < 0.05 or not self.books[BUY] or not self.books[SELL]:
            return self._snapshot()
        if kind < 0.45:
            return self._trades()
        return self._tops() if kind < 0.55 else self._levels()

    def _snapshot(self, skip: int = 0) -> list[Record]:
        for side, sign in ((BUY, -1), (SELL, 1)):
            self.books[side].clear()
            for step in range(self.random.randint(3, 8)):
                if self.random.random() < 0.8 or step == 0:
                    self.books[side][self.middle + sign * (1 + step)] = self.random.randint(1, 30)
        return self.told.snapshot(self.at_ms, *self.books, skip=skip)

    def _trades(self) -> list[Record]:
        records = []
        for _ in range(self.random.randint(1, 3)):
            taker = self.random.randint(BUY, SELL)
            near = max(self.books[BUY]) if taker == SELL else min(self.books[SELL])
            beyond = self.random.choice((0, 0, 0, 0, 1, 2)) * (1 if taker == BUY else -1)
            at = self.at_ms - self.random.choice((0, 0, 5, 90, 400))
            records.append(self.told.trade(max(at, 0), taker, near + beyond, self.random.randint(1, 40)))
        return records

    def _levels(self) -> list[Record]:
        if self.random.random() < 0.2:
            self.middle += self.random.choice((-1, 1))
        changes: list[tuple[int, int, int]] = []
        for side, sign in ((BUY, -1), (SELL, 1)):
            book = self.books[side]
            for price in [price for price in book if sign * (price - self.middle) < 1]:
                del book[price]
                changes.append((side, price, 0))
            for price in list(book):
                if self.random.random() < 0.3:
                    book[price] = self.random.choice((0, max(1, book[price] - 3), max(1, book[price] - 12), 20, 35))
                    changes.append((side, price, book[price]))
                    if not book[price]:
                        del book[price]
            for _ in range(2):
                price = self.middle + sign * self.random.randint(1, 9)
                if price not in book and self.random.random() < 0.5:
                    book[price] = self.random.randint(1, 30)
                    changes.append((side, price, book[price]))
        if not self.books[BUY] or not self.books[SELL]:
            return self._snapshot()
        at = self.at_ms - self.random.choice((0, 0, 0, 30))
        return [self.told.level(at, *change) for change in changes]

    def _tops(self) -> list[Record]:
        records = []
        for side in self.random.sample((BUY, SELL), 2):
            book = self.books[side]
            best = max(book) if side == BUY else min(book)
            if self.random.random() < 0.4 and len(book) > 1:
                del book[best]
                best = max(book) if side == BUY else min(book)
            book[best] = max(1, book[best] + self.random.randint(-8, 8))
            records.append(self.told.top(self.at_ms, side, best, book[best]))
        return records

    def _wrong(self) -> list[Record]:
        told, at = self.told, self.at_ms
        kind = self.random.randint(0, 7)
        if kind == 0:
            return [told.record(GAP, at)]
        if kind == 1:
            return [told.record(TRADE, at, SELL, self.middle, 5, skip=3)]
        if kind == 2:
            return [told.level(at, BUY, self.middle + 50, 5)]  # crossed
        if kind == 3:
            return [told.level(at, BUY, -4, 5)]
        if kind == 4:
            return self._snapshot()[: self.random.randint(1, 3)]
        if kind == 5:
            return [told.record(PROOF, at), told.record(77, at)]
        if kind == 6:
            return self._snapshot(skip=2)
        return [told.level(at, SELL, self.middle + 5, 0)._replace(spec_version=2)]


def live(both: Both, seed: int, steps: int, orders: float = 0.5) -> None:
    """A market and traders in it, at random and the same for the same seed."""
    stream, draw = Stream(seed), random.Random(seed + 1)
    both.told = stream.told
    for _ in range(steps):
        both.tell(stream.block(), after_ms=draw.choice((0, 1, 5, 80, 300)))
        if draw.random() < orders:
            trade(both, draw, stream.middle)


def trade(both: Both, draw: random.Random, middle: int) -> None:
    """One thing a trader does."""
    account, side, what = draw.randint(1, 2), draw.randint(BUY, SELL), draw.random()
    if what < 0.2:
        both.place(account, side, None, draw.randint(1, 60))
    elif what < 0.75:
        both.place(account, side, middle + draw.randint(-9, 9), draw.randint(1, 40), tif=draw.choice((GTC, GTC, IOC)))
    elif both.open:
        number = draw.choice(sorted(both.open))
        if what < 0.87:
            both.cancel(number)
        else:
            both.amend(number, middle + draw.randint(-6, 6), draw.randint(1, 30))


__all__ = ["BTC_USDT", "BUY", "FAR", "MS", "RICH", "SELL", "TOP", "Both", "Stream", "Told", "live", "packed", "trade"]
