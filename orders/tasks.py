"""Periodic work on orders, started by beat."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from marketdata import clock
from orders import caller, poll
from orders.audit import floods, lines
from orders.models import AuditWaiting, Flight, Painted

FLIGHT_DAYS = 3
log = logging.getLogger(__name__)

_after: list[tuple[int, int] | None] = [None]  # where this worker's last pass over the open orders ended


@shared_task(ignore_result=True, expires=5)
def poll_orders() -> None:
    """Ask the exchanges about open orders; what they tell and we have not heard goes to the engine."""
    done = poll.poll(lambda report, shard: caller.default().send(report, shard), clock.now(), _after[0])
    _after[0] = done.next_after


@shared_task(ignore_result=True, expires=5)
def chain_audit() -> None:
    """Close the minutes that are over, and chain the lines that found somebody else at the chain's end when they were written."""
    floods.close(clock.now())
    with transaction.atomic(), connection.cursor() as cursor:
        if AuditWaiting.objects.exists():
            lines.chain_waiting(cursor)


@shared_task(ignore_result=True)
def verify_audit() -> None:
    """Walk every chain, at night; what does not hold is in the log and in the audit."""
    try:
        call_command("verify_audit", quiet=True)
    except CommandError as error:
        log.error("verify_audit: %s", error)
        lines.note("audit.broken", actor="the night's walk", said=str(error))
    else:
        lines.note("audit.verified", actor="the night's walk")


@shared_task(ignore_result=True)
def forget_flights() -> None:
    """Stamps are kept for some days: orders stay, how fast each was does not matter for ever."""
    since = clock.now() - timedelta(days=FLIGHT_DAYS)
    Flight.objects.filter(at__lt=since).delete()
    Painted.objects.filter(at__lt=since).delete()
