"""Walks a chain from its first entry, or the newest anchor before it, to its head, and says the first thing that does not hold.

Each kind of damage has a sentence of its own, because what to do differs: a flipped byte is a disk or a hand, a missing end is
a hand or a wrong backup, a head that does not fit is a hand with access to the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import connection, transaction

from marketdata import clock
from orders.audit import heads
from orders.audit.anchors import anchors_of
from orders.audit.lines import BEGIN, Line
from orders.audit.lines import link as audit_link
from orders.engine import journal

LOOK_AHEAD = 10_000  # entries searched for the one that belongs where a chain breaks
TELL_EVERY = 50_000
_AT_ONCE = 5_000
_JOURNAL = """
SELECT seq, at_ns, kind, payload, hash, at, epoch FROM orders_journal WHERE shard = %s AND seq > %s ORDER BY seq, at
"""
_AUDIT = """
SELECT seq, at, actor, action, target, owner_id, ip, detail::text, hash FROM orders_audit WHERE seq > %s ORDER BY seq
"""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that does not hold. `seq` is the row's, or the first missing one's; None: no single row."""

    table: str
    seq: int | None
    what: str

    def __str__(self) -> str:
        return f"{self.table}, seq {self.seq}: {self.what}." if self.seq is not None else f"{self.table}: {self.what}."


@dataclass(frozen=True, slots=True)
class Walked:
    """One chain, seen: how many entries hold, up to which; and what does not."""

    chain: str
    entries: int
    last: int
    broken: Broken | None = None


class Row(Protocol):
    """An entry as stored."""

    seq: int
    hash: bytes

    def holds(self, before: bytes, seq: int) -> bool:
        """Whether it is the one that was chained after `before` with this number."""

    def fault(self, last_epoch: int) -> str:
        """What is wrong with a row that holds: columns the chain does not cover."""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """See Row."""

    seq: int
    at_ns: int
    kind: str
    payload: bytes
    hash: bytes
    at: datetime
    epoch: int

    def holds(self, before: bytes, seq: int) -> bool:
        return journal.holds(before, seq, self.at_ns, self.kind, self.payload, self.hash)

    def fault(self, last_epoch: int) -> str:
        if clock.from_ns(self.at_ns) != self.at:
            return "its time was changed: at and at_ns differ"
        return "its epoch was changed: epochs never fall" if self.epoch < last_epoch else ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """See Row."""

    seq: int
    line: Line
    hash: bytes
    epoch: int = 0

    def holds(self, before: bytes, seq: int) -> bool:
        return audit_link(before, seq, self.line) == self.hash

    def fault(self, last_epoch: int) -> str:
        anew = self.seq == 1 and self.line.action == BEGIN
        return f"the audit begins anew here, at {clock.iso(self.line.at)}: what was before was removed" if anew else ""


def audit(tell: Progress) -> Walked:
    """The audit's chain."""
    head = _stored_head("SELECT seq, hash, mac FROM orders_chainhead WHERE chain = %s", heads.AUDIT, heads.AUDIT)
    return _walk("orders_audit", heads.AUDIT, head, _audit_rows, 0, b"", tell)


def journal_of(shard: int, tell: Progress) -> Walked:
    """The chain of a shard's journal, from the newest anchor on, and the anchors themselves."""
    name = heads.journal(shard)
    head = _stored_head("SELECT head_seq, head_hash, head_mac FROM orders_lease WHERE shard = %s", shard, name)
    first, before = 0, b""
    for anchor in anchors_of(name):
        if anchor.first_seq != first + 1:
            return Walked(name, 0, first, Broken("orders_anchor", anchor.first_seq, "the anchor before it is missing"))
        if trouble := heads.wrong(heads.Head(name, anchor.last_seq, bytes(anchor.hash), bytes(anchor.mac))):
            what = trouble.replace("the head at", "the anchor at")
            return Walked(name, 0, first, Broken("orders_anchor", anchor.last_seq, what))
        first, before = anchor.last_seq, bytes(anchor.hash)
    kept = _newest_checkpoint(shard)
    walked = _walk("orders_journal", name, head, lambda after: _journal_rows(shard, after), first, before, tell)
    if walked.broken is None and kept > walked.last:
        what = f"it ends at {walked.last}, and a checkpoint was made at {kept}: its end was removed"
        return Walked(name, walked.entries, walked.last, Broken("orders_journal", walked.last + 1, what))
    return walked


def shards() -> list[int]:
    """Every shard that has, or should have, a journal."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT shard FROM orders_lease UNION SELECT shard FROM orders_checkpoint")
        found = {row[0] for row in cursor.fetchall()}
        # one probe of an index a shard, not a look at every row
        cursor.execute("SELECT max(shard) FROM orders_journal")
        top = cursor.fetchone()[0]
    return sorted(found | (set() if top is None else set(range(top + 1))))


def _walk(
    table: str, name: str, head: heads.Head | None, rows: Callable[[int], Any], first: int, before: bytes, tell: Progress
) -> Walked:  # fmt: skip
    last, epoch, entries = first, 0, 0
    goal = head.seq if head else 0
    with transaction.atomic(), rows(first) as found:
        for row in found:
            broken = None
            if row.seq != last + 1:
                broken = _gap(table, last, row.seq)
            elif not row.holds(before, row.seq):
                broken = Broken(table, row.seq, _why(row, before, found))
            elif fault := row.fault(epoch):
                broken = Broken(table, row.seq, fault)
            elif head and row.seq == head.seq and row.hash != head.hash:
                broken = Broken(
                    table, row.seq, "it holds, and the chain's head names another entry: the chain was rebuilt"
                )
            if broken:
                return Walked(name, entries, last, broken)
            last, before, epoch, entries = row.seq, row.hash, row.epoch, entries + 1
            if entries % TELL_EVERY == 0:
                tell(last, goal)
    return Walked(name, entries, last, _against_head(table, name, head, last))


def _against_head(table: str, name: str, head: heads.Head | None, last: int) -> Broken | None:
    where = "orders_chainhead" if name == heads.AUDIT else "orders_lease"
    if head is None or (head.seq == 0 and not head.mac):
        what = f"the head of {name} is missing, so nobody can say where it ended"
        return Broken(where, None, what) if last or name == heads.AUDIT else None
    if head.seq > last:
        count = head.seq - last
        return Broken(
            table,
            last + 1,
            f"the chain ends at {last} and its head says {head.seq}: the last {count} rows were removed",
        )
    trouble = heads.wrong(head)
    return Broken(where, None, trouble) if trouble else None


def _gap(table: str, last: int, seq: int) -> Broken:
    if seq <= last:
        return Broken(table, seq, "it is there twice")
    if last == 0:
        return Broken(
            table,
            1,
            f"the chain begins at {seq} and no anchor tells what was before: the first {seq - 1} rows were removed",
        )
    count = seq - last - 1
    return Broken(table, last + 1, f"{count} {'row is' if count == 1 else 'rows are'} missing before {seq}")


def _why(row: Any, before: bytes, following: Iterator[Any]) -> str:
    """What became of a row that does not follow: swapped with one further on, replaced, or changed in place."""
    after_it = None
    for number, other in enumerate(following):
        after_it = other if number == 0 else after_it
        if other.holds(before, row.seq):
            return f"it was swapped with seq {other.seq}, whose bytes belong here"
        if number >= LOOK_AHEAD:
            break
    if after_it is None:
        return "it is the last row, and its bytes are not those that were chained"
    if after_it.seq == row.seq + 1 and after_it.holds(row.hash, after_it.seq):
        return "its bytes are not those that were chained: it was changed; the row after it still names the hash it had"
    return "it does not follow from the row before it, and the row after it does not follow from it: it was replaced"


@contextmanager
def _journal_rows(shard: int, after: int) -> Iterator[Iterator[JournalRow]]:
    with _cursor(_JOURNAL, (shard, after)) as found:
        yield (
            JournalRow(seq, at_ns, kind, bytes(payload), bytes(link), at, epoch)
            for seq, at_ns, kind, payload, link, at, epoch in found
        )


@contextmanager
def _audit_rows(after: int) -> Iterator[Iterator[AuditRow]]:
    with _cursor(_AUDIT, (after,)) as found:
        yield (AuditRow(seq, Line(*columns), bytes(link)) for seq, *columns, link in found)


@contextmanager
def _cursor(query: str, parameters: tuple[Any, ...]) -> Iterator[Iterator[Any]]:
    """A cursor of the server's, so that a chain of any length takes little memory."""
    connection.ensure_connection()
    with connection.connection.cursor(name="a_chain") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(query, parameters)
        yield iter(cursor)


def _stored_head(query: str, key: Any, name: str) -> heads.Head | None:
    with connection.cursor() as cursor:
        cursor.execute(query, [key])
        row = cursor.fetchone()
    return heads.Head(name, row[0], bytes(row[1]), bytes(row[2])) if row else None


def _newest_checkpoint(shard: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(seq) FROM orders_checkpoint WHERE shard = %s", [shard])
        return cursor.fetchone()[0] or 0
