"""The strategies there are, by the word their configuration uses. Pure."""

from __future__ import annotations

from strategies.base import Strategy
from strategies.library.grid import LazyGrid

STRATEGIES: dict[str, type[Strategy]] = {"grid": LazyGrid}
