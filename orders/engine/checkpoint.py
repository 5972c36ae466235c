"""The account half, saved from a fork: a copy-on-write picture of one moment, while the engine goes on deciding.

The child only packs bytes into a pipe and ends; a thread of the parent reads them and writes the row on a connection of its own.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from marketdata import failpoints
from orders._core import Core

log = logging.getLogger(__name__)
EVERY_S = 60
EVERY_ENTRIES = 50_000
KEEP = 5


class Checkpointer:
    """Takes checkpoints of one core, one at a time."""

    def __init__(self, dsn: str, shard: int) -> None:
        self._dsn = dsn
        self._shard = shard
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """A checkpoint is still being written."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, core: Core, seq: int, extra: dict[str, Any]) -> None:
        """Picture the core now, in a fork; returns after the fork. Only between commits, so that seq names this very state."""
        core_hash = core.hash()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            _child(core, reader, writer)
        os.close(writer)
        self._thread = threading.Thread(
            target=self._finish, args=(child, reader, seq, core_hash, extra), name="checkpoint", daemon=True
        )
        self._thread.start()

    def now(self, core: Core, seq: int, extra: dict[str, Any]) -> None:
        """At a clean stop: nobody waits for orders any more, so without a fork."""
        self.wait()
        self._store(seq, core.hash(), core.checkpoint(), extra)

    def wait(self) -> None:
        """Until the one under way is written."""
        if self._thread is not None:
            self._thread.join()

    def _finish(self, child: int, reader: int, seq: int, core_hash: int, extra: dict[str, Any]) -> None:
        with os.fdopen(reader, "rb") as pipe:
            state = pipe.read()
        _, status = os.waitpid(child, 0)
        if status != 0:
            log.error(
                "the checkpoint at %d failed in its fork (status %d); the one before stays the newest", seq, status
            )
            return
        try:
            self._store(seq, core_hash, state, extra)
        except psycopg.Error as error:
            log.error("the checkpoint at %d was not stored: %s", seq, error)

    def _store(self, seq: int, core_hash: int, state: bytes, extra: dict[str, Any]) -> None:
        failpoints.reach("checkpoint.packed")
        with psycopg.connect(self._dsn, autocommit=False) as connection:
            connection.execute(
                "INSERT INTO orders_checkpoint (shard, seq, at, core_hash, state, extra) "
                "VALUES (%s, %s, clock_timestamp(), %s, %s, %s) ON CONFLICT (shard, seq) DO NOTHING",
                (self._shard, seq, f"{core_hash:016x}", state, Jsonb(extra)),
            )
            connection.execute(
                "DELETE FROM orders_checkpoint WHERE shard = %s AND seq < "
                "(SELECT min(seq) FROM (SELECT seq FROM orders_checkpoint WHERE shard = %s ORDER BY seq DESC LIMIT %s) s)",
                (self._shard, self._shard, KEEP),
            )


def _child(core: Core, reader: int, writer: int) -> None:
    """In the fork: no locks of the parent's other threads, no Python clean-up, only bytes."""
    status = 1
    try:
        os.close(reader)
        failpoints.reach("checkpoint.forked")
        state = memoryview(core.checkpoint())
        while state:
            state = state[os.write(writer, state) :]
        status = 0
    finally:
        os._exit(status)
