"""The market half of an engine: the simulator in its core, what it publishes, the replays it follows."""

from __future__ import annotations

import logging
from typing import Any

from marketdata import bus as buses
from marketdata import clock
from marketdata.blocks import ANCHOR, unpack
from orders._core import Core
from orders.engine.world import InstrumentSpec, World
from orders.exchanges.sim import SimExchange
from orders.simulator import Publisher, SimInstrument, Simulator, history
from orders.simulator.spec import habits

log = logging.getLogger(__name__)


class Market:
    """Everything of the simulated exchanges that one engine keeps. Derived: a fresh one trades on around the last prices."""

    def __init__(self, core: Core, bus: buses.Bus, world: World, seed: int) -> None:
        instruments = (simulated(spec) for spec in world.instruments.values())
        self.simulator = Simulator(core, [one for one in instruments if one is not None], seed=seed)
        self.exchange = SimExchange(core, self.simulator)
        self.publisher = Publisher(core, self.simulator)
        self._bus = bus
        self._anchors = buses.BlockTail(bus)
        self._replayed: set[str] = set()
        self._remember_replays(world)

    def open(self, state: dict[str, Any] | None) -> None:
        """Go on from a checkpoint's state, give every market its past, let the agents' depth stand."""
        if state is not None:
            self.simulator.load_state(state)
        history.ensure(self.simulator, clock.now())
        self.simulator.open(clock.now_ns())

    def step(self, now_ns: int) -> None:
        """The agents' due events; where a replay plays, around its price. The core's reports wait afterwards."""
        if self._replayed:
            for _, entry in self._anchors.read(0):
                for record in unpack(entry.payload):
                    if record.kind == ANCHOR:
                        self.simulator.anchor(record.instrument_id, record.ticks, now_ns)
        self.simulator.step(now_ns)

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
            if changed and (instrument := simulated(spec)) is not None:
                self.simulator.set_instrument(instrument, now_ns)
                if before is None:
                    history.begin(self.simulator, spec.id, clock.from_ns(now_ns))
        for gone in old.instruments.keys() - new.instruments.keys():
            self.simulator.remove_instrument(gone, now_ns)
        self._remember_replays(new)

    def look_for_replays(self) -> None:
        """Follow the streams of replayed exchanges. May raise BusDown."""
        if self._replayed:
            self._anchors.follow(self._replayed)

    def publish(self) -> None:
        """Send what the market did since the last time. A bus that is away misses it; the next snapshot heals that."""
        try:
            for exchange, block in self.publisher.blocks(clock.now_ns()).items():
                if block:
                    self._bus.publish_block(exchange, block)
        except buses.BusDown:
            return

    def _remember_replays(self, world: World) -> None:
        self._replayed = {spec.exchange for spec in world.instruments.values() if spec.source == "replay"}


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
