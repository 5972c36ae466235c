"""Tells the core what things are worth: marks of the books it holds, once a second, and that a trading day begins.

Both are journalled like everything else that changes the account half, so a replay knows what every account was worth, and
why, without asking any market again.
"""

from __future__ import annotations

from typing import Any

from marketdata import clock
from orders.engine.batch import Batch
from orders.engine.teller import Teller
from orders.engine.world import InstrumentSpec, World
from orders.valuation import BRIDGES

EVERY_NS = 1_000_000_000
DAY_NS = 86_400_000_000_000
MINUTE_NS = 60_000_000_000

Mid = tuple[int, int]  # (ticks, of so many parts)


class Valuer:
    """Keeps when the core was last told, and what."""

    def __init__(self, teller: Teller) -> None:
        self.teller = teller
        self.core = teller.core
        self.bridges: list[int] = []
        self.told: dict[int, tuple[Mid, int]] = {}  # what the core was last told, and when
        self.last_ns = 0

    def step(self, batch: Batch, world: World) -> bool:
        """What is due: bridges when assets came, marks once a second, the day at midnight (after its first marks). Whether marks
        were told, so that every account's worth is of this very moment."""
        self._tell_bridges(batch, world)
        due = batch.at_ns - self.last_ns >= EVERY_NS
        if due:
            self.last_ns = batch.at_ns
            self.teller.tell(batch, ("marks", [batch.at_ns, self._changed(batch.at_ns, world)], {}))
        self.open_day(batch, world)
        return due

    def open_day(self, batch: Batch, world: World) -> bool:
        """Begin the trading day once, from what the core was told last; after a stop over midnight that is late, and said so."""
        day = batch.at_ns // DAY_NS * DAY_NS
        if self.core.valued()[1] >= day:
            return False
        late = batch.at_ns - day > MINUTE_NS
        entry: dict[str, Any] = {"day": clock.iso(clock.from_ns(day)), "late": late, "equity": {}}
        for account_id in world.accounts:
            known, equity, *_ = self.core.equity(account_id)
            entry["equity"][str(account_id)] = equity if known else None
        self.teller.tell(batch, ("day_open", [day, int(late), entry], {}))
        return True

    def _tell_bridges(self, batch: Batch, world: World) -> None:
        by_code = {code: asset_id for asset_id, code in world.assets.items()}
        bridges = [by_code.get(code, 0) for code in BRIDGES]
        if bridges != self.bridges:
            self.bridges = bridges
            self.teller.tell(batch, ("set_bridges", bridges, {}))

    def _believed(self, spec: InstrumentSpec, now_ns: int) -> bool:
        """A mirror that is lost, or whose source is silent, says nothing of what is so now."""
        mirror = self.core.mirror(spec.id)
        return mirror is None or (
            mirror["state"] == 1 and now_ns - mirror["heard_ns"] <= spec.stale_after_ms * 1_000_000
        )

    def _changed(self, now_ns: int, world: World) -> list[list[int]]:
        """Mids that moved, and those the core would soon hold for stale. A book without both sides has none."""
        rows: list[list[int]] = []
        for spec in world.instruments.values():
            bid, _, ask, _ = self.core.best(spec.id)
            if bid is None or ask is None or not self._believed(spec, now_ns):
                continue
            mid = (bid + ask, 2)
            before = self.told.get(spec.id)
            if before is None or before[0] != mid or now_ns - before[1] >= spec.stale_after_ms * 500_000:
                self.told[spec.id] = (mid, now_ns)
                rows.append([spec.id, *mid])
        return rows
