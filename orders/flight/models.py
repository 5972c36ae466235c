"""The tables of the flight recorder. `orders.models` has them among its own."""

from __future__ import annotations

from django.db import models


class Flight(models.Model):
    """Stamps of the orders of some transactions, packed (orders/flight/recording.py): of entries first_seq to last_seq."""

    pk = models.CompositePrimaryKey("shard", "last_seq")
    shard = models.PositiveSmallIntegerField()
    last_seq = models.BigIntegerField()
    first_seq = models.BigIntegerField()
    at = models.DateTimeField(db_index=True)
    packed = models.BinaryField()


class Painted(models.Model):
    """What a browser told of an order it sent: nanoseconds since the click, by its own clock."""

    order_id = models.UUIDField(primary_key=True)
    owner = models.ForeignKey("orders.Owner", models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    instrument_id = models.BigIntegerField()
    at = models.DateTimeField(db_index=True)
    sent_ns = models.BigIntegerField()
    received_ns = models.BigIntegerField()
    painted_ns = models.BigIntegerField()
