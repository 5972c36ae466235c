"""A book rebuilt from blocks, and what a lost record does to it."""

from __future__ import annotations

from marketdata import blocks
from marketdata.blocks import BUY, SELL, BlockWriter
from marketdata.book import Book, LevelChange


def feed(book: Book, block: bytes) -> list[LevelChange]:
    return [change for record in blocks.unpack(block) for change in book.apply(record)]


def whole(writer: BlockWriter) -> bytes:
    writer.snapshot(1, 1, 5, [(100, 7), (99, 3)], [(101, 4), (103, 9)])
    return writer.take()


def test_a_snapshot_makes_the_book_usable() -> None:
    book, writer = Book(), BlockWriter()
    feed(book, whole(writer))
    assert book.usable
    assert book.side(BUY, 10) == [(100, 7), (99, 3)]
    assert book.side(SELL, 1) == [(101, 4)]
    assert book.seq == 5


def test_a_level_of_zero_lots_goes() -> None:
    book, writer = Book(), BlockWriter()
    feed(book, whole(writer))
    writer.add(blocks.LEVEL, 1, 1, 6, BUY, 100, 0)
    assert feed(book, writer.take()) == [LevelChange(BUY, 100, 0)]
    assert book.best(BUY) == (99, 3)


def test_a_new_top_clears_what_stood_before_it() -> None:
    book, writer = Book(), BlockWriter()
    feed(book, whole(writer))
    writer.add(blocks.TOP, 1, 1, 6, SELL, 103, 9)
    assert feed(book, writer.take()) == [LevelChange(SELL, 101, 0)]
    assert book.best(SELL) == (103, 9)


def test_an_empty_side_clears_it() -> None:
    book, writer = Book(), BlockWriter()
    feed(book, whole(writer))
    writer.add(blocks.TOP, 1, 1, 6, BUY, 0, 0)
    feed(book, writer.take())
    assert book.best(BUY) is None
    assert book.usable


def test_a_lost_record_makes_it_unusable_until_the_next_snapshot() -> None:
    book, writer = Book(), BlockWriter()
    feed(book, whole(writer))
    writer.add(blocks.LEVEL, 1, 1, 6, BUY, 98, 1)
    writer.take()  # lost
    writer.add(blocks.LEVEL, 1, 1, 7, BUY, 97, 1)
    assert feed(book, writer.take()) == []
    assert not book.usable
    assert book.side(BUY, 10) == []
    feed(book, whole(writer))
    assert book.usable
    assert book.side(BUY, 10) == [(100, 7), (99, 3)]


def test_half_a_snapshot_is_no_book() -> None:
    book, writer = Book(), BlockWriter()
    feed(book, whole(writer)[: 3 * blocks.SIZE])
    assert not book.usable
    assert book.filling


def test_records_outside_the_sequence_are_no_gap() -> None:
    book, writer, replay = Book(), BlockWriter(), BlockWriter()
    feed(book, whole(writer))
    replay.outside(blocks.ANCHOR, 1, 1, 6, 100)
    feed(book, replay.take())
    writer.add(blocks.LEVEL, 1, 1, 7, BUY, 98, 1)
    feed(book, writer.take())
    assert book.usable


def test_at_most_fifty_levels_a_side_travel() -> None:
    writer = BlockWriter()
    writer.snapshot(1, 1, 5, [(1000 - n, 1) for n in range(80)], [(1001 + n, 1) for n in range(80)])
    assert len(writer) == 1 + 100


def test_a_torn_block_is_refused() -> None:
    try:
        list(blocks.unpack(b"x" * 41))
    except ValueError as error:
        assert "41 bytes" in str(error)
    else:
        raise AssertionError("it was read")
