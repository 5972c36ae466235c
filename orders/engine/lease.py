"""Who writes a shard. A lease row with an epoch: every transaction renews it and fails when somebody else took it.

Whoever wants the shard watches the row (`Candidate`). An owner of this machine is killed before it is succeeded, stopped or
not: it must not wake up as a second writer. What an owner elsewhere still holds open in the database is cut.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

import psycopg

from marketdata import clock, processes
from marketdata.leases import LEASE_S, LeaseLost, Watch
from marketdata.processes import Process
from orders.audit.heads import Head

__all__ = ["LEASE_S", "Candidate", "Lease", "LeaseLost", "own_stream", "release", "renew", "set_ready", "take"]

SLICE_S = 1 / 20  # of a wait, between two looks whether to stop
LOCK_MS = 500  # how long the row may be locked by an owner that is over, before its session is cut

_RENEW = """
WITH renewed AS (
    UPDATE orders_lease SET last_command_id = %s, expires_at = clock_timestamp() + make_interval(secs => %s),
        head_seq = coalesce(%s, head_seq), head_hash = coalesce(%s, head_hash), head_mac = coalesce(%s, head_mac)
    WHERE shard = %s AND epoch = %s RETURNING 1
), control AS (SELECT version FROM orders_control FOR SHARE)
SELECT control.version FROM control, renewed
"""
_RELEASE = """
UPDATE orders_lease SET ready = false, expires_at = clock_timestamp(), pid = NULL,
    head_seq = coalesce(%s, head_seq), head_hash = coalesce(%s, head_hash), head_mac = coalesce(%s, head_mac)
WHERE shard = %s AND epoch = %s
"""
_NOTHING_NEW = (None, None, None)


@dataclass(frozen=True, slots=True)
class Lease:
    """A shard, ours for this epoch. What is left undecided stands in the stream of `stream_epoch` after `last_command_id`;
    `clean` when the owner before stopped by itself, so that no command can have killed it.
    """

    shard: int
    epoch: int
    stream_epoch: int
    last_command_id: str
    clean: bool


class Candidate:
    """A process that would own a shard, and what it has seen of the one that does."""

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self._watch = Watch()
        self._owner: Process | None = None

    def take(self, connection: psycopg.Connection[Any]) -> Lease | None:
        """The shard's next epoch, or None while its owner lives. The connection is in autocommit."""
        row = connection.execute(
            "SELECT epoch, holder, pid, pid_started_ticks, expires_at, expires_at <= clock_timestamp() "
            "FROM orders_lease WHERE shard = %s",
            (self.shard,),
        ).fetchone()
        if row is None:
            connection.execute(
                "INSERT INTO orders_lease (shard, epoch, stream_epoch, holder, last_command_id, ready) "
                "VALUES (%s, 0, 0, '', '0-0', false) ON CONFLICT DO NOTHING",
                (self.shard,),
            )
            return _seize(connection, self.shard, 0)
        epoch, machine, pid, ticks, expires_at, ran_out = row
        owner = None if pid is None else Process(machine, pid, ticks or 0)
        self._owner = owner
        if owner is not None and owner.is_me:
            owner = None
        if not self._watch.is_over(owner, (epoch, expires_at), bool(ran_out)):
            return None
        if owner is not None and owner.is_here and not owner.end():
            return None
        return _seize(connection, self.shard, epoch)

    def forget(self) -> None:
        """PostgreSQL was away: that the owner said nothing proves nothing."""
        self._watch.forget()

    def wait(self, stopping: threading.Event, longest_s: float) -> None:
        """Until the owner's process ends, when it is one of this machine, or we are to stop; at most so long."""
        handle = self._owner.handle() if self._owner is not None and self._owner.is_here else None
        if handle is None:
            stopping.wait(longest_s if self._owner is None or not self._owner.is_here else 0)
            return
        try:
            until_ns = clock.monotonic_ns() + int(longest_s * 1_000_000_000)
            while clock.monotonic_ns() < until_ns and not stopping.is_set():
                if processes.ended(handle, SLICE_S):
                    return
        finally:
            os.close(handle)


def take(connection: psycopg.Connection[Any], shard: int) -> Lease | None:
    """One look at the shard: its next epoch if nobody lives there, else None."""
    return Candidate(shard).take(connection)


def _seize(connection: psycopg.Connection[Any], shard: int, epoch: int) -> Lease | None:
    """The epoch after this one; None when somebody was faster, or when the row is still locked."""
    me = processes.me()
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
            row = connection.execute(
                "SELECT stream_epoch, last_command_id, pid FROM orders_lease WHERE shard = %s AND epoch = %s FOR UPDATE",
                (shard, epoch),
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE orders_lease SET epoch = %s, holder = %s, pid = %s, pid_started_ticks = %s, ready = false, "
                "expires_at = clock_timestamp() + make_interval(secs => %s) WHERE shard = %s",
                (epoch + 1, me.machine, me.pid, me.started_ticks, LEASE_S, shard),
            )
    except psycopg.errors.LockNotAvailable:  # a transaction of the old owner, that nobody will end
        connection.execute(
            "SELECT pg_terminate_backend(blocking.pid) FROM pg_stat_activity AS blocking "
            "WHERE blocking.application_name = %s AND blocking.pid <> pg_backend_pid()",
            (_session(shard),),
        )
        return None
    connection.execute("SELECT set_config('application_name', %s, false)", (_session(shard),))
    return Lease(shard, epoch + 1, row[0], str(row[1]), row[2] is None)


def _session(shard: int) -> str:
    """What an owner's session is called in the database, so that its successor can cut it."""
    return f"meridian engine {shard}"


def renew(cursor: psycopg.Cursor[Any], lease: Lease, last_command_id: str, head: Head | None = None) -> int:
    """Inside a transaction, first: our epoch still holds, and this is how far we get. The locked control version. `head` is
    where the journal ended with the commit before, signed; None while nothing came.

    Raises LeaseLost when the epoch is no longer ours.
    """
    ask_to_renew(cursor, lease, last_command_id, head)
    return renewed(cursor, lease)


def ask_to_renew(cursor: psycopg.Cursor[Any], lease: Lease, last_command_id: str, head: Head | None = None) -> None:
    """The question of `renew` alone, for a pipeline; `renewed` reads its answer."""
    cursor.execute(_RENEW, (last_command_id, LEASE_S, *_columns(head), lease.shard, lease.epoch))


def renewed(cursor: psycopg.Cursor[Any], lease: Lease) -> int:
    """The locked control version. Raises LeaseLost."""
    row = cursor.fetchone()
    if row is None:
        raise LeaseLost(f"shard {lease.shard}: epoch {lease.epoch} is over")
    version: int = row[0]
    return version


def own_stream(connection: psycopg.Connection[Any], lease: Lease) -> None:
    """Nothing undecided is left elsewhere: from here on commands stand in this epoch's own stream."""
    _must(
        connection.execute(
            "UPDATE orders_lease SET stream_epoch = epoch, last_command_id = '0-0' WHERE shard = %s AND epoch = %s",
            (lease.shard, lease.epoch),
        ),
        lease,
    )


def next_epoch(connection: psycopg.Connection[Any], lease: Lease) -> Lease:
    """The same owner under a new epoch, because its stream is gone or its ids can be believed no more."""
    row = connection.execute(
        "UPDATE orders_lease SET epoch = epoch + 1, ready = false WHERE shard = %s AND epoch = %s "
        "RETURNING epoch, stream_epoch, last_command_id",
        (lease.shard, lease.epoch),
    ).fetchone()
    if row is None:
        raise LeaseLost(f"shard {lease.shard}: epoch {lease.epoch} is over")
    return Lease(lease.shard, row[0], row[1], str(row[2]), clean=True)


def set_ready(connection: psycopg.Connection[Any], lease: Lease, ready: bool) -> None:
    """Say whether an order would be taken now, and publish the epoch to whoever waits."""
    with connection.transaction():
        _must(
            connection.execute(
                "UPDATE orders_lease SET ready = %s WHERE shard = %s AND epoch = %s", (ready, lease.shard, lease.epoch)
            ),
            lease,
        )
        connection.execute("SELECT pg_notify('epoch', %s)", (f"{lease.shard}.{lease.epoch}",))


def release(connection: psycopg.Connection[Any], lease: Lease, head: Head | None = None) -> None:
    """A clean stop: the next owner need not wait, nor doubt what is left, and the journal's very end is signed."""
    connection.execute(_RELEASE, (*_columns(head), lease.shard, lease.epoch))


def _columns(head: Head | None) -> tuple[object, ...]:
    return _NOTHING_NEW if head is None else (head.seq, head.hash, head.mac)


def _must(changed: psycopg.Cursor[Any], lease: Lease) -> None:
    if changed.rowcount != 1:
        raise LeaseLost(f"shard {lease.shard}: epoch {lease.epoch} is over")
