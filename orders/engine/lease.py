"""Who writes a shard. A lease row with an epoch: every transaction renews it and fails when somebody else took it."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

import psycopg

from orders.audit.heads import Head

LEASE_S = 10
_NOTHING_NEW = (None, None, None)
_RENEW = """
UPDATE orders_lease SET last_command_id = %s, expires_at = clock_timestamp() + make_interval(secs => %s),
    head_seq = coalesce(%s, head_seq), head_hash = coalesce(%s, head_hash), head_mac = coalesce(%s, head_mac)
WHERE shard = %s AND epoch = %s
"""
_RELEASE = """
UPDATE orders_lease SET ready = false, expires_at = clock_timestamp(),
    head_seq = coalesce(%s, head_seq), head_hash = coalesce(%s, head_hash), head_mac = coalesce(%s, head_mac)
WHERE shard = %s AND epoch = %s
"""
_HOST = socket.gethostname()


class LeaseLost(Exception):
    """Another engine owns the shard now; whatever this one holds in memory is no longer the truth."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A shard, ours for this epoch. `last_command_id` is where the previous owner got to in the stream of `last_epoch`."""

    shard: int
    epoch: int
    last_epoch: int
    last_command_id: str


def process_started_ticks(pid: int) -> int | None:
    """When a process of this machine started, in clock ticks since boot; None when it is gone. Tells a pid from its reuse."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def take(connection: psycopg.Connection[tuple[object, ...]], shard: int) -> Lease | None:
    """The shard's next epoch, or None while its owner lives. An owner of this machine whose lease ran out is killed first."""
    with connection.transaction():
        connection.execute(
            "INSERT INTO orders_lease (shard, epoch, holder, last_command_id, ready) VALUES (%s, 0, '', '0-0', false) "
            "ON CONFLICT DO NOTHING",
            (shard,),
        )
        row = connection.execute(
            "SELECT epoch, holder, pid, pid_started_ticks, last_command_id, expires_at > clock_timestamp() "
            "FROM orders_lease WHERE shard = %s FOR UPDATE",
            (shard,),
        ).fetchone()
        assert row is not None
        epoch, holder, pid, started, last_command_id, unexpired = row
        if holder == _HOST and isinstance(pid, int) and pid != os.getpid():
            alive = process_started_ticks(pid) == started
            if alive and unexpired:
                return None
            if alive:
                os.kill(pid, signal.SIGKILL)  # stopped or stuck: it must not wake up as a second writer
        elif holder and holder != _HOST and unexpired:
            return None
        assert isinstance(epoch, int)
        connection.execute(
            "UPDATE orders_lease SET epoch = %s, holder = %s, pid = %s, pid_started_ticks = %s, ready = false, "
            "last_command_id = '0-0', expires_at = clock_timestamp() + make_interval(secs => %s) WHERE shard = %s",
            (epoch + 1, _HOST, os.getpid(), process_started_ticks(os.getpid()), LEASE_S, shard),
        )
    return Lease(shard, epoch + 1, epoch, str(last_command_id))


def renew(
    cursor: psycopg.Cursor[tuple[object, ...]], lease: Lease, last_command_id: str, head: Head | None = None
) -> int:
    """Inside a transaction, first: our epoch still holds, and this is how far we get. The locked control version.

    `head` is where the journal ends before this transaction, signed: an idle engine's covers all of it.

    Raises LeaseLost when the epoch is no longer ours.
    """
    cursor.execute(_RENEW, (last_command_id, LEASE_S, *_columns(head), lease.shard, lease.epoch))
    if cursor.rowcount != 1:
        raise LeaseLost(f"shard {lease.shard}: epoch {lease.epoch} is over")
    row = cursor.execute("SELECT version FROM orders_control FOR SHARE").fetchone()
    assert row is not None and isinstance(row[0], int)
    return row[0]


def set_ready(connection: psycopg.Connection[tuple[object, ...]], lease: Lease, ready: bool) -> None:
    """Say that an order would be taken now, and publish the epoch to whoever waits."""
    with connection.transaction():
        connection.execute(
            "UPDATE orders_lease SET ready = %s WHERE shard = %s AND epoch = %s", (ready, lease.shard, lease.epoch)
        )
        connection.execute("SELECT pg_notify('epoch', %s)", (f"{lease.shard}.{lease.epoch}",))


def release(connection: psycopg.Connection[tuple[object, ...]], lease: Lease, head: Head | None = None) -> None:
    """A clean stop: the next owner need not wait, and the journal's very end is signed."""
    with connection.transaction():
        connection.execute(_RELEASE, (*_columns(head), lease.shard, lease.epoch))


def _columns(head: Head | None) -> tuple[object, ...]:
    return _NOTHING_NEW if head is None else (head.seq, head.hash, head.mac)
