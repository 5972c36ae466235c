"""A block that says both of one instrument, that it is a mirror and that it is none, means the last, once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from marketdata.blocks import ANCHOR, BOOK, BlockWriter
from orders.engine.far import FRONT_PPM, FarMarkets
from tests.orders.core_cast import BTC_USDT, make_core


class Told:
    """A bus's stream with one block on it."""

    def __init__(self, block: bytes) -> None:
        self.blocks = [(b"1-0", block)]

    def read(self, *_: int) -> list[Any]:
        left, self.blocks = self.blocks, []
        return [("far", SimpleNamespace(payload=block)) for _, block in left]


@pytest.mark.parametrize(("kinds", "mirrored", "anchors"), [((ANCHOR, BOOK), True, 0), ((BOOK, ANCHOR), False, 1)])
def test_it_is_turned_once_and_the_block_is_over(kinds: tuple[int, int], mirrored: bool, anchors: int) -> None:
    core, writer, anchored = make_core(), BlockWriter(), []
    for kind in kinds:
        writer.add(kind, BTC_USDT, 1, 1_000_000, 0, 6_400_000, 0)
    far = FarMarkets(core, None, lambda record, _: anchored.append(record))  # type: ignore[arg-type]
    far._tail = Told(writer.take())  # type: ignore[assignment]
    far.obey([SimpleNamespace(id=BTC_USDT, source="replay", exchange="far")])  # type: ignore[list-item]
    for _ in range(5):
        far.step(2_000_000)
        for instrument_id, on in far.turns.items():
            core.set_mirror(instrument_id, on=on, front_ppm=FRONT_PPM)
        far.turns = {}
    assert not far.behind
    assert (core.mirror(BTC_USDT) is not None, len(anchored)) == (mirrored, anchors)
