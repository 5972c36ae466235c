"""Same seed, same users' commands, same times: the same market."""

from __future__ import annotations

from tests.orders.simulations import BTC, TKO, World


def story(seed: int) -> tuple[object, ...]:
    world = World(seed=seed)
    world.run(200)
    resting = world.buy(BTC, int(world.mid(BTC)) - 50, 1000)
    world.sweep(TKO, 0, 5)
    world.simulator.ensure_depth(world.now_ns)
    world.run(800)
    prints = [(one.at_ns, one.side, one.ticks, one.lots) for one in world.simulator.tape.take()]
    books = [world.core.depth(instrument.id, 50) for instrument in world.instruments]
    return prints, books, world.simulator.state(), world.core.market_order(resting), world.core.hash()


def test_the_same_story_gives_the_same_market() -> None:
    assert story(3) == story(3)


def test_another_seed_gives_another_market() -> None:
    assert story(3)[0] != story(4)[0]
