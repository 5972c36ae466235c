"""Frames that are none, counted by who sends them: a new connection does not make the count begin again."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from marketdata import clock

MOST = 10
WINDOW_NS = 10_000_000_000
SENDERS_MAX = 10_000  # the one heard of longest ago is forgotten


class BadFrames:
    """Of each sender, when the last of them came. Belongs to one event loop."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, deque[int]] = {}

    def is_one_too_many(self, sender: Hashable) -> bool:
        """Count one more; True for the tenth within ten seconds, and those after it."""
        now_ns = clock.monotonic_ns()
        times = self._kept.pop(sender, None) or deque(maxlen=MOST)
        times.append(now_ns)
        while len(self._kept) >= SENDERS_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[sender] = times
        return len(times) == MOST and now_ns - times[0] <= WINDOW_NS

    def clear(self) -> None:
        """Nobody sent any."""
        self._kept.clear()


bad_frames = BadFrames()
