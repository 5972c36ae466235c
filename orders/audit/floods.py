"""Refusals, counted: one line of the audit for a minute, an action and an address, however many there were.

`refused` and `note` count in memory and never touch the database, so a flood costs a little arithmetic. Once a second a thread
of the web process adds what was counted to `orders_auditcount`, where all processes meet; a minute that is over becomes a line.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from django.db import connection, transaction

from marketdata import clock
from orders.audit import lines
from orders.errors import DATABASE_AWAY
from orders.models import AuditCount

ADDRESSES_MAX = 64  # told apart, an action and minute; all others are counted together
MANY = "many others"
TARGETS_MAX = 5
CLOSED_MAX = 500
LATE_S = 5  # after its end a minute stays open so long for the last counts of other processes
FLUSH_S = 1.0
MINUTE_MS = 60_000
log = logging.getLogger(__name__)

# what a refusal is called in the audit, by its code, else by its status
BY_CODE = {
    "AUTH_INVALID": "auth.fail", "TS_WINDOW": "auth.fail", "SIGNATURE_REQUIRED": "auth.fail", "LOGIN_RATE": "login.fail",
    "SCOPE": "authz", "IP": "authz", "CSRF": "csrf", "STEP_UP": "step.up", "OWNER": "authz",
    "REQUEST_ID_REUSED": "idemp",
}  # fmt: skip
BY_STATUS = {
    400: "valid", 401: "auth.fail", 403: "authz", 404: "authz.obj", 405: "valid", 413: "limit", 415: "valid", 429: "rate",
}  # fmt: skip

_ADD = """
INSERT INTO orders_auditcount (minute, action, ip, count, targets) VALUES (%s, %s, %s, %s, to_jsonb(%s::text[]))
ON CONFLICT (minute, action, ip) DO UPDATE SET count = orders_auditcount.count + EXCLUDED.count
"""
_CLOSE = """
DELETE FROM orders_auditcount WHERE id IN (
    SELECT id FROM orders_auditcount WHERE minute < %s ORDER BY minute, id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING minute, action, ip, count, ARRAY(SELECT jsonb_array_elements_text(targets))
"""
Place = tuple[int, str, str]


class Floods:
    """What was counted in this process and is not in the database yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[Place, tuple[int, list[str]]] = {}
        self._addresses: dict[tuple[int, str], set[str]] = {}
        self._thread: threading.Thread | None = None

    def note(self, action: str, ip: str, target: str = "") -> None:
        """One more of these."""
        minute = clock.now_ms() // MINUTE_MS
        with self._lock:
            known = self._addresses.setdefault((minute, action), set())
            if ip not in known:
                if len(known) >= ADDRESSES_MAX:
                    ip = MANY
                else:
                    known.add(ip)
            count, targets = self._counted.get((minute, action, ip), (0, []))
            if target and len(targets) < TARGETS_MAX and target[:64] not in targets:
                targets.append(target[:64])
            self._counted[minute, action, ip] = count + 1, targets

    def flush(self) -> None:
        """What was counted into the database; when that is away it is kept, and counted on."""
        with self._lock:
            counted, self._counted = self._counted, {}
            now = clock.now_ms() // MINUTE_MS
            self._addresses = {place: known for place, known in self._addresses.items() if place[0] >= now}
        if not counted:
            return
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for (minute, action, ip), (count, targets) in sorted(counted.items()):
                    cursor.execute(_ADD, (clock.from_ms(minute * MINUTE_MS), action, ip, count, targets))
        except DATABASE_AWAY as error:
            log.warning("%d counts of refusals wait for the database: %s", len(counted), error)
            self._keep(counted)

    def start(self) -> None:
        """Flush once a second from now on: of a web process, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="floods", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        rest = threading.Event()
        while not rest.wait(FLUSH_S):
            try:
                self.flush()
            except Exception:
                log.exception("refusals were not counted")
            finally:
                connection.close()

    def _keep(self, counted: dict[Place, tuple[int, list[str]]]) -> None:
        with self._lock:
            for place, (count, targets) in counted.items():
                more, others = self._counted.get(place, (0, []))
                self._counted[place] = count + more, (targets + others)[:TARGETS_MAX]


_here = Floods()


def default() -> Floods:
    """This process's."""
    return _here


def note(action: str, ip: str, target: str = "") -> None:
    """One more of these, in this process."""
    _here.note(action, ip, target)


def refused(status: int, code: str, ip: str, target: str = "") -> None:
    """Somebody was told no; what is no matter of the audit (a risk rule, a full queue) is not counted."""
    action = BY_CODE.get(code) or BY_STATUS.get(status)
    if action:
        _here.note(action, ip, target)


def close(now: datetime) -> int:
    """Minutes that are over become lines of the audit; how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLOSE, (now - timedelta(seconds=60 + LATE_S), CLOSED_MAX))
        rows = cursor.fetchall()
        for minute, action, ip, count, targets in rows:
            words = {"minute": clock.iso(minute), "count": count, "targets": targets}
            lines.wait(cursor, lines.line(action, actor="", target=f"{count} times", ip=ip, **words))
        if rows:
            lines.chain_waiting(cursor)
    return len(rows)


def open_counts() -> list[AuditCount]:
    """The minutes that are not over yet, newest first."""
    return list(AuditCount.objects.order_by("-minute", "action", "ip")[:CLOSED_MAX])
