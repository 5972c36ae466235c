"""Minutes that were not lived through, made up: bars that end where a market stands, with its own clustered volatility.
Pure.

The path is drawn backwards from its end, which a mean-reverting walk allows: seen backwards it is the same kind of
walk.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from orders.simulator.belief import REVERSION_S
from orders.simulator.prng import Prng
from orders.simulator.spec import Habits
from orders.simulator.volatility import Volatility

MINUTE_S = 60.0
TURNOVER = 3.3  # what the live agents trade in a minute, in levels' worth for each event a second (measured)


class Bar(NamedTuple):
    """One minute in ticks and lots."""

    open: int
    high: int
    low: int
    close: int
    lots: int


def minutes(
    count: int, end: float, home: float, habits: Habits, prng: Prng, volatility: Volatility, start: float | None = None
) -> list[Bar]:
    """`count` bars, oldest first, the last closing at `end` ticks; the first opens at `start` ticks, or wherever the
    walk leads.

    `volatility` is the market's at the end and is used up.
    """
    sqrt_minute = math.sqrt(MINUTE_S)
    logs = [math.log(end)]
    moves: list[float] = []
    busy: list[float] = []
    drawn_to = math.log(home)
    for _ in range(count):
        volatility.step(MINUTE_S, prng)
        deviation = volatility.sigma * sqrt_minute
        here = logs[-1]
        pull = (drawn_to - here) * MINUTE_S / REVERSION_S
        logs.append(here + pull + deviation * prng.normal() + volatility.jump(MINUTE_S, prng))
        moves.append(deviation)
        busy.append(volatility.ratio * math.exp(0.35 * prng.normal()))
    if start is not None and count:
        error = math.log(start) - logs[-1]
        logs = [value + error * index / count for index, value in enumerate(logs)]
    ordinary = TURNOVER * habits.events_per_second * habits.depth_lots
    return [
        _bar(logs[index + 1], logs[index], moves[index], max(1, int(ordinary * busy[index])), prng)
        for index in range(count - 1, -1, -1)
    ]


def _bar(opens: float, closes: float, deviation: float, lots: int, prng: Prng) -> Bar:
    """A bar around two ends: its extremes are those of a random walk tied at both."""
    step = closes - opens
    top = (opens + closes + math.sqrt(step * step - 2 * deviation * deviation * math.log(prng.uniform()))) / 2
    bottom = (opens + closes - math.sqrt(step * step - 2 * deviation * deviation * math.log(prng.uniform()))) / 2
    first, last = max(1, round(math.exp(opens))), max(1, round(math.exp(closes)))
    high, low = max(first, last, round(math.exp(top))), max(1, min(first, last, round(math.exp(bottom))))
    return Bar(first, high, low, last, lots)
