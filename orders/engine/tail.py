"""The journal's end, looked at before an engine decides anything: whole, torn, or damaged.

Torn: the last rows do not hold, lie beyond the signed head and nothing else in the database speaks of them, as when a disk kept
half of a last write. They are cut, and that is a line of the audit. Anything else that does not hold is damage: somebody or
something changed rows that were acted upon, and no engine starts on them.
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg

from orders.audit import heads, lines
from orders.engine import journal

log = logging.getLogger(__name__)
MEND = "restore the database from your backup, or look with `manage.py verify_audit`; nothing was decided or written"
# everything that names a journal number of the shard; an owner that moved here brings others, and then nothing is cut
_SPOKEN_OF = """
WITH owned AS (SELECT id FROM orders_owner WHERE shard = %(shard)s)
SELECT EXISTS (SELECT FROM orders_checkpoint WHERE shard = %(shard)s AND seq >= %(seq)s)
    OR EXISTS (SELECT FROM orders_request WHERE decided_seq >= %(seq)s AND owner_id IN (SELECT id FROM owned))
    OR EXISTS (SELECT FROM orders_executionreport WHERE journal_seq >= %(seq)s AND owner_id IN (SELECT id FROM owned))
    OR EXISTS (SELECT FROM orders_ledgerentry WHERE journal_seq >= %(seq)s AND owner_id IN (SELECT id FROM owned))
"""


class Damaged(Exception):
    """The journal was changed where it was already acted upon. No order is taken on it."""


class Seal:
    """Signs where a shard's journal ends; the same end is signed once."""

    def __init__(self, shard: int) -> None:
        self._chain = heads.journal(shard)
        self._seq = -1
        self._head: heads.Head | None = None

    def of(self, chain: journal.Chain) -> heads.Head | None:
        """The head of a chain as it stands; None where the key is missing: the last signed one stays."""
        if self._seq != chain.seq:
            self._seq = chain.seq
            try:
                self._head = heads.sign(self._chain, chain.seq, chain.hash)
            except heads.KeyMissing as missing:
                if self._head is not None:
                    log.error("the journal goes on without a signed head: %s", missing)
                self._head = None
        return self._head


def head_of(cursor: psycopg.Cursor[Any], shard: int) -> heads.Head:
    """The head as the last transaction of the shard's engine left it; seq 0 where there is none."""
    row = cursor.execute("SELECT head_seq, head_hash, head_mac FROM orders_lease WHERE shard = %s", (shard,)).fetchone()
    seq, link, mac = row if row else (0, b"", b"")
    head = heads.Head(heads.journal(shard), seq, bytes(link), bytes(mac))
    if head.seq and heads.forged(head):
        raise Damaged(f"journal of shard {shard}: {heads.wrong(head)}; {MEND}")
    return head


def check_head(head: heads.Head, seq: int, link: bytes) -> None:
    """Raises Damaged when the entry under the head is not the one that was signed."""
    if seq and seq == head.seq and link != head.hash:
        raise Damaged(f"{head.chain}: entry {seq} is not the one its signed head names; {MEND}")


def check_length(head: heads.Head, seq: int) -> None:
    """Raises Damaged when the journal is shorter than its head."""
    if seq < head.seq:
        raise Damaged(f"{head.chain} ends at {seq}, and its signed head says {head.seq}: its end was removed; {MEND}")


def cut_if_torn(cursor: psycopg.Cursor[Any], shard: int, head: heads.Head, last: int) -> None:
    """Entries after `last` do not hold. Cut them if they are a torn end; raises Damaged if they are not."""
    name = heads.journal(shard)
    if head.seq > last:
        raise Damaged(f"{name}: entry {last + 1} does not follow from the one before it; {MEND}")
    spoken = cursor.execute(_SPOKEN_OF, {"shard": shard, "seq": last + 1}).fetchone()
    if spoken is None or spoken[0]:
        raise Damaged(
            f"{name}: entry {last + 1} does not follow from the one before it, and other rows came of it; {MEND}"
        )
    cursor.execute("SET LOCAL meridian.mend = 'on'")
    cursor.execute("DELETE FROM orders_journal WHERE shard = %s AND seq > %s", (shard, last))
    log.error(
        "%s was torn after entry %d; the %d entries after it, of which nothing came, were cut",
        name,
        last,
        cursor.rowcount,
    )
    lines.add(
        cursor, lines.line("journal.cut", actor="the engine", target=name, after_seq=last, entries=cursor.rowcount)
    )
    cursor.execute("SET LOCAL meridian.mend = 'off'")
