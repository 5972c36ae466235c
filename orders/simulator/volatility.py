"""Volatility that clusters: the logarithm of it is a sum of three mean-reverting parts, of hours, minutes and seconds.
Pure.

Quiet and nervous times last, at every scale from a second to a day, and the same process serves the live market and the
generated history. The variance averages to the daily volatility that was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from orders.simulator.prng import Prng

DAY_S = 86_400.0
TAUS_S = (21_600.0, 600.0, 40.0)
DEVIATIONS = (0.40, 0.45, 0.40)
JUMP_EVERY_S = 900.0  # news: on average one jump in this time,
JUMP_MINUTES = 2.0  # as large as this many minutes' ordinary movement

_VARIANCE = sum(deviation * deviation for deviation in DEVIATIONS)
_EXCITED_MAX = 1.5


class Volatility:
    """The market's nervousness. `sigma` is the deviation of the logarithm of the price in one second."""

    __slots__ = ("_logs", "_mean", "ratio", "sigma")

    def __init__(self, daily_bp: float) -> None:
        jumps = 1.0 + JUMP_MINUTES**2 * 60.0 / JUMP_EVERY_S  # the jumps' share of the variance is taken off here
        self._mean = daily_bp / 10_000.0 / math.sqrt(DAY_S * jumps)
        self._logs = [0.0] * len(TAUS_S)
        self.ratio = 1.0
        self.sigma = self._mean
        self._settle()

    def _settle(self) -> None:
        self.ratio = math.exp(sum(self._logs) - _VARIANCE)
        self.sigma = self._mean * self.ratio

    def step(self, seconds: float, prng: Prng) -> None:
        """Let time pass; exact for steps of any length."""
        logs = self._logs
        for index, (tau, deviation) in enumerate(zip(TAUS_S, DEVIATIONS, strict=True)):
            kept = math.exp(-seconds / tau)
            logs[index] = logs[index] * kept + deviation * math.sqrt(1.0 - kept * kept) * prng.normal()
        self._settle()

    def excite(self, amount: float) -> None:
        """A shock makes the next minutes nervous."""
        self._logs[1] = min(self._logs[1] + amount, _EXCITED_MAX)
        self._logs[2] = min(self._logs[2] + amount, _EXCITED_MAX)
        self._settle()

    def jump(self, seconds: float, prng: Prng) -> float:
        """The news of the last `seconds`, as a change of the price's logarithm; nearly always 0."""
        if prng.uniform() < seconds / JUMP_EVERY_S:
            return JUMP_MINUTES * math.sqrt(60.0) * self.sigma * prng.normal()
        return 0.0

    def save(self) -> list[float]:
        """The state as JSON takes it."""
        return list(self._logs)

    def load(self, logs: Sequence[float]) -> None:
        """Go on where `save` was called."""
        self._logs = [float(log) for log in logs]
        self._settle()
