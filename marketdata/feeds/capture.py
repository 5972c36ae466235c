"""The feed of a recorded raw session: its lines come again, at the pace they were received or a multiple of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping

from marketdata import clock
from marketdata.domain import InstrumentSpec
from marketdata.feeds.base import Event
from marketdata.feeds.binance_raw import Line, Session

WAIT_S = 0.1  # the longest silence of events(), so that the caller can say that the source is alive
LINES = 500  # the most of one call, when there is nothing to wait for


class CaptureFeed:
    """Plays lines at `speed` times their own pace; 0 is as fast as they can be taken. Lines received before `first_ns`
    are hurried through, for the book they make.
    """

    def __init__(
        self,
        lines: Iterable[Line],
        speed: float,
        stopping: threading.Event | None = None,
        first_ns: int = 0,
        end_ns: int = 0,
    ) -> None:
        if speed < 0:
            raise ValueError(f"speed is 0 (as fast as possible) or above, was {speed}")
        self._lines = iter(lines)
        self._speed = speed
        self._stopping = stopping or threading.Event()
        self._first_ns = first_ns
        self._end_ns = end_ns
        self._sessions: list[Session] = []
        self._next: Line | None = None
        self._began: tuple[int, int] | None = None  # (the line's time, ours)
        self.played = 0
        self.finished = False

    @property
    def now_ns(self) -> int:
        """How far the exchange's time has come."""
        return max((session.at_ns for session in self._sessions), default=0)

    def subscribe(self, wanted: Mapping[int, InstrumentSpec]) -> None:
        """Who hears it: usually one instrument."""
        self._sessions = [Session(instrument_id) for instrument_id in wanted]

    def events(self) -> Iterator[Event]:
        """What is due by now; waits a little for the next line, not for ever."""
        for _ in range(LINES):
            line = self._next if self._next is not None else next(self._lines, None)
            self._next = None
            if line is None or self._stopping.is_set() or (self._end_ns and line.local_ns >= self._end_ns):
                self.finished = True
                return
            wait_s = self._due_in_s(line)
            if wait_s > 0:
                self._stopping.wait(min(wait_s, WAIT_S))
                self._next = line
                return
            for session in self._sessions:
                yield from session.events(line.message)
            self.played += 1

    def _due_in_s(self, line: Line) -> float:
        if not self._speed or line.local_ns < self._first_ns:
            return 0.0
        now_ns = clock.monotonic_ns()
        if self._began is None:
            self._began = (line.local_ns, now_ns)
        lines_ns, ours_ns = self._began
        return (ours_ns + (line.local_ns - lines_ns) / self._speed - now_ns) / 1e9
