"""SplitMix64: a random stream whose whole state is one integer, so that a checkpoint can carry it. Pure."""

from __future__ import annotations

import math

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_UNIT = 1.0 / (1 << 53)


def mix(*parts: int) -> int:
    """One 64-bit seed out of several numbers; other numbers, another seed."""
    state = 0
    for part in parts:
        state = _scramble((state + _GOLDEN + part) & _MASK)
    return state


def _scramble(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


class Prng:
    """Uniform, exponential, normal and power-law numbers from one seed."""

    __slots__ = ("_spare", "state")

    def __init__(self, seed: int) -> None:
        self.state = seed & _MASK
        self._spare: float | None = None

    def uniform(self) -> float:
        """A number in (0, 1): never 0, so its logarithm exists."""
        state = self.state = (self.state + _GOLDEN) & _MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return (((z ^ (z >> 31)) >> 11) + 0.5) * _UNIT

    def exponential(self) -> float:
        """Mean 1."""
        return -math.log(self.uniform())

    def normal(self) -> float:
        """Mean 0, deviation 1 (Box and Muller, two at a time)."""
        spare = self._spare
        if spare is not None:
            self._spare = None
            return spare
        radius = math.sqrt(-2.0 * math.log(self.uniform()))
        angle = math.tau * self.uniform()
        self._spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def pareto(self, alpha: float) -> float:
        """At least 1; P(X > x) = x ** -alpha."""
        return float(self.uniform() ** (-1.0 / alpha))

    def save(self) -> list[float | int | None]:
        """The state as JSON takes it."""
        return [self.state, self._spare]

    def load(self, saved: list[float | int | None]) -> None:
        """Go on where `save` was called."""
        state, spare = saved
        self.state = int(state or 0)
        self._spare = None if spare is None else float(spare)
