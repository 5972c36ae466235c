"""The engine's stamps: a list of a few numbers an order, packed and written for many orders at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import psycopg

from marketdata import clock
from orders import messages
from orders.engine.batch import Batch
from orders.engine.journal import Chain

WRITE_NS = 250_000_000
ORDERS_MAX = 4096  # of one row; more are written at once
_INSERT = "INSERT INTO orders_flight (shard, last_seq, first_seq, at, packed) VALUES (%s, %s, %s, %s, %s)"
_pack = msgspec.msgpack.Encoder().encode


class OrderStamps(NamedTuple):
    """One order: its journal number, its instrument, when the door took it (0 = not known) and the bus had it (ms), the decision."""

    seq: int
    instrument_id: int
    accepted_ns: int
    added_ms: int
    decided_ns: int


class BatchStamps(NamedTuple):
    """One transaction: when its commands were read, when it was durable, when it was told; and its orders."""

    read_ns: int
    committed_ns: int
    answered_ns: int
    orders: list[OrderStamps]


unpack = msgspec.msgpack.Decoder(list[BatchStamps]).decode


class Recording:
    """Not thread-safe: the engine's loop owns it."""

    def __init__(self, shard: int, chain: Chain) -> None:
        self._shard = shard
        self._chain = chain
        self._batches: list[tuple[int, int, int, list[tuple[int, int, int, int, int]]]] = []
        self._count = 0
        self._written_ns = clock.monotonic_ns()
        self._orders: list[tuple[int, int, int, int, int]] = []
        self._read_ns = self._committed_ns = 0

    def begin(self) -> None:
        """A transaction begins; what was read for it, was then."""
        self._read_ns = clock.now_ns()
        self._orders = []

    def decided(self, command: messages.Command, added_ms: int, before: int) -> None:
        """A command was decided; `before` is where the journal stood. Only a place that was journalled is an order's flight."""
        if self._chain.seq != before and type(command) is messages.Place:
            self._orders.append((before + 1, command.instrument_id, command.accepted_ns, added_ms, clock.now_ns()))

    def committed(self) -> None:
        """It is durable."""
        if self._orders:
            self._committed_ns = clock.now_ns()

    def answered(self) -> None:
        """It was told."""
        if self._orders:
            self._batches.append((self._read_ns, self._committed_ns, clock.now_ns(), self._orders))
            self._count += len(self._orders)

    def write(self, cursor: psycopg.Cursor[Any], batch: Batch) -> None:
        """In a later transaction: what was gathered, when it is time. A crash loses a quarter of a second of stamps, no order."""
        now_ns = clock.monotonic_ns()
        if not self._batches or (now_ns - self._written_ns < WRITE_NS and self._count < ORDERS_MAX):
            return
        first, last = self._batches[0][3][0][0], self._batches[-1][3][-1][0]
        cursor.execute(_INSERT, (self._shard, last, first, batch.at, _pack(self._batches)))
        self._batches, self._count, self._written_ns = [], 0, now_ns
