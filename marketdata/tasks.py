"""What is periodic about market data; the schedule is in terminal/celery.py."""

from __future__ import annotations

from celery import shared_task

from marketdata import clock, partitions


@shared_task(name="marketdata.tasks.make_partitions")
def make_partitions() -> list[str]:
    """Make the coming months' partitions of every table partitioned by month; the names of those made."""
    return partitions.ensure_ahead(clock.now().date())
