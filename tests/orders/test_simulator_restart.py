"""A simulator that stops and starts again goes on at its price, and users' resting orders are still theirs."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from tests.orders.simulations import BTC, INSTRUMENTS, START_NS, World, tell_core


def restarted(old: World) -> World:
    """Another process: the core comes back from its checkpoint, the books from the account half, the agents from their state."""
    new = World(*old.instruments, opened=False)
    new.core = type(old.core)()
    new.core.restore(old.core.checkpoint())
    new.core.rebuild_books()
    new.simulator = type(old.simulator)(new.core, old.instruments, 7)
    new.simulator.load_state(json.loads(json.dumps(old.simulator.state())))
    new.now_ns = old.now_ns + 3_600_000_000_000
    new.simulator.open(new.now_ns)
    return new


def test_the_price_goes_on_where_it_was() -> None:
    old = World()
    old.run(2000)
    new = restarted(old)
    for instrument in old.instruments:
        spread = old.simulator.market(instrument.id).habits.spread_ticks
        assert abs(new.mid(instrument.id) - old.simulator.price(instrument.id)) < 10 * spread
        assert new.simulator.as_of_ns(instrument.id) > START_NS


def test_a_resting_order_still_stands_and_is_not_wiped() -> None:
    old = World()
    number = old.buy(BTC, int(old.mid(BTC) * 0.97), 1000)
    old.run(100)
    new = restarted(old)
    standing = new.core.market_order(number)
    assert standing is not None
    assert standing["remaining_lots"] == 1000
    new.core.verify()


def test_a_resting_order_on_the_wrong_side_is_traded_against_not_wiped() -> None:
    old = World(INSTRUMENTS[0], opened=False)
    number = old.buy(BTC, 64_100_00, 300)  # nobody is there yet; the agents will come with a lower price
    old.simulator.open(START_NS)
    old.core.verify()
    old.run(500)
    assert sum(trade.lots for trade in old.simulator.tape.of_order(number)) == 300


def test_a_state_of_another_version_is_ignored() -> None:
    world = World(opened=False)
    world.simulator.load_state({"version": 0, "markets": {"1": {}}})
    assert world.simulator.as_of_ns(BTC) == 0


def test_a_new_tick_keeps_the_price_and_moves_the_quotes() -> None:
    world = World(INSTRUMENTS[0])
    world.run(100)
    finer = replace(INSTRUMENTS[0], spec_version=2, tick_size=Decimal("0.001"))
    world.simulator.withdraw(BTC, world.now_ns)
    tell_core(world.core, finer)
    world.simulator.set_instrument(finer, world.now_ns)
    assert abs(world.mid(BTC) / 10 / 6_400_000 - 1) < 0.01
    world.run(100)
    world.core.verify()


def test_a_removed_instrument_has_no_agents_left() -> None:
    world = World()
    world.simulator.remove_instrument(BTC, world.now_ns)
    assert world.core.depth(BTC, 10) == ([], [])
    world.run(10)
