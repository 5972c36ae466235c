"""Old months of the journal may go; each leaves an anchor: how far it went and the hash the rest hangs on, signed.

Only whole months go, oldest first, and only those that no engine would read again: all of their entries lie before the oldest
checkpoint that is kept. The month's chain is walked first; one that does not hold is evidence, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from marketdata import clock, partitions
from orders.audit import heads, lines
from orders.engine import journal
from orders.models import Anchor

TABLE = "orders_journal"
_OLDEST_KEPT = "SELECT min(seq) FROM orders_checkpoint WHERE shard = %s"
_MONTHS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'orders_journal'::regclass
ORDER BY c.relname
"""


class CannotDrop(Exception):
    """A month that must stay; the message says why."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """One month of one shard that is gone, or would be."""

    partition: str
    chain: str
    first_seq: int
    last_seq: int


def anchors_of(chain: str) -> list[Anchor]:
    """The anchors of a chain, oldest first."""
    return list(Anchor.objects.filter(chain=chain).order_by("last_seq"))


def months_before(month: date) -> list[str]:
    """The journal's partitions of months before this one, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS)
        names = [row[0] for row in cursor.fetchall()]
    return [name for name in names if name < partitions.partition_name(TABLE, month)]


def drop(partition: str, by: str, dry_run: bool = False) -> list[Dropped]:
    """Drop a month and leave an anchor a shard. Raises CannotDrop; then nothing was changed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")  # whoever writes the journal is not to wait behind us
        name = sql.Identifier(partition)
        cursor.execute(
            sql.SQL("SELECT shard, min(seq), max(seq), count(*) FROM {} GROUP BY shard ORDER BY shard").format(name)
        )
        gone = []
        for shard, first, last, count in cursor.fetchall():
            if last - first + 1 != count:
                raise CannotDrop(
                    f"{partition} misses entries of shard {shard}; look with verify_audit. Nothing was dropped."
                )
            link = _walked(cursor, partition, shard, first, last)
            gone.append(Dropped(partition, heads.journal(shard), first, last))
            if not dry_run:
                _leave(gone[-1], link)
        if not dry_run:
            cursor.execute(sql.SQL("DROP TABLE {}").format(name))
            told = [f"{one.chain} {one.first_seq}-{one.last_seq}" for one in gone]
            lines.note("journal.drop", actor=by, target=partition, entries=told)
        return gone


def _leave(one: Dropped, link: bytes) -> None:
    head = heads.sign(one.chain, one.last_seq, link)
    Anchor.objects.create(
        chain=one.chain, partition=one.partition, first_seq=one.first_seq, last_seq=one.last_seq, hash=link, mac=head.mac,
        dropped_at=clock.now(),
    )  # fmt: skip


def _walked(cursor: Any, partition: str, shard: int, first: int, last: int) -> bytes:
    """The month's last hash, if it begins where the anchors end, may go, and holds."""
    cursor.execute(_OLDEST_KEPT, [shard])
    kept = cursor.fetchone()[0]
    if kept is None or last >= kept:
        raise CannotDrop(
            f"{partition} holds entries of shard {shard} that its engine would read at a start. Nothing was dropped."
        )
    earlier = anchors_of(heads.journal(shard))
    at, link = (earlier[-1].last_seq, bytes(earlier[-1].hash)) if earlier else (0, b"")
    if first != at + 1:
        raise CannotDrop(
            f"{partition} begins at {first} of shard {shard}, and {at + 1} should go first. Nothing was dropped."
        )
    query = sql.SQL("SELECT seq, at_ns, kind, payload, hash FROM {} WHERE shard = %s ORDER BY seq")
    with connection.connection.cursor(name="a_month") as rows:
        rows.itersize = 5_000
        rows.execute(query.format(sql.Identifier(partition)), (shard,))
        for seq, at_ns, kind, payload, stored in rows:
            if not journal.holds(link, seq, at_ns, kind, bytes(payload), bytes(stored)):
                raise CannotDrop(
                    f"{partition} does not hold at {seq} of shard {shard}; look with verify_audit. Nothing was dropped."
                )
            link = bytes(stored)
    return link
