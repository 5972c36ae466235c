"""A source that tells ever farther levels does not make its book grow without end."""

from __future__ import annotations

import pytest

from marketdata.blocks import BUY, SELL
from marketdata.feeds import depth


@pytest.mark.parametrize(("side", "kept"), [(BUY, [12, 11, 10]), (SELL, [1, 2, 3])])
def test_the_farthest_levels_are_forgotten(monkeypatch: pytest.MonkeyPatch, side: int, kept: list[int]) -> None:
    monkeypatch.setattr(depth, "LEVELS_KEPT", 3)
    book = depth.Side(side)
    for ticks in range(1, 13):
        book.set(ticks, 7)
    assert book.best(side, 50) == [(ticks, 7) for ticks in kept]
    assert len(book.lots) == 3
