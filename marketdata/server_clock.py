"""The bus server's clock, the clock of stream ids, as it is read from here between two looks at it.

The time that passes between the looks is counted by our own clock, so a wall clock that jumps here changes no age.
"""

from __future__ import annotations

from marketdata import clock
from marketdata.bus import Bus

AHEAD_MS = 1_000  # an id may be so much newer than our idea of now


class ServerClock:
    """An estimate, as good as the round trip of the newest look. Nothing is known before the first."""

    def __init__(self, bus: Bus | None = None) -> None:
        """Without a bus it does not ask, and is `told`."""
        self._bus = bus
        self._ahead_ns: int | None = None  # the server's wall clock less our time since boot
        self._looked_ns = 0

    def look(self, at_most_every_ns: int = 0) -> None:
        """Ask the server, unless we did a moment ago. Raises BusDown; what was known stays."""
        before = clock.boot_ns()
        if self._ahead_ns is not None and before - self._looked_ns < at_most_every_ns:
            return
        assert self._bus is not None
        self.told(self._bus.time_ns(), before)

    def told(self, theirs_ns: int, asked_ns: int) -> None:
        """The server just said its time; it was asked at a moment of our time since boot."""
        self._looked_ns = clock.boot_ns()
        self._ahead_ns = theirs_ns - (asked_ns + self._looked_ns) // 2

    def now_ms(self) -> int | None:
        """The server's time; None while it was never asked."""
        return None if self._ahead_ns is None else (self._ahead_ns + clock.boot_ns()) // 1_000_000

    def age_ms(self, entry_ms: int, sent_ms: int = 0) -> int | None:
        """How old a command is: since it was added to its stream, or since it was sent where that is longer ago (a bus that
        stood still adds late). None when its id is of a time to come: the server's clock was set back, and nobody knows.
        """
        now_ms = self.now_ms()
        if now_ms is None:
            return None
        if entry_ms > now_ms + AHEAD_MS:
            return None
        return max(0, now_ms - (min(entry_ms, sent_ms) if sent_ms else entry_ms))
