"""The urgent road: commands that come as rows, past the bus. For cancel all and flatten, which must work with nothing but PostgreSQL.

A row rings (NOTIFY), and is looked for every quarter of a second besides. It is decided once: `decided_seq` is written in the
transaction that ends it. A row that waited longer than AGE_S is answered and not executed: nobody expects it any more.
"""

from __future__ import annotations

import json
import logging
import select
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg

from marketdata import clock
from orders import messages, sentences
from orders.audit import lines
from orders.engine import flatten
from orders.engine.batch import Batch, dumps
from orders.engine.change import sweep_matching
from orders.engine.fold import order_picture
from orders.engine.recorder import Recorder
from orders.engine.sweeps import KEPT_MS, Sweep

log = logging.getLogger(__name__)

CHANNEL = "urgent"
AGE_S = 60  # since it was asked, or since its newest step
LOOK_NS = 250_000_000
AT_ONCE = 16
DEATHS_MAX = 2  # so many engines that took it died before its next step was durable: nobody tries again
SHOWN = 500  # orders in the answer to a cancel all

_WAITING = """
SELECT id, payload, at, actor, progress FROM orders_urgentcommand WHERE shard = %s AND decided_seq IS NULL AND NOT id = ANY(%s)
ORDER BY id LIMIT %s
"""
_LATELY = """
SELECT payload, at FROM orders_urgentcommand WHERE shard = %s AND decided_seq IS NOT NULL AND at > %s ORDER BY id
"""
_STEPPED = "UPDATE orders_urgentcommand SET progress = %s WHERE id = %s"
_DECIDED = """
UPDATE orders_urgentcommand SET decided_seq = %s, decided_at = %s, status = %s, answer = %s WHERE id = %s AND decided_seq IS NULL
"""


class Urgent:
    """The urgent commands of one shard. Not thread-safe: the engine's loop owns it."""

    def __init__(self, shard: int, recorder: Recorder) -> None:
        self.shard = shard
        self.recorder = recorder
        self.ready = False  # recovered, the market stands: steps may be done
        self._jobs: dict[int, flatten.Job] = {}
        self._held: list[tuple[Any, ...]] = []  # counted as taken in the transaction before, to be begun in this one
        self._rung = True
        self._looked_ns = 0
        self._poll = select.poll()

    def listen(self, connection: psycopg.Connection[Any]) -> None:
        """Hear of new rows on the engine's own connection."""
        connection.add_notify_handler(lambda _: self._ring())
        connection.execute(f"LISTEN {CHANNEL}")
        self._poll.register(connection.fileno(), select.POLLIN)

    def _ring(self) -> None:
        self._rung = True

    def due(self, connection: psycopg.Connection[Any], now_ns: int) -> bool:
        """Whether the next transaction should be made at once: somebody rang, or a job waits for its next step."""
        if self._poll.poll(0):  # something lies on the connection between two statements: news, or its end
            connection.pgconn.consume_input()
            while connection.pgconn.notifies() is not None:
                self._rung = True
        return (
            self._rung or bool(self._held) or (self.ready and any(job.next_ns <= now_ns for job in self._jobs.values()))
        )

    def step(self, cursor: psycopg.Cursor[Any], batch: Batch) -> bool:
        """Inside the transaction, before its commands: decide what came, go on with what is under way. True when it traded."""
        now_ns = clock.monotonic_ns()
        held, self._held = self._held, []
        for row in held:
            self._take(cursor, batch, *row)
        if self._rung or now_ns - self._looked_ns >= LOOK_NS:
            if self._looked_ns == 0:
                self.recall(cursor, batch.at)
            self._rung, self._looked_ns = False, now_ns
            self._look(cursor, batch)
        if not self.ready:
            return False
        ready = [job for job in self._jobs.values() if job.next_ns <= batch.at_ns]
        for job in ready:
            self._go_on(cursor, batch, job)
        return bool(ready)

    def recall(self, cursor: psycopg.Cursor[Any], at: datetime) -> None:
        """What the owner before us swept in the last seconds holds for what waits in its stream."""
        for payload, swept_at in cursor.execute(_LATELY, (self.shard, at - timedelta(milliseconds=KEPT_MS))).fetchall():
            try:
                command = messages.decode(bytes(payload))
            except msgspec.MsgspecError:
                continue
            self._remember(swept_at, command)

    def _look(self, cursor: psycopg.Cursor[Any], batch: Batch) -> None:
        for row in cursor.execute(_WAITING, (self.shard, list(self._jobs), AT_ONCE)).fetchall():
            number, _, at, _, progress = row
            taken = progress.get("taken", 0) + 1
            if taken > DEATHS_MAX + 1:
                log.error("urgent command %d is set aside: %d engines died of it", number, taken - 1)
                self._decide(cursor, batch, number, 500, _no("COMMAND_DEADLY"))
                continue
            progress["taken"] = taken
            progress.setdefault("at", at.isoformat())
            cursor.execute(_STEPPED, (json.dumps(progress), number))
            self._held.append(row)

    def _take(
        self, cursor: psycopg.Cursor[Any], batch: Batch, number: int, payload: bytes, at: datetime, actor: str,
        progress: dict[str, Any],
    ) -> None:  # fmt: skip
        try:
            command = messages.decode(bytes(payload))
        except msgspec.MsgspecError as error:
            log.error("urgent command %d cannot be read: %s", number, error)
            return self._decide(cursor, batch, number, 400, _no("COMMAND_UNKNOWN"))
        touched = datetime.fromisoformat(progress["at"])
        if batch.at - touched > timedelta(seconds=AGE_S):
            waited = str(round((batch.at - touched).total_seconds() * 1000))
            return self._decide(cursor, batch, number, 422, _no("COMMAND_STALE", str(AGE_S * 1000), waited))
        match command:
            case messages.CancelAll():
                self._cancel_all(cursor, batch, number, bytes(payload), command, at)
            case messages.Flatten():
                self._begin(cursor, batch, number, bytes(payload), command, at, actor, progress)
            case _:
                self._decide(cursor, batch, number, 400, _no("COMMAND_UNKNOWN"))
        return None

    def _cancel_all(
        self, cursor: psycopg.Cursor[Any], batch: Batch, number: int, raw: bytes, command: messages.CancelAll, at: datetime
    ) -> None:  # fmt: skip
        self._remember(at, command)
        gone = sweep_matching(self.recorder, batch, raw, command)
        body = {"results": [order_picture(order) for order in gone[:SHOWN]], "canceled": len(gone)}
        self._decide(cursor, batch, number, 200, body)

    def _begin(
        self, cursor: psycopg.Cursor[Any], batch: Batch, number: int, raw: bytes, command: messages.Flatten, at: datetime,
        actor: str, progress: dict[str, Any],
    ) -> None:  # fmt: skip
        account = self.recorder.world.accounts.get(command.account_id)
        if account is None or account.owner_id != command.owner_id:
            return self._decide(cursor, batch, number, 404, _no("NOT_FOUND"))
        job = flatten.Job(number, command, raw, actor, at, progress.get("orders", 0), progress.get("canceled", 0))
        if progress.get("canceled_at"):
            job.canceled_at = datetime.fromisoformat(progress["canceled_at"])
        self._jobs[number] = job
        self._remember(at, command)
        self.recorder.sweeps.closing.add(account.id)
        if "orders" not in progress:
            self._audit(cursor, batch, job, "flatten.begin", {"urgent": number})
        self._store(cursor, batch, job, progress["taken"])
        log.warning("flatten %d of %s asked by %s begins", number, account.name, actor)
        return None

    def _go_on(self, cursor: psycopg.Cursor[Any], batch: Batch, job: flatten.Job) -> None:
        if not flatten.step(self.recorder, cursor, batch, job):
            return self._store(cursor, batch, job)
        body = flatten.answer(self.recorder, batch, job)
        self._store(cursor, batch, job)
        self._decide(cursor, batch, job.id, 200, body)
        self._audit(cursor, batch, job, "flatten.flat" if body["flat"] else "flatten.left", body)
        del self._jobs[job.id]
        if not any(other.account_id == job.account_id for other in self._jobs.values()):
            self.recorder.sweeps.closing.discard(job.account_id)
        log.warning("flatten %d: %s", job.id, body["message"])
        return None

    def _remember(self, at: datetime, command: messages.Command) -> None:
        at_ms = clock.to_ms(at)
        if isinstance(command, messages.Flatten):
            self.recorder.sweeps.add(Sweep(at_ms, frozenset([command.account_id])))
        elif isinstance(command, messages.CancelAll):
            filters = command.instrument_id, command.side, command.strategy_id
            self.recorder.sweeps.add(Sweep(at_ms, frozenset(command.account_ids), *filters))

    def _store(self, cursor: psycopg.Cursor[Any], batch: Batch, job: flatten.Job, taken: int = 0) -> None:
        progress: dict[str, Any] = {
            "at": batch.at.isoformat(),
            "orders": job.orders,
            "canceled": job.canceled,
            "taken": taken,
        }
        if job.canceled_at:
            progress["canceled_at"] = job.canceled_at.isoformat()
        cursor.execute(_STEPPED, (json.dumps(progress), job.id))

    def _decide(
        self, cursor: psycopg.Cursor[Any], batch: Batch, number: int, status: int, body: dict[str, Any]
    ) -> None:
        seq = self.recorder.chain.seq
        cursor.execute(_DECIDED, (seq, batch.at, status, dumps(body).decode(), number))

    def _audit(
        self, cursor: psycopg.Cursor[Any], batch: Batch, job: flatten.Job, action: str, detail: dict[str, Any]
    ) -> None:
        target = f"account:{self.recorder.world.accounts[job.account_id].name}"
        told = lines.line(action, actor=job.actor, target=target, owner_id=job.command.owner_id, at=batch.at, **detail)
        lines.add(cursor, told)


def _no(code: str, limit: str | None = None, value: str | None = None) -> dict[str, Any]:
    reason = {"code": code, "limit": limit, "value": value}
    return {"code": code, "message": sentences.of(reason)}
