"""All simulated markets of a shard: one clock, one tape, one count of agents' orders. Pure; see the package for its
use.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from orders import _core
from orders.simulator.ladder import Ladder
from orders.simulator.market import Market
from orders.simulator.spec import SimInstrument
from orders.simulator.tape import Tape

STATE_VERSION = 1


class Simulator:
    """The agents of every simulated instrument. Not thread-safe: it lives in the engine's thread, beside its core."""

    def __init__(self, core: _core.Core, instruments: Iterable[SimInstrument], seed: int) -> None:
        self._core = core
        self.seed = seed
        self._numbers = itertools.count(1)
        self._places: dict[int, tuple[Ladder, int]] = {}
        self._markets: dict[int, Market] = {}
        self.tape = Tape(_core.TAPE_FORMAT)
        for instrument in instruments:
            self._markets[instrument.id] = self._market(instrument)

    def _market(self, instrument: SimInstrument) -> Market:
        return Market(self._core, instrument, self.seed, lambda: next(self._numbers), self._places)

    # -- life --------------------------------------------------------------------------------------------------------

    def open(self, now_ns: int) -> None:
        """Put up the agents' depth around each fair price. Users' orders that stand already are not touched; those that
        a quote would meet are traded against by the takers of the next steps.
        """
        self.collect()
        for market in self._markets.values():
            market.open(now_ns)
        self.ensure_depth(now_ns)

    def step(self, now_ns: int) -> None:
        """Let the events happen that are due by now: a bounded number, and after a second's silence only the price has
        moved.
        """
        self.collect()
        for market in self._markets.values():
            market.step(now_ns, self.collect)
        self.ensure_depth(now_ns)

    def ensure_depth(self, now_ns: int, instrument_id: int | None = None) -> None:
        """At least 20 levels a side in one market, or in all. Cheap when nothing is missing."""
        self.collect()
        if instrument_id is None:
            for market in self._markets.values():
                market.ensure_depth(now_ns, self.collect)
        elif instrument_id in self._markets:
            self._markets[instrument_id].ensure_depth(now_ns, self.collect)

    def collect(self) -> None:
        """Drain the core's tape: agents learn what was hit, the prints wait for the publisher."""
        raw = self._core.tape()
        if not raw:
            return
        for one in self.tape.feed(raw):
            place = self._places.get(one.maker_no)
            if place is not None:
                place[0].hit(place[1], one.lots)
            market = self._markets.get(one.instrument)
            if market is not None:
                market.printed(one.side, one.lots)

    # -- the world ---------------------------------------------------------------------------------------------------

    @property
    def instruments(self) -> list[SimInstrument]:
        """What is simulated, in the order given."""
        return [market.instrument for market in self._markets.values()]

    def __contains__(self, instrument_id: int) -> bool:
        return instrument_id in self._markets

    def set_instrument(self, instrument: SimInstrument, now_ns: int) -> None:
        """A new instrument, or another spec of a known one: its quotes are taken down and put up again in the new
        ticks.
        """
        old = self._markets.get(instrument.id)
        if old is not None and old.instrument == instrument:
            return
        market = self._market(instrument)
        if old is not None:
            old.leave(now_ns)
            market.load(old.save())
            market.belief.set_price(old.belief.fair * float(old.instrument.tick_size / instrument.tick_size))
        self._markets[instrument.id] = market
        market.open(now_ns)

    def withdraw(self, instrument_id: int, now_ns: int) -> None:
        """Take an instrument's quotes down before core.set_instrument changes its steps, which the core refuses while
        orders stand; `set_instrument` puts them up again.
        """
        market = self._markets.get(instrument_id)
        if market is not None:
            market.leave(now_ns)

    def remove_instrument(self, instrument_id: int, now_ns: int) -> None:
        """Its agents leave."""
        market = self._markets.pop(instrument_id, None)
        if market is not None:
            market.leave(now_ns)

    def anchor(self, instrument_id: int, ticks: int, now_ns: int) -> None:
        """A replay says what the price is (0: no more). Takers trade the book through to it; orders on the way are
        filled.
        """
        market = self._markets.get(instrument_id)
        if market is not None:
            self.collect()
            market.anchor(ticks, now_ns, self.collect)
            self.ensure_depth(now_ns, instrument_id)

    def price(self, instrument_id: int) -> float:
        """The fair price in ticks, an opinion. KeyError for an instrument that is not simulated."""
        return self._markets[instrument_id].belief.fair

    def set_price(self, instrument_id: int, ticks: float) -> None:
        """Resume at this price; call before `open`."""
        self._markets[instrument_id].belief.set_price(ticks)

    def as_of_ns(self, instrument_id: int) -> int:
        """When the checkpoint was taken that its price came from; 0 = it came from none."""
        return self._markets[instrument_id].as_of_ns

    def market(self, instrument_id: int) -> Market:
        """One market, to look at. KeyError when it is not simulated."""
        return self._markets[instrument_id]

    # -- checkpoints -------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything the agents would miss after a restart, as JSON takes it. Quotes are not in it: `open` puts them up
        again.
        """
        markets = {str(number): market.save() for number, market in self._markets.items()}
        return {"version": STATE_VERSION, "markets": markets}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was called; unknown instruments and other versions are ignored. Call before `open`."""
        if state.get("version") != STATE_VERSION:
            return
        for number, saved in state["markets"].items():
            market = self._markets.get(int(number))
            if market is not None:
                market.load(saved)
