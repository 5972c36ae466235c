"""The simulated market is a market at all times: two sides, deep, positive, nervous in clusters."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import fmean

import pytest

from tests.orders.simulations import BTC, INSTRUMENTS, SHIB, TKO, World

STEPS = 100_000


@pytest.fixture(scope="module")
def lived() -> dict[int, list[float]]:
    """100,000 steps of three markets, every promise checked on the way; mids once a second."""
    world = World(INSTRUMENTS[0], INSTRUMENTS[1], INSTRUMENTS[3])
    mids: dict[int, list[float]] = {instrument.id: [] for instrument in world.instruments}
    for step in range(STEPS):
        world.run(1)
        for instrument, seen in mids.items():
            bid, _, ask, _ = world.core.best(instrument)
            assert bid is not None
            assert ask is not None
            assert 0 < bid < ask
            if step % 5 == 0:
                bids, asks = world.core.depth(instrument, 20)
                assert (len(bids), len(asks)) == (20, 20)
                assert bids[-1][0] > 0
            if step % 50 == 0:
                seen.append((bid + ask) / 2)
        world.simulator.tape.take()
    world.core.verify()
    return mids


def autocorrelation(values: list[float], lag: int) -> float:
    mean = fmean(values)
    total = sum((value - mean) ** 2 for value in values)
    return sum((before - mean) * (after - mean) for before, after in zip(values, values[lag:], strict=False)) / total


def test_no_book_was_ever_crossed_thin_or_below_zero(lived: dict[int, list[float]]) -> None:
    assert all(len(mids) == STEPS // 50 for mids in lived.values())


@pytest.mark.parametrize("instrument", [BTC, SHIB, TKO])
def test_nervous_times_come_in_clusters(lived: dict[int, list[float]], instrument: int) -> None:
    moves = [abs(math.log(after / before)) for before, after in pairwise(lived[instrument])]
    assert autocorrelation(moves, 1) > 0.05


def test_volatility_lasts_for_more_than_a_moment(lived: dict[int, list[float]]) -> None:
    moves = [abs(math.log(after / before)) for before, after in pairwise(lived[BTC])]
    assert fmean(autocorrelation(moves, lag) for lag in range(2, 8)) > 0.03


@pytest.mark.parametrize("instrument", [BTC, SHIB, TKO])
def test_the_price_moves_and_stays_plausible(lived: dict[int, list[float]], instrument: int) -> None:
    mids = lived[instrument]
    assert len(set(mids)) > 5
    assert max(mids) / min(mids) < 1.2
