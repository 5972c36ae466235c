"""The slow, obvious mirror: what orders of accounts get from a market that is elsewhere. Judge of the C one.

The market tells records (marketdata/blocks.py): SNAPSHOT with its LEVELs; LEVEL, consecutive ones of one moment being one
event; TOP, of the bids with that of the asks behind it; TRADE. Its own entries are one number of lots a price and side.
Orders rest beside them. The eight rules:

1. **Only the market fills.** Orders meet the market's entries and prints, never each other, and are not seen in the
   market's book. A taker gets the entries' prices, best first, as far as its limit; an order that rests gets its own
   price, always.
2. **Crossed is judged on the market's entries alone**, after every event (within it, what goes, goes first): best bid
   at or above best ask.
3. **A resting order queues behind what stands at its price** when it comes: the entry's lots; none, where the feed shows
   that side to a worse price and nothing there; unknown, where the price is beyond what the feed shows (it shows a side
   from its best to its worst level). Unknown is endless, until the price is told of. After every event that tells of its
   price, nobody queues behind more than stands there; where the feed showed that nothing stood, there is nobody in front.
   A level that only left what the feed shows says nothing. A snapshot tells of every price that is shown.
4. **A print through the price fills**: strictly beyond it, the whole order, whichever side took. **A print at the price**,
   of a taker of the other side, consumes the queue ahead first: every order's queue moves up by the print's lots; what is
   then left of the print fills, less what the same account's orders in front at that price got of it. Accounts do not
   compete for a print.
5. **A shrink is first set against prints.** When a difference or a snapshot makes a level smaller, the lots printed there
   since it was last told (takers of the other side) explain so much of it; the rest was canceled, and `front_ppm` of it,
   in millionths, rounded down, stood in front of everybody who queues there. A TOP moves the entry at once and judges no
   queue (it may come before its print); growth by a TOP counts as told. What stood before a gap explains nothing.
6. **Nobody takes the market's lots twice.** What an account took of an entry (as a taker, or resting when the market's
   entries came up to it) is no more there for it, until less stands than it took, or 1 s of the market's time has passed
   since its last take there.
   After each event of the book resting orders that the market's other side has reached are filled, better prices and
   earlier orders first, bids before asks, entry by entry from the market's best, as far as lots are there for the account.
7. **Trades and books go by the exchange's time.** A channel's times never go back (an earlier one counts as its last). An
   event waits until the other channel has passed its time: a trade for the book to reach it, a book for the trades to be
   beyond it (at equal times the trade goes first). It waits no longer than 250 ms, by the newest time known of either
   channel, or by our own clock. What waits goes in order of time.
8. **What cannot be believed refuses.** A hole in the sequence, GAP, a record that makes no sense, another spec_version, a
   crossed book, more levels than 512 a side or more lots than 2^63: what waited is applied, then the mirror is lost. Lost,
   it takes no order, fills none, and hears nothing but the next snapshot, which heals it at once; a snapshot goes in whole
   or not at all. One out of sequence or back in time begins the market anew. A source silent for longer than
   `stale_after_ns`: no order is taken. Cancels always pass.

Everything is a list or a dict, looked through from the start each time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from marketdata.blocks import ANCHOR, BUY, GAP, LEVEL, PROOF, SELL, SNAPSHOT, TOP, TRADE, Record

BOOK = 8  # "a real book comes": outside the sequence, as ANCHOR
HOLD_NS = 250_000_000
MEMORY_NS = 1_000_000_000
LEVELS_MAX = 512
UNKNOWN = 2**63 - 1
AMOUNT_MAX = 10**36


@dataclass
class Resting:
    """An order of an account that waits; `came` is its place in time."""

    order_no: int
    account: int
    side: int
    price: int
    lots: int
    ahead: int
    came: int


@dataclass
class Entry:
    """The market's own lots at a price."""

    lots: int
    told: int
    printed: int = 0
    taken: dict[int, tuple[int, int]] = field(default_factory=dict)  # account -> (lots, when)


@dataclass(frozen=True)
class Fill:
    order_no: int
    price: int
    lots: int
    maker: bool


@dataclass
class Event:
    """Records of one moment, as they came."""

    records: list[Record]
    at: int
    heard: int
    number: int

    @property
    def is_trade(self) -> bool:
        return self.records[0].kind == TRADE


class OracleMirror:
    """One instrument."""

    def __init__(self, front_ppm: int, stale_after_ns: int = 0, spec_version: int = 1, unit: int = 1) -> None:
        self.front_ppm = front_ppm
        self.stale_after_ns = stale_after_ns
        self.spec_version = spec_version
        self.unit = unit
        self.entries: tuple[dict[int, Entry], dict[int, Entry]] = ({}, {})
        self.orders: list[Resting] = []
        self.fills: list[Fill] = []
        self.whole = False
        self.heard = 0
        self.seq = 0
        self.clock = 0
        self.reach = {True: 0, False: 0}  # of the trades, of the book
        self.waiting: list[Event] = []
        self.missing = 0  # levels of a snapshot still to come
        self.snapshot: Event | None = None
        self.direct = False
        self.numbers = 0

    # -- orders --------------------------------------------------------------------------------------------------------

    def usable(self, at: int) -> bool:
        fresh = self.stale_after_ns == 0 or at - self.heard <= self.stale_after_ns
        return self.whole and fresh

    def place(self, order_no: int, account: int, side: int, price: int | None, lots: int, *, rests: bool) -> int:
        """What is left of it after it took what it could; a limit order's rest stands when it `rests`."""
        for at in sorted(self.entries[1 - side], reverse=side == SELL):
            if price is not None and (at > price if side == BUY else at < price):
                break
            lots -= self._take(order_no, account, self.entries[1 - side][at], at, lots, maker=False)
        if lots and rests and price is not None:
            self._rest(order_no, account, side, price, lots)
        return lots

    def cancel(self, order_no: int) -> None:
        self.orders = [order for order in self.orders if order.order_no != order_no]

    def amend(self, order_no: int, price: int, lots: int) -> None:
        """Another price or number of lots left; only a smaller one at the same price keeps its place."""
        order = next(order for order in self.orders if order.order_no == order_no)
        if price == order.price and lots <= order.lots:
            order.lots = lots
            return
        self.cancel(order_no)
        self.place(order_no, order.account, order.side, price, lots, rests=True)

    def _rest(self, order_no: int, account: int, side: int, price: int, lots: int) -> None:
        self.numbers += 1
        entry = self.entries[side].get(price)
        ahead = entry.lots if entry else 0 if self._shown(side, price) else UNKNOWN
        self.orders.append(Resting(order_no, account, side, price, lots, ahead, self.numbers))

    def _take(self, order_no: int, account: int, entry: Entry, price: int, wanted: int, *, maker: bool) -> int:
        taken = entry.taken.get(account, (0, 0))[0]
        lots = min(wanted, entry.lots - taken)
        if lots <= 0:
            return 0
        entry.taken[account] = (taken + lots, self.clock)
        self.fills.append(Fill(order_no, price, lots, maker))
        return lots

    def _fill(self, order: Resting, lots: int) -> None:
        self.fills.append(Fill(order.order_no, order.price, lots, True))
        order.lots -= lots
        if order.lots == 0:
            self.orders.remove(order)

    def _queue(self, side: int, price: int) -> list[Resting]:
        return sorted((o for o in self.orders if (o.side, o.price) == (side, price)), key=lambda o: o.came)

    # -- records in ----------------------------------------------------------------------------------------------------

    def market(self, records: Iterable[Record], now: int) -> None:
        """A block."""
        self._release(now)
        block = list(records)
        while block:
            record = block.pop(0)
            if record.seq == 0 and record.kind in (PROOF, ANCHOR, BOOK):
                self.heard = now
                continue
            run = [record]
            if self._in_order(record) and record.kind in (LEVEL, TOP) and not self.missing and self.whole:
                while block and _same_event(run[-1], block[0]) and self._sound(block[0]):
                    run.append(block.pop(0))
            self._hear(run, now)
            self.seq, self.heard = run[-1].seq, now

    def _in_order(self, record: Record) -> bool:
        return record.seq == self.seq + 1 and self._sound(record)

    def _hear(self, run: list[Record], now: int) -> None:
        record = run[0]
        if record.seq and record.kind == SNAPSHOT and self._sound(record):
            self._begin(record, now)
        elif (
            not record.seq
            or not self._in_order(record)
            or record.kind == GAP
            or (self.missing and record.kind != LEVEL)
        ):
            self._release(now, everything=True)
            self._lose()
        elif self.missing:
            assert self.snapshot is not None
            self.snapshot.records.append(record)
            self.missing -= 1
            if not self.missing:
                self._end_snapshot(now)
        elif self.whole and record.kind in (TRADE, LEVEL, TOP):
            self._wait(Event(run, record.exchange_ns, now, self._number()), now)

    def _begin(self, record: Record, now: int) -> None:
        follows = record.seq == self.seq + 1 and not self.missing
        self.direct = not self.whole or not follows or record.exchange_ns < self.reach[False]
        if self.direct:
            self._release(now, everything=True)
            self._lose()
            self.reach = {True: 0, False: record.exchange_ns}
            if record.exchange_ns < self.clock:
                for entry in [*self.entries[BUY].values(), *self.entries[SELL].values()]:
                    entry.taken.clear()
                self.clock = record.exchange_ns
        self.snapshot = Event([record], record.exchange_ns, now, self._number())
        self.missing = record.lots
        if not self.missing:
            self._end_snapshot(now)

    def _end_snapshot(self, now: int) -> None:
        event, self.snapshot = self.snapshot, None
        assert event is not None
        if self.direct:
            self._apply(event)
        else:
            self._wait(event, now)

    def _lose(self) -> None:
        self.whole = False
        self.missing = 0
        self.snapshot = None

    def _sound(self, record: Record) -> bool:
        if record.spec_version != self.spec_version or record.side > SELL or not 0 <= record.exchange_ns <= 1 << 62:
            return False
        if record.kind == SNAPSHOT:
            return 0 <= record.lots <= 2 * LEVELS_MAX
        if record.kind in (PROOF, ANCHOR, GAP, BOOK):
            return True
        if record.kind not in (TRADE, LEVEL, TOP):
            return False
        if record.kind == TOP and record.lots == 0:
            return True
        if record.ticks <= 0 or record.lots < (0 if record.kind == LEVEL and not self.missing else 1):
            return False
        return record.ticks * record.lots * self.unit <= AMOUNT_MAX

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers

    # -- rule 7 --------------------------------------------------------------------------------------------------------

    def _wait(self, event: Event, now: int) -> None:
        event.at = max(event.at, self.reach[event.is_trade])
        self.reach[event.is_trade] = event.at
        self.waiting.append(event)
        self._release(now)

    def _release(self, now: int, everything: bool = False) -> None:
        while self.waiting:
            first = min(self.waiting, key=lambda event: (event.at, not event.is_trade, event.number))
            other = self.reach[not first.is_trade]
            passed = other >= first.at if first.is_trade else other > first.at
            late = first.at + HOLD_NS <= max(self.reach.values()) or first.heard + HOLD_NS <= now
            if not (everything or passed or late):
                return
            self.waiting.remove(first)
            self._apply(first)

    # -- an event ------------------------------------------------------------------------------------------------------

    def _apply(self, event: Event) -> None:
        self.clock = max(self.clock, event.at)
        for entry in [*self.entries[BUY].values(), *self.entries[SELL].values()]:
            entry.taken = {who: (lots, at) for who, (lots, at) in entry.taken.items() if self.clock - at < MEMORY_NS}
        if event.records[0].kind == SNAPSHOT:
            self._book(event.records, heals=not self.whole)
        elif self.whole and event.is_trade:
            self._print(event.records[0])
        elif self.whole:
            self._book(event.records, heals=False)

    def _print(self, record: Record) -> None:
        side = 1 - record.side
        entry = self.entries[side].get(record.ticks)
        if entry:
            entry.printed += record.lots
        due, got = [], defaultdict(int)
        for order in self._queue(side, record.ticks):
            if order.ahead == UNKNOWN:
                continue
            left = max(0, record.lots - order.ahead) - got[order.account]
            order.ahead = max(0, order.ahead - record.lots)
            if left > 0:
                due.append((order, min(left, order.lots)))
                got[order.account] += due[-1][1]
        bids = [order for order in self.orders if order.side == BUY and order.price > record.ticks]
        asks = [order for order in self.orders if order.side == SELL and order.price < record.ticks]
        bids.sort(key=lambda order: (-order.price, order.came))
        asks.sort(key=lambda order: (order.price, order.came))
        for order in bids + asks:
            self._fill(order, order.lots)
        for order, lots in due:
            self._fill(order, lots)

    def _book(self, records: list[Record], *, heals: bool) -> None:
        shown = {(o.side, o.price): self._shown(o.side, o.price) for o in self.orders}
        before: dict[tuple[int, int], tuple[int, int]] = {}  # (side, price) -> (lots last told, printed since)

        def touch(side: int, price: int) -> None:
            entry = self.entries[side].get(price)
            unknown = (0 if shown.get((side, price)) else -1, 0)
            before.setdefault((side, price), (entry.told, entry.printed) if entry else unknown)

        if records[0].kind == SNAPSHOT:
            named = {(record.side, record.ticks) for record in records[1:]}
            for side in (BUY, SELL):
                for price in [price for price in self.entries[side] if (side, price) not in named]:
                    touch(side, price)
                    del self.entries[side][price]
        for record in records:  # what goes, goes first
            if record.kind == TOP:
                self._better_go(record)
            elif record.kind == LEVEL and not record.lots:
                touch(record.side, record.ticks)
                self.entries[record.side].pop(record.ticks, None)
        for record in records:
            if record.kind != SNAPSHOT and record.lots and not self._fits(record):
                return self._lose()
            if record.kind == LEVEL and record.lots:
                touch(record.side, record.ticks)
                self._set(record, told=True)
            elif record.kind == TOP and record.lots:
                self._set(record, told=False)
        if self.entries[BUY] and self.entries[SELL] and max(self.entries[BUY]) >= min(self.entries[SELL]):
            return self._lose()
        for (side, price), (stood, printed) in before.items():
            self._judge(side, price, -1 if heals else stood, printed)
        if records[0].kind == SNAPSHOT:
            for order in self.orders:
                if self._shown(order.side, order.price):
                    entry = self.entries[order.side].get(order.price)
                    order.ahead = min(order.ahead, entry.lots if entry else 0)
        self.whole = True
        return self._reached()

    def _fits(self, record: Record) -> bool:
        side = self.entries[record.side]
        lots = sum(entry.lots for price, entry in side.items() if price != record.ticks) + record.lots
        return lots < 1 << 63 and (record.ticks in side or len(side) < LEVELS_MAX)

    def _set(self, record: Record, *, told: bool) -> None:
        entry = self.entries[record.side].setdefault(record.ticks, Entry(0, 0))
        entry.lots = record.lots
        entry.taken = {who: (taken, at) for who, (taken, at) in entry.taken.items() if taken <= record.lots}
        if told:
            entry.printed = 0
        entry.told = record.lots if told else max(entry.told, record.lots)

    def _better_go(self, record: Record) -> None:
        for price in list(self.entries[record.side]):
            if not record.lots or (price > record.ticks if record.side == BUY else price < record.ticks):
                del self.entries[record.side][price]

    def _judge(self, side: int, price: int, before: int, printed: int) -> None:
        entry = self.entries[side].get(price)
        if entry is None and not self._shown(side, price):
            return
        after = entry.lots if entry else 0
        canceled = max(0, before - after - printed) if before >= 0 else 0
        front = canceled * self.front_ppm // 1_000_000
        for order in self._queue(side, price):
            if before == 0:
                order.ahead = 0
            if order.ahead != UNKNOWN:
                order.ahead = max(0, order.ahead - front)
            order.ahead = min(order.ahead, after)

    def _shown(self, side: int, price: int) -> bool:
        prices = self.entries[side]
        return bool(prices) and (price >= min(prices) if side == BUY else price <= max(prices))

    def _reached(self) -> None:
        for side in (BUY, SELL):
            mine = [order for order in self.orders if order.side == side]
            for order in sorted(mine, key=lambda o: (-o.price if side == BUY else o.price, o.came)):
                for at in sorted(self.entries[1 - side], reverse=side == SELL):
                    if at > order.price if side == BUY else at < order.price:
                        break
                    entry = self.entries[1 - side][at]
                    taken = entry.taken.get(order.account, (0, 0))[0]
                    lots = min(order.lots, entry.lots - taken)
                    if lots > 0:
                        entry.taken[order.account] = (taken + lots, self.clock)
                        self._fill(order, lots)
                    if order not in self.orders:
                        break


def _same_event(record: Record, following: Record) -> bool:
    same = following.instrument_id == record.instrument_id and following.exchange_ns == record.exchange_ns
    if not same or following.seq != record.seq + 1 or following.kind != record.kind:
        return False
    return record.kind == LEVEL or (record.kind == TOP and record.side < following.side)
