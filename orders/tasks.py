"""Periodic work on orders, started by beat."""

from __future__ import annotations

from celery import shared_task

from marketdata import clock
from orders import caller, poll

_after: list[tuple[int, int] | None] = [None]  # where this worker's last pass over the open orders ended


@shared_task(ignore_result=True, expires=5)
def poll_orders() -> None:
    """Ask the exchanges about open orders; what they tell and we have not heard goes to the engine."""
    done = poll.poll(lambda report, shard: caller.default().send(report, shard), clock.now(), _after[0])
    _after[0] = done.next_after
