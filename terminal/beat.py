"""Celery's beat, of which any number may run: one acts, and nothing of a day is sent twice.

The one that acts holds the lease `beat`. What is due at a moment of the day (crontab) is entered in the table of slots before
it is sent, by a unique row: two beats at once, or a clock that goes back, send it once. What is due every few seconds is
harmless when it is sent once too often.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import crontab
from django.db import Error, close_old_connections, connection

from marketdata import clock
from marketdata.leases import ServiceLease

log = logging.getLogger(__name__)

LOOK_S = 1.0
KEPT = timedelta(days=40)


class LeasedScheduler(Scheduler):
    """Keeps nothing of its own: when a task was last sent is a row."""

    max_interval = LOOK_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._lease = ServiceLease("beat")
        self._renew_ns = 0
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, when it is ours to send. Raises LeaseLost, which ends the process."""
        if not self._acts():
            return LOOK_S
        wait_s: float = super().tick(*args, **kwargs)
        return min(wait_s, LOOK_S)

    def _acts(self) -> bool:
        now_ns = clock.monotonic_ns()
        if self._lease.epoch and now_ns < self._renew_ns:
            return True
        held = bool(self._lease.epoch)
        try:
            close_old_connections()
            if not self._lease.take():
                return False
            if not held:
                self._remember()
        except Error as error:
            log.warning("PostgreSQL is away, so nothing is sent: %s", error)
            return False
        self._renew_ns = now_ns + int(LOOK_S * 1e9)
        return True

    def _remember(self) -> None:
        """Go on where the one before stopped."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, max(slot) FROM marketdata_beatslot GROUP BY name")
            sent = dict(cursor.fetchall())
        for name, entry in self.schedule.items():
            entry.last_run_at = sent.get(name, clock.now())
        self._heap = None
        log.info("this beat acts now, epoch %d", self._lease.epoch)

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send a task; one of a moment of the day only when nobody did."""
        if not isinstance(entry.schedule, crontab) or self._enter(entry.name):
            super().apply_entry(entry, producer=producer)

    def _enter(self, name: str) -> bool:
        slot = clock.now().replace(second=0, microsecond=0)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO marketdata_beatslot (name, slot) VALUES (%s, %s) ON CONFLICT DO NOTHING", [name, slot]
            )
            entered = bool(cursor.rowcount)
            cursor.execute("DELETE FROM marketdata_beatslot WHERE name = %s AND slot < %s", [name, slot - KEPT])
        return entered

    def close(self) -> None:
        """A clean stop: the next one need not wait."""
        try:
            if self._lease.epoch:
                self._lease.release()
        except Error as error:
            log.warning("the lease of beat was not released, it runs out: %s", error)
        super().close()
