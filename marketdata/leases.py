"""Who acts when two of a service run: a row with an epoch, and the rule by which its holder may be succeeded.

A holder is succeeded when it let go, when its process is gone, or when it has said nothing for too long. How long is
counted by the successor's own clock, from the last change it saw: a clock that jumps, here or in the database, takes
no lease from anybody who lives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from marketdata import clock, processes
from marketdata.processes import Process

LEASE_S = 10.0  # nothing heard for so long: it is succeeded, wherever it is
STOPPED_S = 1.0  # a stopped process of this machine
RAN_OUT_S = 1.5  # by the database's clock the lease is over; it still had time to say that it lives

_TAKE = """
    UPDATE marketdata_servicelease
    SET epoch = epoch + 1, holder = %s, pid = %s, pid_started_ticks = %s,
        expires_at = clock_timestamp() + make_interval(secs => %s)
    WHERE name = %s AND epoch = %s RETURNING epoch
"""
_RENEW = """
    UPDATE marketdata_servicelease SET expires_at = clock_timestamp() + make_interval(secs => %s)
    WHERE name = %s AND epoch = %s
"""


class LeaseLost(Exception):
    """Another process acts now; whatever this one holds in memory is no longer the truth. It ends."""


@dataclass(slots=True)
class Watch:
    """What a candidate has seen of a holder."""

    _seen: Any = None
    _since_ns: int = field(default=0)

    def is_over(self, holder: Process | None, sign_of_life: Any, ran_out: bool) -> bool:
        """Whether this holder may be succeeded now. `sign_of_life` is anything that changes while it lives; `ran_out` is
        the database's opinion of its lease.
        """
        if holder is None or (holder.is_here and not holder.is_alive):
            return True
        now_ns = clock.monotonic_ns()
        if sign_of_life != self._seen:
            self._seen, self._since_ns = sign_of_life, now_ns
        quiet_s = (now_ns - self._since_ns) / 1e9
        if holder.is_here and quiet_s >= STOPPED_S and holder.is_stopped:
            return True
        return quiet_s >= (RAN_OUT_S if ran_out else LEASE_S)

    def forget(self) -> None:
        """The database was away: silence meant nothing."""
        self._seen = None


class ServiceLease:
    """One process's claim to be the one that acts under a name: feed, strategies, beat. Not thread-safe."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = 0
        self.me = processes.me()
        self._watch = Watch()

    def take(self) -> bool:
        """Become the holder, or stay it; False while another one is. Raises LeaseLost when it was ours and is not any
        more.
        """
        if self.epoch:
            self._renew()
            return True
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO marketdata_servicelease (name, epoch, holder) VALUES (%s, 0, '') ON CONFLICT DO NOTHING",
                [self.name],
            )
            cursor.execute(
                "SELECT epoch, holder, pid, pid_started_ticks, expires_at, expires_at <= clock_timestamp() "
                "FROM marketdata_servicelease WHERE name = %s",
                [self.name],
            )
            epoch, host, pid, ticks, expires_at, ran_out = cursor.fetchone()
        holder = None if pid is None else Process(host, pid, ticks)
        if holder is not None and holder.is_me:
            holder = Process("", 0, 0)  # another claim of this very process: nobody to be killed
        if not self._watch.is_over(holder, (epoch, expires_at), bool(ran_out)):
            return False
        if holder is not None and holder.is_here and not holder.end():
            return False
        return self._seize(epoch)

    def _seize(self, epoch: int) -> bool:
        values = [self.me.machine, self.me.pid, self.me.started_ticks, LEASE_S, self.name, epoch]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TAKE, values)
            row = cursor.fetchone()
        if row is None:  # somebody was faster
            return False
        self.epoch = row[0]
        return True

    def _renew(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_RENEW, [LEASE_S, self.name, self.epoch])
            if cursor.rowcount != 1:
                raise LeaseLost(f"epoch {self.epoch} of {self.name} is over")

    def check(self) -> None:
        """Inside a transaction, first: nobody takes over before its end. Raises LeaseLost when somebody has."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM marketdata_servicelease WHERE name = %s AND epoch = %s FOR SHARE",
                [self.name, self.epoch],
            )
            if cursor.fetchone() is None:
                raise LeaseLost(f"epoch {self.epoch} of {self.name} is over")

    def release(self) -> None:
        """A clean stop: the next one need not wait."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE marketdata_servicelease SET expires_at = clock_timestamp(), pid = NULL "
                "WHERE name = %s AND epoch = %s",
                [self.name, self.epoch],
            )
        self.epoch = 0
