"""The market half of an engine: the simulator in its core, what it publishes, the markets elsewhere that it follows."""

from __future__ import annotations

import logging
from typing import Any

from marketdata import bus as buses
from marketdata import clock
from marketdata.blocks import Record
from orders._core import Core
from orders.engine.far import FarMarkets
from orders.engine.world import InstrumentSpec, World
from orders.exchanges.inside import CoreExchange
from orders.exchanges.paper import PaperExchange
from orders.exchanges.sim import SimExchange
from orders.simulator import Publisher, SimInstrument, Simulator, history
from orders.simulator.spec import habits

log = logging.getLogger(__name__)
HOME = 0  # the shard the simulator lives in


class Market:
    """Everything of the market that one engine keeps. Derived: a fresh one trades on around the last prices, or with the next
    whole book that is told.
    """

    def __init__(self, core: Core, bus: buses.Bus, world: World, shard: int) -> None:
        self._core = core
        self._home = shard == HOME
        here = (self._simulated(spec) for spec in world.instruments.values() if core.mirror(spec.id) is None)
        self.simulator = Simulator(core, [one for one in here if one is not None], seed=shard + 1)
        self.exchanges: dict[str, CoreExchange] = {  # by account.kind, which decides once what stands behind its orders
            "simulated": SimExchange(core, self.simulator),
            "paper": PaperExchange(core, self.simulator),
        }
        self.publisher = Publisher(core, self.simulator)
        self.far = FarMarkets(core, bus, self._anchor, self._home)
        self._bus = bus
        self.far.obey(world.instruments.values())

    def _simulated(self, spec: InstrumentSpec) -> SimInstrument | None:
        """The simulator has one home: everywhere else its markets are mirrored, as any exchange's."""
        return simulated(spec) if self._home else None

    def open(self, state: dict[str, Any] | None) -> None:
        """Go on from a checkpoint's state, give every market its past, let the agents' depth stand."""
        if state is not None:
            self.simulator.load_state(state)
        history.ensure(self.simulator, clock.now())
        self.simulator.open(clock.now_ns())

    def step(self, now_ns: int) -> None:
        """What markets elsewhere told, and the agents' due events. The core's reports wait afterwards."""
        self.far.step(now_ns)
        self.simulator.step(now_ns)

    def _anchor(self, record: Record, now_ns: int) -> None:
        self.simulator.anchor(record.instrument_id, record.ticks, now_ns)

    def leave(self, instrument_id: int, now_ns: int) -> None:
        """The agents make way: the instrument's market is elsewhere from now on."""
        self.simulator.remove_instrument(instrument_id, now_ns)

    def come_back(self, spec: InstrumentSpec, now_ns: int) -> None:
        """The instrument's market is here again."""
        instrument = self._simulated(spec)
        if instrument is not None:
            self.simulator.set_instrument(instrument, now_ns)

    def withdraw_changed(self, old: World, new: World, now_ns: int) -> None:
        """Take the agents' quotes down where steps change: the core takes new ones only while nothing stands."""
        for spec in new.instruments.values():
            before = old.instruments.get(spec.id)
            if before is not None and before.spec_version != spec.spec_version:
                self.simulator.withdraw(spec.id, now_ns)

    def obey(self, old: World, new: World, now_ns: int) -> None:
        """Instruments came, changed or went."""
        for spec in new.instruments.values():
            before = old.instruments.get(spec.id)
            changed = before != spec or before.simulation != spec.simulation
            if self._core.mirror(spec.id) is not None:
                continue
            if changed and (instrument := self._simulated(spec)) is not None:
                self.simulator.set_instrument(instrument, now_ns)
                if before is None:
                    history.begin(self.simulator, spec.id, clock.from_ns(now_ns))
        for gone in old.instruments.keys() - new.instruments.keys():
            self.simulator.remove_instrument(gone, now_ns)
        self.far.obey(new.instruments.values())

    def publish(self) -> None:
        """Send what the market did since the last time. A bus that is away misses it; the next snapshot heals that."""
        try:
            for exchange, block in self.publisher.blocks(clock.now_ns()).items():
                if block:
                    self._bus.publish_block(exchange, block)
        except buses.BusDown:
            return


def simulated(spec: InstrumentSpec) -> SimInstrument | None:
    """The instrument for the simulator; None for one of a real exchange, or one whose settings cannot be traded by."""
    if spec.source == "ccxt":
        return None
    made = SimInstrument(
        id=spec.id,
        exchange=spec.exchange,
        symbol=spec.symbol,
        spec_version=spec.spec_version,
        tick_size=spec.tick_size,
        lot_size=spec.lot_size,
        notional_min=spec.notional_min,
        simulation=spec.simulation,
        replayed=spec.source == "replay",
    )
    try:
        habits(made)
    except (ValueError, ArithmeticError, TypeError) as error:
        log.error("%s has no market until its settings are mended: %s", spec.symbol, error)
        return None
    return made
