"""Which stream the owner of a shard reads now."""

from __future__ import annotations

from django.db import Error, connection

from orders.models import Lease


def epoch_of(shard: int) -> int:
    """The epoch whose stream is read; 0 when nobody reads one, or when PostgreSQL cannot say. For a thread, not a loop."""
    try:
        return Lease.objects.filter(shard=shard, ready=True).values_list("epoch", flat=True).first() or 0
    except Error:  # whoever asks must outlive it: nothing is placed any more without it
        return 0
    finally:
        connection.close()
