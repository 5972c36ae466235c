"""The feed of recorded klines: each bar is lived through again, from its open over low and high to its close.

Between two bars the source's time jumps over what the file does not hold. Pacing waits on an event that stops it at
once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_DOWN, Decimal

from marketdata import clock, intervals
from marketdata.domain import InstrumentSpec, Kline
from marketdata.feeds.base import AnchorSeen, Event, KlineSeen
from marketdata.klines import replay_path

STEP_S = 0.25  # the path of a bar is shown this often, but at least at its four corners
STEPS_MAX = 240
_EIGHT_PLACES = Decimal("0.00000001")


class ReplayFeed:
    """Plays bars of one series at `speed` times their own pace; speed 0 is as fast as they can be taken (closed bars
    only).

    `events()` goes on where it stopped; `finished` says that there is nothing more.
    """

    def __init__(
        self, bars: Iterable[Kline], interval: str, speed: float, stopping: threading.Event | None = None
    ) -> None:
        if speed < 0:
            raise ValueError(f"speed is 0 (as fast as possible) or above, was {speed}")
        self._bars = iter(bars)
        self._interval = interval
        self._bar_s = intervals.length_ms(interval) / 1000 / speed if speed else 0.0
        self._stopping = stopping or threading.Event()
        self._wanted: dict[int, InstrumentSpec] = {}
        self._bar_due_ns: int | None = None
        self.played = 0
        self.finished = False
        self.now: Kline | None = None

    @property
    def now_ns(self) -> int:
        """How far the bars have come."""
        return self.now.open_ms * 1_000_000 if self.now else 0

    def subscribe(self, wanted: Mapping[int, InstrumentSpec]) -> None:
        """Who hears the bars: usually one instrument."""
        self._wanted = dict(wanted)

    def events(self) -> Iterator[Event]:
        """One bar. At a pace this takes the bar's time: the caller flushes between the events."""
        bar = next(self._bars, None)
        if bar is None or self._stopping.is_set():
            self.finished = True
            return
        self.now = bar
        if self._bar_s:
            yield from self._lived(bar)
        closed = bar._replace(closed=True)
        for instrument_id in self._wanted:
            yield AnchorSeen(instrument_id, self._moment(bar, 1, 1), bar.close)
            yield KlineSeen(instrument_id, self._interval, closed)
        self.played += 1

    def _lived(self, bar: Kline) -> Iterator[Event]:
        """The open forms of a bar, each at its time."""
        start_ns = self._bar_due_ns if self._bar_due_ns is not None else clock.monotonic_ns()
        # A player that was held up goes on from now instead of hurrying through what it missed.
        start_ns = max(start_ns, clock.monotonic_ns() - int(self._bar_s * 1e9))
        steps = max(4, min(STEPS_MAX, round(self._bar_s / STEP_S)))
        prices = path_prices(bar, steps)
        high = low = bar.open
        for number, price in enumerate(prices):
            self._wait_until(start_ns + int(number / steps * self._bar_s * 1e9))
            if self._stopping.is_set():
                return
            high, low = max(high, price), min(low, price)
            volume = (bar.volume * (number + 1) / steps).quantize(_EIGHT_PLACES, ROUND_DOWN)
            form = Kline(bar.open_ms, bar.open, high, low, price, volume, closed=False)
            for instrument_id in self._wanted:
                yield AnchorSeen(instrument_id, self._moment(bar, number, steps), price)
                yield KlineSeen(instrument_id, self._interval, form)
        self._bar_due_ns = start_ns + int(self._bar_s * 1e9)
        self._wait_until(self._bar_due_ns)

    def _moment(self, bar: Kline, number: int, steps: int) -> int:
        return bar.open_ms + (intervals.length_ms(self._interval) - 1) * number // steps

    def _wait_until(self, moment_ns: int) -> None:
        self._stopping.wait(max(0.0, (moment_ns - clock.monotonic_ns()) / 1e9))


def path_prices(bar: Kline, steps: int) -> list[Decimal]:
    """The bar's assumed path at `steps` moments, its four corners among them (steps is at least 4)."""
    corners = replay_path(bar)
    prices = []
    for number in range(steps):
        place = Decimal(number * 3) / (steps - 1)
        leg = min(2, int(place))
        fraction = place - leg
        prices.append(corners[leg] + (corners[leg + 1] - corners[leg]) * fraction)
    # Corners must be hit exactly, whatever the number of steps: high and low are part of the record.
    for leg, corner in enumerate(corners):
        prices[round(leg * (steps - 1) / 3)] = corner
    return prices
