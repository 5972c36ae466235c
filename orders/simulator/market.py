"""One instrument's market: a belief about the fair price, makers who quote around it, takers who come and go. Pure.

The fair price wanders with clustered volatility, weakly drawn to where it started; or it is told (an anchor, from a
replay). Makers stand around it, wider when the market is nervous, and lean away from one-sided flow: a hit level comes
back slowly, thinner and further out. Takers are noise with power-law sizes, orders cut into runs of one side, now and
then a sweep, and informed ones who trade whatever stands on the wrong side of the fair price, users' orders too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from orders import _core
from orders.simulator.ladder import Ladder
from orders.simulator.prng import Prng, mix
from orders.simulator.spec import TICKS_MIN, SimInstrument, habits
from orders.simulator.volatility import Volatility

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

PRESSURE_S = 15.0  # how long makers remember one-sided flow
MOOD_S = 40.0  # how long noise takers keep to a side
REVERSION_S = 3 * 86_400.0  # the pull back to where the price started
VOLATILITY_EVERY_S = 0.5
IMPACT = 0.15  # how far a level's worth of flow moves the fair price, in spreads
LEAN = 1.5  # how far makers lean away from full pressure, in spreads
EVENTS_A_STEP = 8
LAG_MAX_S = 1.0  # further behind than this, events are skipped and only the price has moved
ANCHOR_HOLDS_S = 90.0  # a replay silent for longer has let go
FAR = 0.05  # a user's order this far through the fair price is taken whole at once
FINE_GAP = 2.0  # ticks between levels; below this, quotes stand at every tick
DEPTH_ALL = 4096


class Market:
    """The agents of one instrument. Times are ns; the core must know the instrument before `open`."""

    __slots__ = (
        "_anchored_until_ns", "_core", "_last_ns", "_learning", "_mood", "_next_ns", "_prng", "_since_volatility_s",
        "asks", "bids", "fair", "habits", "home", "instrument", "pressure", "restored", "volatility",
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
        self.volatility = Volatility(self.habits.daily_volatility_bp)
        self.home = float(self.habits.start_ticks)
        self.fair = self.home
        self.pressure = 0.0
        self._mood = 0.0
        self._learning = True
        self._since_volatility_s = 0.0
        self._last_ns = 0
        self._next_ns = 0
        self._anchored_until_ns = 0
        self.restored = False
        number, version = instrument.id, instrument.spec_version
        self.bids = Ladder(core, number, version, _core.SIDE_BUY, next_no, places)
        self.asks = Ladder(core, number, version, _core.SIDE_SELL, next_no, places)

    # -- what the simulator calls ------------------------------------------------------------------------------------

    def set_price(self, ticks: float) -> None:
        """Believe in this price from now on; the quotes follow."""
        self.fair = max(float(ticks), 2.0 if self.instrument.replayed else float(TICKS_MIN))

    def open(self, now_ns: int) -> None:
        """Stand with full depth from now on."""
        self._last_ns = now_ns
        self._next_ns = now_ns
        self.stand(now_ns)

    def step(self, now_ns: int, collect: Callable[[], None]) -> None:
        """Let the events happen that are due. `collect` is called after each order that may have traded."""
        lag_s = (now_ns - self._next_ns) * 1e-9
        if lag_s > LAG_MAX_S:
            self._advance((now_ns - self._last_ns) * 1e-9, now_ns)
            self._last_ns = self._next_ns = now_ns
            self.stand(now_ns)
        rate = self.habits.events_per_second
        for _ in range(EVENTS_A_STEP):
            if self._next_ns > now_ns:
                return
            self._advance((self._next_ns - self._last_ns) * 1e-9, now_ns)
            self._last_ns = self._next_ns
            self._next_ns += max(1, int(self._prng.exponential() / rate * 1e9))
            self._event(now_ns, collect)

    def anchor(self, ticks: int, now_ns: int, collect: Callable[[], None]) -> None:
        """Trade the book through to a told price and stand around it. 0 lets go of it."""
        if ticks <= 0:
            self._anchored_until_ns = 0
            return
        self._anchored_until_ns = now_ns + int(ANCHOR_HOLDS_S * 1e9)
        self._trade_through(ticks, now_ns, collect)
        self.fair = self.home = float(max(ticks, 2))
        self.pressure = 0.0
        self.stand(now_ns)

    def printed(self, side: int, lots: int) -> None:
        """Somebody took `lots`: makers lean away, noise follows, and the fair price learns a little."""
        share = min(lots / self.habits.depth_lots, 8.0)
        signed = share if side == _core.SIDE_BUY else -share
        self.pressure = max(-1.5, min(1.5, self.pressure + 0.05 * signed))
        self._mood = max(-1.0, min(1.0, self._mood + 0.02 * signed))
        if self._learning and not self._told(self._last_ns):
            self.set_price(self.fair + IMPACT * self.habits.fine_spread_ticks * signed)
            if share > 3.0:
                self.volatility.excite(0.02 * share)

    def ensure_depth(self, now_ns: int, collect: Callable[[], None]) -> None:
        """At least 20 levels a side, whatever was swept; nobody's order left far through the fair price."""
        best = self._core.best(self.instrument.id)
        if (best[0] or 0) > self.fair * (1 + FAR):
            self._take_far(_core.SIDE_SELL, now_ns, collect)
        if best[2] is not None and best[2] < self.fair * (1 - FAR):
            self._take_far(_core.SIDE_BUY, now_ns, collect)
        for ladder in (self.bids, self.asks):
            if len(ladder) < LEVELS_MIN:
                self._refill(ladder, LEVELS_REFILL, now_ns)

    def stand(self, now_ns: int) -> None:
        """Quote both sides in full around the fair price, moving whatever stands elsewhere."""
        for ladder in (self.bids, self.asks):
            middle, half, _ = self._opinion()
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
            "fair": self.fair,
            "home": self.home,
            "pressure": self.pressure,
            "mood": self._mood,
            "volatility": self.volatility.save(),
            "prng": self._prng.save(),
            "anchored_until_ns": self._anchored_until_ns,
        }

    def load(self, saved: dict[str, Any]) -> None:
        """Go on where `save` was called. Prices of another spec_version are forgotten, for ticks mean something else
        now.
        """
        self._prng.load(saved["prng"])
        self.volatility.load(saved["volatility"])
        self._mood = float(saved["mood"])
        self.pressure = float(saved["pressure"])
        if saved["spec_version"] == self.instrument.spec_version:
            self.set_price(saved["fair"])
            self.home = float(saved["home"])
            self._anchored_until_ns = int(saved["anchored_until_ns"])
            self.restored = True

    # -- belief ------------------------------------------------------------------------------------------------------

    def _told(self, now_ns: int) -> bool:
        return self.instrument.replayed or now_ns < self._anchored_until_ns

    def _advance(self, seconds: float, now_ns: int) -> None:
        """Let `seconds` pass in the agents' heads."""
        self.pressure *= math.exp(-seconds / PRESSURE_S)
        self._mood *= math.exp(-seconds / MOOD_S)
        prng, volatility = self._prng, self.volatility
        self._since_volatility_s += seconds
        move = 0.0
        if self._since_volatility_s >= VOLATILITY_EVERY_S:
            volatility.step(self._since_volatility_s, prng)
            move = volatility.jump(self._since_volatility_s, prng)
            self._since_volatility_s = 0.0
        if not self._told(now_ns):
            move += volatility.sigma * math.sqrt(seconds) * prng.normal()
            move -= math.log(self.fair / self.home) * min(1.0, seconds / REVERSION_S)
            self.set_price(self.fair * math.exp(move))

    def _opinion(self) -> tuple[float, float, float]:
        """(middle, half spread, gap between levels) of the makers now, in ticks."""
        nervous = min(6.0, max(0.6, self.volatility.ratio**0.8))
        # rounding to whole ticks away from the middle adds half a tick by itself
        half = max(0.0, 0.5 * self.habits.spread_ticks * nervous * (1.0 + 0.5 * abs(self.pressure)) - 0.5)
        gap = max(1.0, min(self.habits.gap_ticks * nervous, self.fair / 200.0))
        return self.fair + self.pressure * LEAN * self.habits.fine_spread_ticks * nervous, half, gap

    # -- events ------------------------------------------------------------------------------------------------------

    def _event(self, now_ns: int, collect: Callable[[], None]) -> None:
        bid, _, ask, _ = self._core.best(self.instrument.id)
        if bid is None or ask is None:
            return self.ensure_depth(now_ns, collect)
        draw = self._prng.uniform()
        if (ask < self.fair or bid > self.fair) and self._prng.uniform() < INFORMED_SHARE:
            self._learning = False  # they know the fair price already
            if ask < self.fair:
                self._take(_core.SIDE_BUY, math.floor(self.fair), self._size(), now_ns, collect)
            else:
                self._take(_core.SIDE_SELL, math.ceil(self.fair), self._size(), now_ns, collect)
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
        buys = prng.uniform() < 0.5 + 0.35 * self._mood
        self._mood += 0.04 * ((1.0 if buys else -1.0) - self._mood)
        gap = self._opinion()[2]
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
        middle, half, gap = self._opinion()
        sign = ladder.sign
        nearest = (bid if sign > 0 else -ask) + 1  # any nearer would trade
        target = max(math.ceil(sign * middle + half), nearest)
        keys = ladder.keys
        fled = 0
        while keys and keys[0] < target - half * 0.5 and fled < 3:
            ladder.cancel(keys[0], now_ns)
            fled += 1
        against = max(0.0, sign * self.pressure)
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
        """Up to `levels` quotes: from the target outwards where there is room, then beyond the last."""
        middle, half, gap = self._opinion()
        best = self._core.best(self.instrument.id)
        other = best[0] if ladder.sign > 0 else best[2]
        nearest = -_FAR_KEY if other is None else ladder.sign * other + 1
        key = max(math.ceil(ladder.sign * middle + half), nearest)
        index = 0
        against = max(0.0, ladder.sign * self.pressure)
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
            if not placed and not ladder.place(ladder.keys[-1] + 1, lots, now_ns):
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
        limit = self.fair * (1 + FAR) if side == _core.SIDE_SELL else self.fair * (1 - FAR)
        bids, asks = self._core.depth(self.instrument.id, LEVELS)
        for price, lots in bids if side == _core.SIDE_SELL else asks:
            if (price > limit) == (side == _core.SIDE_SELL):
                self._take(side, price, lots, now_ns, collect)


_FAR_KEY = 1 << 62
