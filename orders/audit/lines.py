"""Lines of the audit: written in the transaction of what they tell, and chained without making anybody wait.

A line first goes to `orders_auditwaiting`, which no lock guards. Whoever gets the chain's lock at once, without waiting, then
moves everything that waits to its end; who does not get it leaves that to the holder's successor, or to the task that
looks every few seconds. So a halt or an engine never stands behind a slow web request.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Protocol

from django.db import connection, transaction

from marketdata import clock
from orders.audit import heads

log = logging.getLogger(__name__)
BEGIN = "audit.begin"
CHAINED_MAX = 1000  # lines one request may have to chain for others
DETAIL_MAX = 4000
_LOCK = 0x61756469  # "audi": who holds it for a transaction may add to the chain
_WAIT = """
INSERT INTO orders_auditwaiting (at, owner_id, actor, action, target, ip, detail) VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb)
"""
_TAKE = """
DELETE FROM orders_auditwaiting WHERE id IN (SELECT id FROM orders_auditwaiting ORDER BY id LIMIT %s)
RETURNING id, at, owner_id, actor, action, target, ip, detail::text
"""
_ADD = """
INSERT INTO orders_audit (seq, at, owner_id, actor, action, target, ip, detail, hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s)
"""
_WHERE = """
SELECT h.seq, h.hash, h.mac, (SELECT max(seq) FROM orders_audit) FROM (SELECT) AS one LEFT JOIN orders_chainhead h ON h.chain = %s
"""
_WAIT_FIRST = """
INSERT INTO orders_auditwaiting (id, at, owner_id, actor, action, target, ip, detail)
VALUES (0, %s, NULL, 'the audit', %s, 'audit', '', '{}'::jsonb)
"""
_HEAD = """
INSERT INTO orders_chainhead (chain, seq, hash, mac, at) VALUES (%s, %s, %s, %s, clock_timestamp())
ON CONFLICT (chain) DO UPDATE SET seq = EXCLUDED.seq, hash = EXCLUDED.hash, mac = EXCLUDED.mac, at = EXCLUDED.at
"""


class Cursor(Protocol):
    """What Django's cursors and psycopg's have in common."""

    def execute(self, query: Any, params: Any = None) -> Any: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Line:
    """Who did what, to what, from where. `detail` holds texts, whole numbers, yes or no, and lists and tables of them."""

    at: datetime
    actor: str
    action: str
    target: str = ""
    owner_id: int | None = None
    ip: str = ""
    detail: str = "{}"


def link(before: bytes, seq: int, line: Line) -> bytes:
    """The hash of a line at this place of the chain: over every column as it is stored."""
    micros = (line.at - clock.EPOCH) // timedelta(microseconds=1)
    stored = [seq, micros, line.owner_id, line.actor, line.action, line.target, line.ip, json.loads(line.detail)]
    return blake2b(before + _canonical(stored).encode(), digest_size=32).digest()


def note(
    action: str, *, actor: str, target: str = "", owner_id: int | None = None, ip: str = "", **detail: Any
) -> None:
    """One line, in the caller's transaction when there is one: what is told and what happened stand or fall together."""
    with transaction.atomic(), connection.cursor() as cursor:
        add(cursor, line(action, actor=actor, target=target, owner_id=owner_id, ip=ip, **detail))


def line(
    action: str, *, actor: str, target: str = "", owner_id: int | None = None, ip: str = "", at: datetime | None = None,
    **detail: Any,
) -> Line:  # fmt: skip
    """A line that fits its columns."""
    text = _canonical(_plain(detail))
    if len(text) > DETAIL_MAX:
        text = _canonical({"cut": text[:DETAIL_MAX]})
    return Line(
        at or clock.now(), _clean(actor)[:96], action[:48], _clean(target)[:128], owner_id, _clean(ip)[:64], text
    )


def add(cursor: Cursor, new: Line) -> None:
    """Into the caller's transaction; never waits for anybody."""
    wait(cursor, new)
    chain_waiting(cursor)


def wait(cursor: Cursor, new: Line) -> None:
    """Only written, not chained yet: for many at once."""
    cursor.execute(_WAIT, (new.at, new.owner_id, new.actor, new.action, new.target, new.ip, new.detail))


def chain_waiting(cursor: Cursor) -> int:
    """Move what waits to the end of the chain, unless somebody else is at it; how many lines were moved."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,))
    if not cursor.fetchone()[0]:
        return 0
    head = _trusted_head(cursor)
    if head is None:
        return 0
    seq, before = head.seq, head.hash
    cursor.execute(_TAKE, (CHAINED_MAX,))
    taken = sorted(cursor.fetchall(), key=lambda row: int(row[0]))
    for _, at, owner_id, actor, action, target, ip, detail in taken:
        seq += 1
        before = link(before, seq, Line(at, actor, action, target, owner_id, ip, detail))
        cursor.execute(_ADD, (seq, at, owner_id, actor, action, target, ip, detail, before))
    if taken:
        set_head(cursor, heads.sign(heads.AUDIT, seq, before))
    return len(taken)


def set_head(cursor: Cursor, head: heads.Head) -> None:
    """The audit ends here."""
    cursor.execute(_HEAD, (head.chain, head.seq, head.hash, head.mac))


def _trusted_head(cursor: Cursor) -> heads.Head | None:
    """Where the chain ends, or None when that is in doubt: then lines go on waiting, because nothing may be chained on a forgery.

    `verify_audit` says what is wrong. An audit without any head or line begins, and its first line says that it did.
    """
    cursor.execute(_WHERE, (heads.AUDIT,))
    seq, link_there, mac, last = cursor.fetchone()
    try:
        if seq is None and last is None:
            cursor.execute(_WAIT_FIRST, (clock.now(), BEGIN))
            return heads.sign(heads.AUDIT, 0, b"")
        trouble = (
            "its head is missing" if seq is None else "" if seq == (last or 0) else f"its head says {seq}, not {last}"
        )
        head = heads.Head(heads.AUDIT, seq or 0, bytes(link_there or b""), bytes(mac or b""))
        trouble = trouble or heads.wrong(head)
    except heads.KeyMissing as missing:
        trouble = str(missing)
    if trouble:
        log.error("the audit is not chained on, its lines wait: %s. See `manage.py verify_audit`.", trouble)
        return None
    return head


def _canonical(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def _plain(value: Any) -> Any:
    """Only what comes back from jsonb as it went in."""
    if isinstance(value, dict):
        return {_clean(str(name)): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    return _clean(format(value, "f") if isinstance(value, Decimal) else str(value))


def _clean(text: str) -> str:
    """Without what PostgreSQL does not store."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
