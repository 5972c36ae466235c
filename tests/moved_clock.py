"""A clock one can move: the wall, the time since boot and the bus server's clock go ahead together, as after a wait."""

from __future__ import annotations

import pytest

from marketdata import clock
from marketdata.bus import Bus


class Hands:
    """Moves every clock the engine reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0
        wall, boot, theirs = clock.now_ns, clock.boot_ns, Bus.time_ns
        monkeypatch.setattr(clock, "now_ns", lambda: wall() + self.ahead)
        monkeypatch.setattr(clock, "now_ms", lambda: clock.now_ns() // 1_000_000)
        monkeypatch.setattr(clock, "boot_ns", lambda: boot() + self.ahead)
        monkeypatch.setattr(Bus, "time_ns", lambda bus: theirs(bus) + self.ahead)

    def to(self, moment_ns: int) -> None:
        """As far ahead as that moment is."""
        self.ahead += moment_ns - clock.now_ns()
