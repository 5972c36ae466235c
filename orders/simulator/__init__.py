"""The simulator: a market of agents in the core's own books, on which the demo and every simulated account trade.

How the engine uses it, in this order at a start::

    core.rebuild_books()  # the users' resting orders stand again
    simulator = Simulator(core, instruments, seed)  # [SimInstrument.of(row), ...]; places nothing yet
    simulator.load_state(checkpoint.extra["simulator"])  # only when there is a checkpoint
    history.ensure(simulator, clock.now())  # 7 days at first start, later the gap; may set the price
    simulator.open(clock.now_ns())  # the agents' depth stands; crossing orders will be met
    publisher = Publisher(core, simulator)
    exchange = SimExchange(core, simulator)  # orders.exchanges.sim: the port, inside the engine's process

and then, in its loop::

    simulator.step(now_ns)          # the agents' due events (every ~20 ms; bounded catch-up); users' orders may be
                                    # hit: drain core.reports() after it as after any command
    core.process(batch)             # users' commands
    simulator.ensure_depth(now_ns)  # after each batch, before anything is published: >= 20 levels a side everywhere
    ... commit ...
    publisher.blocks(now_ns)        # {exchange name: block}; XADD each to channels.market(name)
    exchange.answer(query)          # bytes of JSON: the body of the reply to a messages.Query

Other calls: `simulator.anchor(instrument_id, ticks, now_ns)` for an ANCHOR record of a replay (ticks 0 lets go of it);
`simulator.set_instrument(SimInstrument.of(row), now_ns)` after core.set_instrument when an instrument is new or its
spec changed (`simulator.withdraw(instrument_id, now_ns)` before it, when tick or lot changed: the core changes no steps
while orders stand); `simulator.remove_instrument(instrument_id, now_ns)`; `simulator.state()` for the checkpoint,
plain JSON.

Nobody else may call `core.tape()`: the simulator drains it (step, ensure_depth, blocks and answer all do) and keeps
what the publisher and the exchange's port need. Agents' orders carry FLAG_AGENT and an order_no with the top bit set
(`AGENT_BIT`); users' order numbers must stay below it. A trade's `exchange_trade_id` is the decimal text of its
trade_no (`orders.exchanges.inside.trade_id`). Prices are ticks, quantities lots; floats live only in the agents' opinions.
Same seed, same users' commands, same times: the same market.
"""

from __future__ import annotations

from orders.simulator.publisher import Publisher
from orders.simulator.simulator import Simulator
from orders.simulator.spec import SimInstrument
from orders.simulator.tape import AGENT_BIT

__all__ = ["AGENT_BIT", "Publisher", "SimInstrument", "Simulator"]
