"""What a listener sees is deep and exact at every block, right after a sweep too: at least 20 levels a side, and no level missing."""

from __future__ import annotations

from collections import defaultdict

import pytest

from marketdata import blocks
from marketdata.book import Book
from orders import _core
from orders.simulator import Publisher
from tests.orders.simulations import BTC, SHIB, TINY, TKO, World

LEVELS_MIN = 20
SIDES = (blocks.BUY, blocks.SELL)


class Listener:
    """The books of a mirror, looked at after every block."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.publisher = Publisher(world.core, world.simulator)
        self.books: defaultdict[int, Book] = defaultdict(Book)
        self.thinnest = blocks.LEVELS_MAX

    def hear(self) -> None:
        for raw in self.publisher.blocks(self.world.now_ns).values():
            for record in blocks.unpack(raw):
                self.books[record.instrument_id].apply(record)
        for book in self.books.values():
            assert book.usable
            self.thinnest = min(self.thinnest, *(len(book.side(side, blocks.LEVELS_MAX)) for side in SIDES))


@pytest.mark.parametrize("instrument", [BTC, TKO, TINY, SHIB])
@pytest.mark.parametrize("side", [_core.SIDE_BUY, _core.SIDE_SELL])
@pytest.mark.parametrize("levels", [5, 18, 1000])
def test_after_a_users_sweep_nobody_sees_a_thin_book(instrument: int, side: int, levels: int) -> None:
    world = World()
    listener = Listener(world)
    for _ in range(20):
        world.run(3)
        listener.hear()
        world.sweep(instrument, side, levels)
        world.simulator.ensure_depth(world.now_ns)
        listener.hear()
    assert listener.thinnest >= LEVELS_MIN


def test_in_peace_nobody_sees_a_thin_book_either() -> None:
    world = World()
    listener = Listener(world)
    for _ in range(1500):
        listener.hear()
        world.run(1)
    assert listener.thinnest >= LEVELS_MIN


def test_levels_that_a_moving_top_hid_are_back_with_the_next_difference() -> None:
    world = World()
    listener = Listener(world)
    missing = 0
    for _ in range(600):
        world.run(1)
        before = {number: shown.difference_ns for number, shown in listener.publisher._shown.items()}
        listener.hear()
        for number, shown in listener.publisher._shown.items():
            if shown.difference_ns != before.get(number):
                real = world.core.depth(number, blocks.LEVELS_MAX)
                missing += any(listener.books[number].side(side, blocks.LEVELS_MAX) != real[side] for side in SIDES)
    assert missing == 0
