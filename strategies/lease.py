"""Which process acts as the strategy host when two of them run: one row, an epoch, checked in every event's
transaction."""

from __future__ import annotations

import os
import socket

from django.db import connection, transaction

from orders.engine.lease import process_started_ticks

NAME = "strategies"
LEASE_S = 10

_TAKE = """
    UPDATE orders_servicelease
    SET epoch = epoch + 1, holder = %s, expires_at = clock_timestamp() + make_interval(secs => %s)
    WHERE name = %s RETURNING epoch
"""
_RENEW = """
    UPDATE orders_servicelease SET expires_at = clock_timestamp() + make_interval(secs => %s)
    WHERE name = %s AND epoch = %s
"""


class LeaseLost(Exception):
    """Another strategy host acts now. This process ends, and its successor waits for its turn."""


class HostLease:
    """The lease of one process. A dead holder on the same machine is succeeded at once, any other after its lease ran
    out."""

    def __init__(self) -> None:
        self.epoch = 0
        self._host = socket.gethostname()
        self._holder = f"{self._host} {os.getpid()} {process_started_ticks(os.getpid())} {id(self)}"

    def take(self) -> bool:
        """Become the holder, or stay it; False while another one is. Raises LeaseLost when it was ours and is not any
        more."""
        if self.epoch:
            with connection.cursor() as cursor:
                cursor.execute(_RENEW, [LEASE_S, NAME, self.epoch])
                if cursor.rowcount != 1:
                    raise LeaseLost(f"epoch {self.epoch} of the strategy host is over")
            return True
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO orders_servicelease (name, epoch, holder) VALUES (%s, 0, '') ON CONFLICT DO NOTHING",
                [NAME],
            )
            cursor.execute(
                "SELECT holder, expires_at > clock_timestamp() FROM orders_servicelease WHERE name = %s FOR UPDATE",
                [NAME],
            )
            holder, unexpired = cursor.fetchone()
            if unexpired and not self._is_dead(holder):
                return False
            cursor.execute(_TAKE, [self._holder, LEASE_S, NAME])
            self.epoch = cursor.fetchone()[0]
        return True

    def check(self) -> None:
        """Inside a transaction, first: nobody takes over before its end. Raises LeaseLost when somebody has."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM orders_servicelease WHERE name = %s AND epoch = %s FOR SHARE", [NAME, self.epoch]
            )
            if cursor.fetchone() is None:
                raise LeaseLost(f"epoch {self.epoch} of the strategy host is over")

    def release(self) -> None:
        """A clean stop: the next host need not wait."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE orders_servicelease SET expires_at = clock_timestamp() WHERE name = %s AND epoch = %s",
                [NAME, self.epoch],
            )
        self.epoch = 0

    def _is_dead(self, holder: str) -> bool:
        try:
            host, pid, started, _ = holder.split(" ")
            return host == self._host and process_started_ticks(int(pid)) != int(started)
        except ValueError:
            return False
