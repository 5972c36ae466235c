"""The tables of the audit and of the chains' ends. `orders.models` has them among its own."""

from __future__ import annotations

from django.db import models


class Audit(models.Model):
    """Who did what: logins, keys, limits, halts. Written by orders/audit alone, chained by hash; a trigger refuses changes."""

    seq = models.BigIntegerField(unique=True, help_text="Its place in the chain, without gaps.")
    owner = models.ForeignKey("orders.Owner", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    actor = models.CharField(max_length=96)
    action = models.CharField(max_length=48)
    target = models.CharField(max_length=128, blank=True)
    ip = models.CharField("address", max_length=64, blank=True)
    detail = models.JSONField(default=dict)
    hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ("-seq",)
        indexes = [models.Index(fields=("owner", "-seq"), name="audit_of_an_owner")]


class AuditWaiting(models.Model):
    """Lines on their way into the audit's chain: whoever writes one waits for no lock (orders/audit/lines.py)."""

    owner = models.ForeignKey("orders.Owner", models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    at = models.DateTimeField()
    actor = models.CharField(max_length=96)
    action = models.CharField(max_length=48)
    target = models.CharField(max_length=128)
    ip = models.CharField(max_length=64)
    detail = models.JSONField()


class AuditCount(models.Model):
    """How often something was refused in one minute from one address; a line of the audit when the minute is over."""

    minute = models.DateTimeField()
    action = models.CharField(max_length=48)
    ip = models.CharField(max_length=64)
    count = models.BigIntegerField()
    targets = models.JSONField(default=list, help_text="The first few things asked for.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("minute", "action", "ip"), name="one_count_a_minute_action_and_address")
        ]


class ChainHead(models.Model):
    """Where a chain of hashes ends, signed with a key outside the database (orders/audit/heads.py)."""

    chain = models.CharField(max_length=32, primary_key=True)
    seq = models.BigIntegerField()
    hash = models.BinaryField()
    mac = models.BinaryField()
    at = models.DateTimeField()


class Anchor(models.Model):
    """What a dropped partition of the journal leaves: how far it went, and the hash the rest hangs on. Signed."""

    chain = models.CharField(max_length=32)
    partition = models.CharField(max_length=63)
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    hash = models.BinaryField()
    mac = models.BinaryField()
    dropped_at = models.DateTimeField()

    class Meta:
        ordering = ("chain", "last_seq")
        constraints = [models.UniqueConstraint(fields=("chain", "last_seq"), name="anchor_once")]
