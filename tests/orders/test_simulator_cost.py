"""The simulator leaves the engine its time."""

from __future__ import annotations

import time
from dataclasses import replace

from tests.orders.simulations import INSTRUMENTS, World


def test_eight_instruments_at_50_events_cost_less_than_a_millisecond_a_step() -> None:
    world = World(*(replace(INSTRUMENTS[number % 4], id=number + 1) for number in range(8)))
    costs = []
    for _ in range(500):
        world.now_ns += 20_000_000
        started = time.thread_time()
        world.simulator.step(world.now_ns)
        costs.append(time.thread_time() - started)
    costs.sort()
    assert costs[len(costs) // 2] < 0.001


def test_a_long_pause_is_not_made_up_for_event_by_event() -> None:
    world = World()
    world.run(10)
    world.simulator.tape.take()
    world.now_ns += 3_600_000_000_000
    world.simulator.step(world.now_ns)
    assert len(world.simulator.tape.take()) < 1000
    for instrument in world.instruments:
        bids, asks = world.core.depth(instrument.id, 20)
        assert (len(bids), len(asks)) == (20, 20)
