"""One command -> identity -> the core -> what is written and answered. Statuses are those of api.md.

Each kind of command has a module: place, change, told.
"""

from __future__ import annotations

from typing import Any

import psycopg

from orders import messages
from orders.engine.batch import Batch
from orders.engine.change import cancel_all, change
from orders.engine.place import place
from orders.engine.recorder import Recorder, say
from orders.engine.told import told
from orders.exchanges.inside import CoreExchange


class Decider:
    """Decides commands against one core. Not thread-safe: the engine's loop owns it."""

    def __init__(self, recorder: Recorder, exchanges: dict[str, CoreExchange]) -> None:
        self.recorder = recorder
        self.exchanges = exchanges  # by account.kind

    def decide(
        self, cursor: psycopg.Cursor[Any], batch: Batch, raw: bytes, command: messages.Command, age_ms: int
    ) -> None:
        """One command; whatever it changes is in the batch, its answer too."""
        match command:
            case messages.Place():
                place(self.recorder, cursor, batch, raw, command, age_ms)
            case messages.Cancel() | messages.Amend():
                change(self.recorder, cursor, batch, raw, command, age_ms)
            case messages.CancelAll():
                cancel_all(self.recorder, batch, raw, command)
            case messages.ExchangeReport():
                told(self.recorder, cursor, batch, raw, command)
            case messages.Query():
                self._query(batch, command)

    def _query(self, batch: Batch, command: messages.Query) -> None:
        if command.kind == "core_hash":
            recorder = self.recorder
            say(batch, command, 200, {"seq": recorder.chain.seq, "hash": f"{recorder.core.hash():016x}"})
        else:
            try:
                account = self.recorder.world.accounts.get(command.account_id)
                exchange = self.exchanges.get(account.kind if account else "simulated", self.exchanges["simulated"])
                say(batch, command, 200, exchange.answer(command))
            except ValueError as error:
                say(batch, command, 400, {"code": "INVALID", "message": str(error)})
