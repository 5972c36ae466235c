"""What the owner before left undecided on its stream.

After a clean stop it is decided in batches, as ever. After a death one of the commands may be what killed the engine: those
that the dead owner can have had in its hands are decided one a transaction, each counted in `dead_command` before it is tried.
The count goes away with the decision; one that is found has killed twice. Such a command is answered 500, kept, and skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from marketdata import bus as buses
from marketdata import channels
from orders import messages
from orders.engine.batch import Batch
from orders.engine.lease import Lease
from orders.engine.recorder import refusal

log = logging.getLogger(__name__)
DEATHS_MAX = 2

#: Decides entries in one transaction; the third argument adds to it, the fourth is how far the stream then is decided.
Transact = Callable[[list[buses.Entry], Callable[[Batch, Any], None] | None, bytes | None], None]

_SUSPECT = """
INSERT INTO orders_deadcommand (owner_id, shard, epoch, stream_id, deaths, payload, at)
VALUES ((SELECT id FROM orders_owner WHERE id = %s), %s, %s, %s, 1, %s, clock_timestamp())
ON CONFLICT (shard, epoch, stream_id) DO NOTHING
"""
_CLEARED = "DELETE FROM orders_deadcommand WHERE shard = %s AND epoch = %s AND stream_id = %s"
_DIED_AGAIN = "UPDATE orders_deadcommand SET deaths = deaths + 1 WHERE shard = %s AND epoch = %s AND stream_id = %s RETURNING deaths"
_KEPT = """
INSERT INTO orders_request (account_id, owner_id, request_id, body_hash, kind, order_id, decided_seq, status, answer, at)
SELECT %s, %s, %s, %s, 'place', NULL, (SELECT coalesce(max(seq), 0) FROM orders_journal WHERE shard = %s), 500, %s, %s
WHERE NOT EXISTS (SELECT 1 FROM orders_request WHERE account_id = %s AND request_id = %s)
"""


class Drain:
    """One new owner's way through the stream of the one before."""

    def __init__(self, bus: buses.Bus, lease: Lease, transact: Transact, batch_max: int) -> None:
        self._bus, self._lease, self._transact, self._batch_max = bus, lease, transact, batch_max
        self.decided = 0

    def run(self, connection: psycopg.Connection[Any]) -> None:
        """Decide it all. Raises BusDown; what was decided by then stays decided, and the rest can be gone on with."""
        name = channels.commands(self._lease.shard, self._lease.stream_epoch)
        left, after = f"{name}.taken", self._lease.last_command_id.encode()
        self._bus.take_stream(name, left)  # whoever adds now finds no stream and waits for ours
        suspected = 0 if self._lease.clean else self._batch_max
        while entries := self._bus.read({left: after}, self._batch_max, None).get(left):
            self._one_by_one(connection, after, entries[:suspected])
            after = entries[-1].id
            if entries[suspected:]:
                self._transact(entries[suspected:], None, None)
            suspected = max(0, suspected - len(entries))
            self.decided += len(entries)

    def _one_by_one(self, connection: psycopg.Connection[Any], decided: bytes, entries: list[buses.Entry]) -> None:
        """Each in a transaction of its own, which clears it and counts the next one."""
        suspects = [one for entry in entries for one in _suspects(entry)]
        for one in suspects:
            one.dead = self._died_again(connection, one)
        self._count(connection, suspects[:1])
        for place, one in enumerate(suspects):
            decided = one.id if one.is_last else decided
            self._transact(
                [] if one.dead else [one.entry], self._settling(one, suspects[place + 1 : place + 2]), decided
            )

    def _settling(self, one: _Suspect, following: list[_Suspect]) -> Callable[[Batch, Any], None]:
        def settle(batch: Batch, cursor: psycopg.Cursor[Any]) -> None:
            if one.dead:
                self._give_up(batch, cursor, one)
            else:
                cursor.execute(_CLEARED, self._key(one))
            self._count(cursor, following)

        return settle

    def _count(self, to: psycopg.Connection[Any] | psycopg.Cursor[Any], suspects: list[_Suspect]) -> None:
        for one in suspects:
            if not one.dead:
                owner_id = one.command.owner_id if one.command is not None else None
                to.execute(_SUSPECT, (owner_id, *self._key(one), one.entry.payload))

    def _died_again(self, connection: psycopg.Connection[Any], one: _Suspect) -> bool:
        row = connection.execute(_DIED_AGAIN, self._key(one)).fetchone()
        return row is not None and row[0] >= DEATHS_MAX

    def _give_up(self, batch: Batch, cursor: psycopg.Cursor[Any], one: _Suspect) -> None:
        """Say 500 to whoever waits, now and whenever the request is asked again."""
        log.error("the engine died twice at stream entry %s: it is kept in dead_command and skipped", one.name)
        command = one.command
        if command is None:
            return
        body = refusal("DEAD_COMMAND")
        batch.answer(command.reply_to, command.reply_id, 500, body)
        if isinstance(command, messages.Place):
            key = (command.account_id, command.request_id)
            cursor.execute(
                _KEPT, (command.account_id, command.owner_id, command.request_id, command.body_hash, self._lease.shard,
                        Jsonb(body), batch.at, *key)
            )  # fmt: skip

    def _key(self, one: _Suspect) -> tuple[int, int, str]:
        return self._lease.shard, self._lease.stream_epoch, one.name


@dataclass(slots=True)
class _Suspect:
    """One command of an entry, as an entry of its own. The stream is decided up to `id` only with the last of them: the
    others, read again, are known by their request_id.
    """

    id: bytes
    name: str
    entry: buses.Entry
    command: messages.Command | None
    is_last: bool
    dead: bool = False


def _suspects(entry: buses.Entry) -> list[_Suspect]:
    name = entry.id.decode()
    try:
        commands = [command for _, command in messages.decode_entry(entry.payload)] if entry.payload else []
    except msgspec.MsgspecError:
        commands = []
    if len(commands) < 2:
        return [_Suspect(entry.id, name, entry, commands[0] if commands else None, True)]
    return [
        _Suspect(
            entry.id, f"{name}/{number}", buses.Entry(entry.id, messages.encode(one)), one, number == len(commands)
        )
        for number, one in enumerate(commands, 1)
    ]
