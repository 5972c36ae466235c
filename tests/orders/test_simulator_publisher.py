"""Whoever follows the blocks has the core's book; every record is counted; trades and tops do not wait."""

from __future__ import annotations

from collections import defaultdict

from marketdata import blocks
from marketdata.book import Book
from orders.simulator import Publisher
from tests.orders.simulations import BTC, INSTRUMENTS, TKO, World


class Follower:
    """A book kept from blocks alone."""

    def __init__(self) -> None:
        self.books: defaultdict[int, Book] = defaultdict(Book)
        self.tops: dict[tuple[int, int], tuple[int, int]] = {}
        self.seqs: dict[int, int] = {}
        self.kinds: list[int] = []
        self.trades: list[blocks.Record] = []

    def follow(self, raw: bytes) -> None:
        for record in blocks.unpack(raw):
            self.kinds.append(record.kind)
            assert record.seq == self.seqs.get(record.instrument_id, 0) + 1
            self.seqs[record.instrument_id] = record.seq
            self.books[record.instrument_id].apply(record)
            if record.kind == blocks.TOP:
                self.tops[record.instrument_id, record.side] = (record.ticks, record.lots)
            elif record.kind == blocks.TRADE:
                self.trades.append(record)


def followed(world: World, steps: int, publisher: Publisher | None = None) -> Follower:
    publisher = publisher or Publisher(world.core, world.simulator)
    follower = Follower()
    for _ in range(steps):
        for raw in publisher.blocks(world.now_ns).values():
            follower.follow(raw)
        world.run(1)
    return follower


def test_the_first_thing_told_is_a_whole_book() -> None:
    world = World(INSTRUMENTS[0])
    first = next(blocks.unpack(Publisher(world.core, world.simulator).blocks(world.now_ns)["sim"]))
    assert (first.kind, first.seq) == (blocks.SNAPSHOT, 1)


def test_a_follower_of_differences_has_the_cores_book() -> None:
    world = World()
    publisher = Publisher(world.core, world.simulator)
    follower = followed(world, 300, publisher)
    world.now_ns += 100_000_000
    for raw in publisher.blocks(world.now_ns).values():
        follower.follow(raw)
    for instrument in world.instruments:
        book = follower.books[instrument.id]
        assert (book.side(blocks.BUY, 50), book.side(blocks.SELL, 50)) == world.core.depth(instrument.id, 50)


def test_tops_and_trades_go_out_with_the_next_block() -> None:
    world = World(INSTRUMENTS[0])
    publisher = Publisher(world.core, world.simulator)
    follower = followed(world, 5, publisher)
    lots = world.sweep(BTC, 0, 3)
    for raw in publisher.blocks(world.now_ns).values():
        follower.follow(raw)
    bid, bid_lots, ask, ask_lots = world.core.best(BTC)
    assert follower.tops[BTC, 0] == (bid, bid_lots)
    assert follower.tops[BTC, 1] == (ask, ask_lots)
    assert sum(trade.lots for trade in follower.trades[-3:]) >= lots
    assert follower.trades[-1].side == blocks.BUY


def test_each_exchange_has_its_own_block() -> None:
    world = World()
    told = Publisher(world.core, world.simulator).blocks(world.now_ns)
    assert set(told) == {"sim", "tokocrypto"}
    assert {record.instrument_id for record in blocks.unpack(told["tokocrypto"])} == {TKO}


def test_a_second_holds_one_whole_book_and_one_proof_of_life() -> None:
    world = World(INSTRUMENTS[0])
    follower = followed(world, 501)
    assert 10 <= follower.kinds.count(blocks.SNAPSHOT) <= 12
    assert 10 <= follower.kinds.count(blocks.PROOF) <= 12


def test_nothing_new_means_no_block() -> None:
    world = World()
    publisher = Publisher(world.core, world.simulator)
    publisher.blocks(world.now_ns)
    assert publisher.blocks(world.now_ns) == {}
