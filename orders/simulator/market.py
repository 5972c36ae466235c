"""One instrument's market: makers who quote around a believed price, takers who come and go. Pure.

Makers stand wider when the market is nervous and lean away from one-sided flow: a hit level comes back slowly, thinner
and further out. Takers are noise with power-law sizes, orders cut into runs of one side, now and then a sweep, and
informed ones who trade whatever stands on the wrong side of the fair price, users' orders too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from orders import _core
from orders.simulator.belief import Belief
from orders.simulator.ladder import Ladder
from orders.simulator.prng import Prng, mix
from orders.simulator.spec import SimInstrument, habits

LEVELS = 32  # a side that is left in peace holds about this many
LEVELS_MIN = 20  # promised at all times
LEVELS_REFILL = 24  # what an emptied side gets back at once
LEVELS_TRIM = 38

TAKER_SHARE = 0.12  # of all events
SWEEP_SHARE = 0.004  # of the noise takers
INFORMED_SHARE = 0.5  # of the events at which there is a mispriced quote
SIZE_ALPHA = 1.6
SIZE_SHARE = 0.12  # smallest ordinary order, of a level
SIZE_CAP = 30.0

EVENTS_A_STEP = 8
LAG_MAX_S = 1.0  # further behind than this, events are skipped and only the price has moved
FAR = 0.05  # a user's order this far through the fair price is taken whole at once
FINE_GAP = 2.0  # ticks between levels; below this, quotes stand at every tick
DEPTH_ALL = 4096


class Market:
    """The agents of one instrument. Times are ns; the core must know the instrument before `open`."""

    __slots__ = (
        "_core", "_last_ns", "_learning", "_next_ns", "_prng", "as_of_ns", "asks", "belief", "bids", "habits",
        "instrument",
    )  # fmt: skip

    def __init__(
        self,
        core: _core.Core,
        instrument: SimInstrument,
        seed: int,
        next_no: Callable[[], int],
        places: dict[int, tuple[Ladder, int]],
    ) -> None:
        self._core = core
        self.instrument = instrument
        self.habits = habits(instrument)
        self._prng = Prng(mix(seed, instrument.id))
        self.belief = Belief(self.habits, self._prng, replayed=instrument.replayed)
        self._learning = True
        self._last_ns = 0
        self._next_ns = 0
        self.as_of_ns = 0  # when the checkpoint was taken that the price came from; 0 = from none
        number, version = instrument.id, instrument.spec_version
        self.bids = Ladder(core, number, version, _core.SIDE_BUY, next_no, places)
        self.asks = Ladder(core, number, version, _core.SIDE_SELL, next_no, places)

    # -- what the simulator calls ------------------------------------------------------------------------------------

    def open(self, now_ns: int) -> None:
        """Stand with full depth from now on."""
        self._last_ns = now_ns
        self._next_ns = now_ns
        self.stand(now_ns)

    def step(self, now_ns: int, collect: Callable[[], None]) -> None:
        """Let the events happen that are due. `collect` is called after each order that may have traded."""
        if self._last_ns == 0:
            return self.open(now_ns)
        if (now_ns - self._next_ns) * 1e-9 > LAG_MAX_S:
            self.belief.advance((now_ns - self._last_ns) * 1e-9, now_ns)
            self._last_ns = self._next_ns = now_ns
            self.stand(now_ns)
        rate = self.habits.events_per_second
        for _ in range(EVENTS_A_STEP):
            if self._next_ns > now_ns:
                break
            self.belief.advance((self._next_ns - self._last_ns) * 1e-9, now_ns)
            self._last_ns = self._next_ns
            self._next_ns += max(1, int(self._prng.exponential() / rate * 1e9))
            self._event(now_ns, collect)
        return None

    def anchor(self, ticks: int, now_ns: int, collect: Callable[[], None]) -> None:
        """Trade the book through to a told price and stand around it. 0 lets go of it."""
        if ticks > 0:
            self._trade_through(ticks, now_ns, collect)
        self.belief.tell(ticks, now_ns)
        self.stand(now_ns)

    def printed(self, side: int, lots: int) -> None:
        """Somebody took `lots`; `side` is the taker's."""
        self.belief.hear(1 if side == _core.SIDE_BUY else -1, lots, self._last_ns, learning=self._learning)

    def ensure_depth(self, now_ns: int, collect: Callable[[], None]) -> None:
        """At least 20 levels a side, whatever was swept; nobody's order left far through the fair price."""
        best = self._core.best(self.instrument.id)
        if (best[0] or 0) > self.belief.fair * (1 + FAR):
            self._take_far(_core.SIDE_SELL, now_ns, collect)
        if best[2] is not None and best[2] < self.belief.fair * (1 - FAR):
            self._take_far(_core.SIDE_BUY, now_ns, collect)
        for ladder in (self.bids, self.asks):
            if len(ladder) < LEVELS_MIN:
                self._refill(ladder, LEVELS_REFILL, now_ns)

    def stand(self, now_ns: int) -> None:
        """Quote both sides in full around the fair price, moving whatever stands elsewhere."""
        for ladder in (self.bids, self.asks):
            middle, half, _ = self.belief.opinion()
            target = math.ceil(ladder.sign * middle + half)
            for key in [key for key in ladder.keys if key < target]:
                ladder.cancel(key, now_ns)
        for ladder in (self.bids, self.asks):
            self._refill(ladder, LEVELS, now_ns)

    def leave(self, now_ns: int) -> None:
        """Take every quote away."""
        self.bids.clear(now_ns)
        self.asks.clear(now_ns)

    def save(self) -> dict[str, Any]:
        """The market's mind, as JSON takes it. Its quotes are not part of it: they are put up again."""
        return {
            "spec_version": self.instrument.spec_version,
            "as_of_ns": self._last_ns,
            "prng": self._prng.save(),
            **self.belief.save(),
        }

    def load(self, saved: dict[str, Any]) -> None:
        """Go on where `save` was called; without the prices when they are another spec_version's."""
        same = saved["spec_version"] == self.instrument.spec_version
        self._prng.load(saved["prng"])
        self.belief.load(saved, same_ticks=same)
        self.as_of_ns = int(saved["as_of_ns"]) if same else 0

    # -- events ------------------------------------------------------------------------------------------------------

    def _event(self, now_ns: int, collect: Callable[[], None]) -> None:
        bid, _, ask, _ = self._core.best(self.instrument.id)
        if bid is None or ask is None:
            return self.ensure_depth(now_ns, collect)
        draw = self._prng.uniform()
        if (ask < self.belief.fair or bid > self.belief.fair) and self._prng.uniform() < INFORMED_SHARE:
            self._learning = False  # they know the fair price already
            if ask < self.belief.fair:
                self._take(_core.SIDE_BUY, math.floor(self.belief.fair), self._size(), now_ns, collect)
            else:
                self._take(_core.SIDE_SELL, math.ceil(self.belief.fair), self._size(), now_ns, collect)
            self._learning = True
        elif draw < TAKER_SHARE:
            self._noise(bid, ask, now_ns, collect)
        else:
            self._quote(self.asks if self._prng.uniform() < 0.5 else self.bids, bid, ask, now_ns)
        return None

    def _size(self) -> int:
        return max(1, int(self.habits.depth_lots * SIZE_SHARE * min(SIZE_CAP, self._prng.pareto(SIZE_ALPHA))))

    def _take(self, side: int, limit: int, lots: int, now_ns: int, collect: Callable[[], None]) -> None:
        """An agent's order that trades at once or not at all."""
        instrument = self.instrument
        self._core.place(
            now_ns, self.bids.number(), 0, instrument.id, instrument.spec_version, side, _core.TYPE_LIMIT,
            _core.TIF_IOC, _core.FLAG_AGENT, 0, limit, lots,
        )  # fmt: skip
        collect()

    def _noise(self, bid: int, ask: int, now_ns: int, collect: Callable[[], None]) -> None:
        """A taker without knowledge: mostly small, in runs of one side, rarely a sweep of several levels."""
        prng = self._prng
        buys = prng.uniform() < 0.5 + 0.35 * self.belief.mood
        self.belief.mood += 0.04 * ((1.0 if buys else -1.0) - self.belief.mood)
        gap = self.belief.opinion()[2]
        lots, reach = self._size(), 4.0 * gap if gap >= FINE_GAP else gap
        if prng.uniform() < SWEEP_SHARE:
            lots, reach = int(self.habits.depth_lots * (4.0 + 12.0 * prng.uniform())), 25.0 * gap
        if buys:
            self._take(_core.SIDE_BUY, ask + int(reach), lots, now_ns, collect)
        else:
            self._take(_core.SIDE_SELL, max(1, bid - int(reach)), lots, now_ns, collect)

    def _quote(self, ladder: Ladder, bid: int, ask: int, now_ns: int) -> None:
        """One maker's move on one side: flee, improve, extend, fill a hole, or stand somewhere else."""
        prng = self._prng
        middle, half, gap = self.belief.opinion()
        sign = ladder.sign
        nearest = (bid if sign > 0 else -ask) + 1  # any nearer would trade
        target = max(math.ceil(sign * middle + half), nearest)
        keys = ladder.keys
        fled = 0
        while keys and keys[0] < target - half * 0.5 and fled < 3:
            ladder.cancel(keys[0], now_ns)
            fled += 1
        against = max(0.0, sign * self.belief.pressure)
        near = min(gap, 2.0 * half + 1.0)  # a spread may be much narrower than the levels behind it stand apart
        if fled or not keys or keys[0] - target > (near if near >= FINE_GAP else 0.0):
            if fled or prng.uniform() < 1.0 / (1.0 + 3.0 * against):
                ladder.place(ladder.free_key(target + int(prng.uniform() * near * 0.5)), self._lots(0, against), now_ns)
        elif len(keys) < LEVELS:
            ladder.place(self._beyond(ladder, gap), self._lots(len(keys), 0.0), now_ns)
        else:
            draw = prng.uniform()
            index = min(len(keys) - 1, int(len(keys) * draw * draw))
            key = keys[index]
            if index + 1 < len(keys) and keys[index + 1] - key > 2.5 * self._spacing(index, gap):
                key = (key + keys[index + 1]) // 2
            else:
                ladder.cancel(key, now_ns)
                key = max(target, key + int((prng.uniform() - 0.5) * gap))
            ladder.place(ladder.free_key(key), self._lots(index, against), now_ns)
        if len(keys) > LEVELS_TRIM:
            ladder.cancel(keys[-1], now_ns)

    def _spacing(self, index: int, gap: float) -> float:
        """The usual distance from level `index` to the next: wider further out, unless the ticks are coarse."""
        return gap * (1.0 + 0.08 * index) if gap >= FINE_GAP else gap

    def _beyond(self, ladder: Ladder, gap: float) -> int:
        spacing = self._spacing(len(ladder), gap) * (0.7 + 0.6 * self._prng.uniform())
        return ladder.keys[-1] + max(1, round(spacing))

    def _lots(self, index: int, against: float) -> int:
        """A quote's size: more further out, less where the flow presses."""
        nearest = 0.4 if self.habits.gap_ticks >= FINE_GAP else 2.0  # where ticks are coarse, queues are long
        size = self.habits.depth_lots * (nearest + 0.05 * index) * (0.3 + 0.7 * self._prng.exponential())
        return max(1, int(size / (1.0 + 1.5 * against)))

    # -- repairs -----------------------------------------------------------------------------------------------------

    def _refill(self, ladder: Ladder, levels: int, now_ns: int) -> None:
        """Up to `levels` quotes: from the target outwards where there is room, then beyond the last; where that would be
        below the first tick, in the holes nearest to the target.
        """
        middle, half, gap = self.belief.opinion()
        best = self._core.best(self.instrument.id)
        other = best[0] if ladder.sign > 0 else best[2]
        nearest = -_FAR_KEY if other is None else ladder.sign * other + 1
        key = first = max(math.ceil(ladder.sign * middle + half), nearest)
        index = 0
        against = max(0.0, ladder.sign * self.belief.pressure)
        while ladder.keys and ladder.keys[0] - key > gap and len(ladder) < levels + LEVELS:
            if not ladder.place(key, self._lots(index, against), now_ns):
                break
            key += max(1, round(self._spacing(index, gap) * (0.7 + 0.6 * self._prng.uniform())))
            index += 1
            if key >= ladder.keys[index]:
                break
        if not ladder.keys and not ladder.place(key, self._lots(0, against), now_ns):
            return
        while len(ladder) < levels:
            lots = self._lots(len(ladder), 0.0)
            placed = ladder.place(self._beyond(ladder, gap), lots, now_ns)
            if not placed and not ladder.place(ladder.free_key(first), lots, now_ns):
                return
        while len(ladder) > LEVELS_TRIM:
            ladder.cancel(ladder.keys[-1], now_ns)

    def _trade_through(self, ticks: int, now_ns: int, collect: Callable[[], None]) -> None:
        """Takers carry the price to `ticks`: every user's order on the way is met, the makers' nearest three too."""
        bid, _, ask, _ = self._core.best(self.instrument.id)
        for ladder, side, crossed in (
            (self.asks, _core.SIDE_BUY, ask is not None and ask < ticks),
            (self.bids, _core.SIDE_SELL, bid is not None and bid > ticks),
        ):
            if not crossed:
                continue
            for key in [key for key in ladder.keys[3:] if key < ladder.sign * ticks]:
                ladder.cancel(key, now_ns)
            bids, asks = self._core.depth(self.instrument.id, DEPTH_ALL)
            standing = asks if side == _core.SIDE_BUY else bids
            lots = sum(lots for price, lots in standing if price * ladder.sign < ticks * ladder.sign)
            if lots:
                self._take(side, ticks - ladder.sign, lots, now_ns, collect)

    def _take_far(self, side: int, now_ns: int, collect: Callable[[], None]) -> None:
        """Somebody offers far more than the market asks: agents take all of it, level by level."""
        limit = self.belief.fair * (1 + FAR) if side == _core.SIDE_SELL else self.belief.fair * (1 - FAR)
        bids, asks = self._core.depth(self.instrument.id, LEVELS)
        for price, lots in bids if side == _core.SIDE_SELL else asks:
            if (price > limit) == (side == _core.SIDE_SELL):
                self._take(side, price, lots, now_ns, collect)


_FAR_KEY = 1 << 62
