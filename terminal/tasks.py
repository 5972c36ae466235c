"""Housekeeping of the project itself."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command


@shared_task
def clear_sessions() -> None:
    """Forget sessions that ran out."""
    call_command("clearsessions")
