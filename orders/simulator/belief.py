"""What the agents of one market have in their heads: the fair price, how nervous it is, which way the flow presses. Pure.

The fair price wanders with clustered volatility, weakly drawn to where it started; or it is told (an anchor, from a
replay). Flow teaches it a little, and makes makers lean away for a while.
"""

from __future__ import annotations

import math
from typing import Any

from orders.simulator.prng import Prng
from orders.simulator.spec import TICKS_MIN, Habits
from orders.simulator.volatility import Volatility

PRESSURE_S = 15.0  # how long makers remember one-sided flow
MOOD_S = 40.0  # how long noise takers keep to a side
REVERSION_S = 3 * 86_400.0  # the pull back to where the price started
VOLATILITY_EVERY_S = 0.5
IMPACT = 0.15  # how far a level's worth of flow moves the fair price, in spreads
LEAN = 1.5  # how far makers lean away from full pressure, in spreads
PRESSURE_MAX = 1.5
SHARE_MAX = 8.0  # one print teaches no more than this many levels' worth
SHOCK_SHARE = 3.0  # a print of more than this many levels' worth makes the market nervous
TOLD_HOLDS_NS = 90 * 10**9  # a replay silent for longer has let go


class Belief:
    """Prices are in ticks and fractions of them. `replayed` markets never wander by themselves."""

    __slots__ = (
        "_habits", "_prng", "_replayed", "_since_volatility_s", "_told_until_ns", "fair", "home", "mood", "pressure",
        "volatility",
    )  # fmt: skip

    def __init__(self, habits: Habits, prng: Prng, *, replayed: bool) -> None:
        self._habits = habits
        self._prng = prng
        self._replayed = replayed
        self._since_volatility_s = 0.0
        self._told_until_ns = 0
        self.volatility = Volatility(habits.daily_volatility_bp)
        self.home = float(habits.start_ticks)
        self.fair = self.home
        self.pressure = 0.0  # of takers on the makers: +1 is hard buying
        self.mood = 0.0  # of noise takers: +1 is all buying

    def told(self, now_ns: int) -> bool:
        """Whether the price is somebody else's to say at this moment."""
        return self._replayed or now_ns < self._told_until_ns

    def tell(self, ticks: int, now_ns: int) -> None:
        """The price is this; for a while it will not wander. 0 lets go of it."""
        if ticks <= 0:
            self._told_until_ns = 0
            return
        self._told_until_ns = now_ns + TOLD_HOLDS_NS
        self.fair = self.home = float(max(ticks, 2))
        self.pressure = 0.0

    def set_price(self, ticks: float) -> None:
        """Believe in this price from now on."""
        self.fair = max(float(ticks), 2.0 if self._replayed else float(TICKS_MIN))

    def advance(self, seconds: float, now_ns: int) -> None:
        """Let time pass."""
        self.pressure *= math.exp(-seconds / PRESSURE_S)
        self.mood *= math.exp(-seconds / MOOD_S)
        prng, volatility = self._prng, self.volatility
        self._since_volatility_s += seconds
        move = 0.0
        if self._since_volatility_s >= VOLATILITY_EVERY_S:
            volatility.step(self._since_volatility_s, prng)
            move = volatility.jump(self._since_volatility_s, prng)
            self._since_volatility_s = 0.0
        if not self.told(now_ns):
            move += volatility.sigma * math.sqrt(seconds) * prng.normal()
            move -= math.log(self.fair / self.home) * min(1.0, seconds / REVERSION_S)
            self.set_price(self.fair * math.exp(move))

    def hear(self, sign: int, lots: int, now_ns: int, *, learning: bool) -> None:
        """Takers bought (+1) or sold (-1) so much. Nobody learns from those who only traded what is believed already."""
        share = min(lots / self._habits.depth_lots, SHARE_MAX)
        self.pressure = max(-PRESSURE_MAX, min(PRESSURE_MAX, self.pressure + 0.05 * share * sign))
        self.mood = max(-1.0, min(1.0, self.mood + 0.02 * share * sign))
        if learning and not self.told(now_ns):
            self.set_price(self.fair + IMPACT * self._habits.fine_spread_ticks * share * sign)
            if share > SHOCK_SHARE:
                self.volatility.excite(0.02 * share)

    def opinion(self) -> tuple[float, float, float]:
        """(middle, half spread, gap between levels) of the makers now, in ticks."""
        nervous = min(6.0, max(0.6, self.volatility.ratio**0.8))
        # rounding to whole ticks away from the middle adds half a tick by itself
        half = max(0.0, 0.5 * self._habits.spread_ticks * nervous * (1.0 + 0.5 * abs(self.pressure)) - 0.5)
        gap = max(1.0, min(self._habits.gap_ticks * nervous, self.fair / 200.0))
        return self.fair + self.pressure * LEAN * self._habits.fine_spread_ticks * nervous, half, gap

    def save(self) -> dict[str, Any]:
        """The state as JSON takes it."""
        return {
            "fair": self.fair,
            "home": self.home,
            "pressure": self.pressure,
            "mood": self.mood,
            "volatility": self.volatility.save(),
            "told_until_ns": self._told_until_ns,
        }

    def load(self, saved: dict[str, Any], *, same_ticks: bool) -> None:
        """Go on where `save` was called; the prices only when ticks still mean the same."""
        self.volatility.load(saved["volatility"])
        self.mood = float(saved["mood"])
        self.pressure = float(saved["pressure"])
        if same_ticks:
            self.set_price(saved["fair"])
            self.home = float(saved["home"])
            self._told_until_ns = int(saved["told_until_ns"])
