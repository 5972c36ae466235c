"""A replay tells the price: the book is traded through to it, depth stands around it, orders on the way are filled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.orders.simulations import BTC, INSTRUMENTS, World

REPLAYED = replace(INSTRUMENTS[0], replayed=True)


@pytest.mark.parametrize("target", [6_300_000, 6_399_000, 6_400_100, 6_700_000, 12_000_000, 1_000_000])
def test_depth_stands_around_the_told_price(target: int) -> None:
    world = World(REPLAYED)
    world.run(50)
    world.simulator.anchor(BTC, target, world.now_ns)
    bids, asks = world.core.depth(BTC, 20)
    assert (len(bids), len(asks)) == (20, 20)
    assert bids[0][0] <= target <= asks[0][0]
    assert abs(world.mid(BTC) / target - 1) < 0.001
    world.core.verify()


def test_a_limit_order_the_price_went_through_is_filled_at_its_price() -> None:
    world = World(REPLAYED)
    buy, sell = world.buy(BTC, 6_350_000, 700), world.sell(BTC, 6_450_000, 700)
    world.simulator.anchor(BTC, 6_340_000, world.now_ns)
    world.simulator.anchor(BTC, 6_460_000, world.now_ns)
    for number, ticks in ((buy, 6_350_000), (sell, 6_450_000)):
        trades = world.simulator.tape.of_order(number)
        assert sum(trade.lots for trade in trades) == 700
        assert {trade.ticks for trade in trades} == {ticks}
        assert all(trade.maker for trade in trades)


def test_a_limit_order_the_price_did_not_reach_still_stands() -> None:
    world = World(REPLAYED)
    number = world.buy(BTC, 6_350_000, 700)
    world.simulator.anchor(BTC, 6_360_000, world.now_ns)
    world.run(500)
    assert world.core.market_order(number) is not None


def test_a_replayed_market_stands_still_between_two_anchors() -> None:
    world = World(REPLAYED)
    world.simulator.anchor(BTC, 6_500_000, world.now_ns)
    world.run(2000)
    assert world.simulator.price(BTC) == 6_500_000
    assert abs(world.mid(BTC) / 6_500_000 - 1) < 0.0005


def test_takers_print_on_the_way() -> None:
    world = World(REPLAYED)
    world.simulator.tape.take()
    world.simulator.anchor(BTC, 6_420_000, world.now_ns)
    assert {one.side for one in world.simulator.tape.take()} == {0}


def test_a_simulated_market_walks_on_after_its_anchor_was_let_go() -> None:
    world = World()
    world.simulator.anchor(BTC, 6_500_000, world.now_ns)
    world.simulator.anchor(BTC, 0, world.now_ns)
    world.run(500)
    assert world.simulator.price(BTC) != 6_500_000
