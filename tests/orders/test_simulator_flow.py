"""Depth reacts to flow: a swept book is deep again at once, but the price has learnt and the pressed side stays thin."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.simulations import BTC, INSTRUMENTS, SHIB, TINY, TKO, USER, World, tell_core


@pytest.mark.parametrize("instrument", [BTC, TKO, TINY, SHIB])
@pytest.mark.parametrize("side", [_core.SIDE_BUY, _core.SIDE_SELL])
def test_a_swept_side_has_20_levels_again_before_anything_is_published(instrument: int, side: int) -> None:
    world = World()
    world.run(100)
    world.sweep(instrument, side, 1000)
    assert world.core.depth(instrument, 1)[1 - side] == []
    world.simulator.ensure_depth(world.now_ns)
    bids, asks = world.core.depth(instrument, 20)
    assert (len(bids), len(asks)) == (20, 20)
    assert bids[0][0] < asks[0][0]
    world.core.verify()


@pytest.mark.parametrize(("side", "sign"), [(_core.SIDE_BUY, 1), (_core.SIDE_SELL, -1)])
def test_buying_moves_the_price_up_and_selling_down(side: int, sign: int) -> None:
    moved = 0.0
    for seed in range(10):
        world = World(INSTRUMENTS[0], seed=seed)
        before = world.mid(BTC)
        world.sweep(BTC, side, 25)
        world.run(10)
        moved += world.mid(BTC) - before
    assert sign * moved / 10 > world.simulator.market(BTC).habits.spread_ticks


def test_after_one_sided_flow_the_pressed_side_is_thinner_near_the_middle() -> None:
    def near(world: World, side: int) -> int:
        reach = 6 * world.simulator.market(BTC).habits.spread_ticks
        middle = world.simulator.price(BTC)
        return sum(lots for ticks, lots in world.core.depth(BTC, 50)[side] if abs(ticks - middle) < reach)

    calm, pressed = 0, 0
    for seed in range(10):
        left_alone, bought = World(INSTRUMENTS[0], seed=seed), World(INSTRUMENTS[0], seed=seed)
        for _ in range(10):
            bought.sweep(BTC, _core.SIDE_BUY, 5)
            bought.simulator.ensure_depth(bought.now_ns)
            left_alone.run(5)
            bought.run(5)
        calm += near(left_alone, 1)
        pressed += near(bought, 1)
    assert pressed < 0.7 * calm


def test_a_spread_widens_when_the_market_is_nervous() -> None:
    def spread(excited: float) -> float:
        world = World(INSTRUMENTS[0])
        seen = []
        for _ in range(300):
            if excited:
                world.simulator.market(BTC).belief.volatility.excite(excited)
            world.run(2)
            bid, _, ask, _ = world.core.best(BTC)
            seen.append((ask or 0) - (bid or 0))
        return sum(seen) / len(seen)

    assert spread(0.5) > 1.5 * spread(0.0)


def test_agents_trade_with_a_users_resting_order() -> None:
    world = World()
    number = world.buy(BTC, int(world.mid(BTC)), 500)
    world.run(500)
    assert sum(trade.lots for trade in world.simulator.tape.of_order(number)) > 0


def test_an_order_far_through_the_market_is_taken_whole() -> None:
    world = World()
    world.sweep(BTC, _core.SIDE_BUY, 1000)
    number = world.buy(BTC, int(world.fair(BTC) * 1.5), 10_000_000)
    world.simulator.ensure_depth(world.now_ns)
    assert world.core.market_order(number) is None
    assert sum(trade.lots for trade in world.simulator.tape.of_order(number)) == 10_000_000
    bids, asks = world.core.depth(BTC, 20)
    assert (len(bids), len(asks)) == (20, 20)
    assert world.mid(BTC) < 64_000_00 * 1.01


def test_an_instrument_that_stops_trading_does_not_stop_the_others() -> None:
    world = World()
    tell_core(world.core, INSTRUMENTS[1], _core.INSTRUMENT_HALTED)
    world.simulator.tape.take()
    world.run(500)
    assert BTC in {one.instrument for one in world.simulator.tape.take()}
    tell_core(world.core, INSTRUMENTS[1])
    world.run(10)
    bids, asks = world.core.depth(TKO, 20)
    assert (len(bids), len(asks)) == (20, 20)


def test_users_reports_wait_in_the_core_when_an_agent_hits_them() -> None:
    world = World()
    world.buy(BTC, int(world.mid(BTC)), 500)
    world.core.reports()
    reports = b""
    for _ in range(500):
        world.now_ns += 20_000_000
        world.simulator.step(world.now_ns)
        reports += world.core.reports()
    assert len(reports) >= _core.REPORT_SIZE
    assert world.core.open_orders(USER) == [] or world.core.order(1)["filled_lots"] > 0
