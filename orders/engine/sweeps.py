"""What overtook the command stream: a place that was accepted before a sweep is not decided after it.

Commands of the stream are decided in their order, so a cancel there needs no help. An urgent command (a row) and a halt's row
come past the stream: a place that waited in it meanwhile is refused, by the time its entry was added. Nothing older than
KEPT_MS is ever decided, so nothing older is kept; after a restart the rows say it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orders._core import (
    SCOPE_ACCOUNT,
    SCOPE_EXCHANGE,
    SCOPE_GLOBAL,
    SCOPE_INSTRUMENT,
    SCOPE_KEY,
    SCOPE_OWNER,
    SCOPE_POSITION,
    SCOPE_STRATEGY,
)
from orders.ids import strategy_key

KEPT_MS = 10_000

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Everything on these accounts that passes the filters, accepted before `at_ms`."""

    at_ms: int
    account_ids: frozenset[int]
    instrument_id: int | None = None
    side: str | None = None
    strategy_id: str | None = None

    def takes(self, order: Any) -> bool:
        return (
            order.account.id in self.account_ids
            and self.instrument_id in (None, order.instrument.id)
            and self.side in (None, order.side)
            and self.strategy_id in (None, order.strategy_id)
        )


class Sweeps:
    """The sweeps of the last seconds. Not thread-safe: the engine's loop owns it."""

    def __init__(self) -> None:
        self.closing: set[int] = set()  # accounts that are being flattened: nothing new is placed on them
        self.newest_ms = 0
        self._sweeps: list[Sweep] = []
        self._resumed: dict[Place, int] = {}

    def add(self, sweep: Sweep) -> None:
        """Orders were canceled as of this moment."""
        self._sweeps = [old for old in self._sweeps if old.at_ms > sweep.at_ms - KEPT_MS] + [sweep]
        self.newest_ms = max(self.newest_ms, sweep.at_ms)

    def resumed(self, places: dict[Place, int]) -> None:
        """Scopes that a person let trade again, and when: what was handed over before that was meant for before."""
        if places:
            self._resumed.update(places)
            self.newest_ms = max(self.newest_ms, *places.values())
            self._resumed = {at: ms for at, ms in self._resumed.items() if ms > self.newest_ms - KEPT_MS}

    def refuse(self, order: Any, accepted_ms: int) -> str:
        """The code of what speaks against placing it now, or ''. Nearly always two comparisons."""
        if order.account.id in self.closing:
            return "FLATTENING"
        if accepted_ms >= self.newest_ms:
            return ""
        if any(accepted_ms < sweep.at_ms and sweep.takes(order) for sweep in self._sweeps):
            return "SWEPT"
        if not order.reduce_only and any(accepted_ms < self._resumed.get(place, 0) for place in _scopes(order)):
            return "SWEPT"
        return ""


def _scopes(order: Any) -> tuple[Place, ...]:
    account, spec = order.account, order.instrument
    return (
        (SCOPE_GLOBAL, 0),
        (SCOPE_EXCHANGE, spec.exchange_id),
        (SCOPE_OWNER, account.owner_id),
        (SCOPE_ACCOUNT, account.id),
        (SCOPE_STRATEGY, strategy_key(account.owner_id, order.strategy_id)),
        (SCOPE_INSTRUMENT, spec.id),
        (SCOPE_KEY, order.key_id or 0),
        (SCOPE_POSITION, account.id << 32 | spec.id),
    )
