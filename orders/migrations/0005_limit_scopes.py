"""Limits of every scope, and halts that say what tripped and when they end by themselves.

Profiles get the limits that are new: the built-in ones as they are seeded, others none, for they had none.
"""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from orders import limits


def fill(apps: Any, schema_editor: Any) -> None:
    """`self_trade_allowed` was a yes or no; `self_trade` says what happens."""
    limit, profile = apps.get_model("orders", "RiskLimit"), apps.get_model("orders", "LimitProfile")
    for row in limit.objects.filter(code="self_trade_allowed"):
        row.code, row.value = "self_trade", 0 if row.value else 1
        row.save()
    for one in profile.objects.all():
        there = set(limit.objects.filter(profile=one).values_list("code", flat=True))
        wanted = limits.PROFILES.get(one.name, limits.NONE)
        limit.objects.bulk_create(
            limit(profile=one, code=code, value=value)
            for code, value in wanted.items()
            if code not in there and code not in limits.NEEDED
        )


def unfill(apps: Any, schema_editor: Any) -> None:
    """Only the name goes back; what was added harms nobody."""
    limit = apps.get_model("orders", "RiskLimit")
    limit.objects.filter(profile=None, account=None).delete()
    for row in limit.objects.filter(code="self_trade"):
        row.code, row.value = "self_trade_allowed", 0 if row.value else 1
        row.save()


def _number() -> Any:
    return models.DecimalField(max_digits=56, decimal_places=18, null=True, editable=False)


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_margin_and_fees")]
    operations = [
        migrations.AddField("risklimit", "scope", models.CharField(
            max_length=12, blank=True, default="",
            choices=[(name, name.title()) for name in ("global", "exchange", "owner", "strategy", "instrument", "key")],
        ), preserve_default=False),
        migrations.AddField("risklimit", "key", models.CharField(
            max_length=96, blank=True, default="", help_text="Name of the thing limited; empty for global and owner.",
        ), preserve_default=False),
        migrations.AddField("risklimit", "owner", models.ForeignKey(
            "orders.Owner", django.db.models.deletion.CASCADE, null=True, blank=True, related_name="+",
            help_text="Of scopes owner, strategy and key.",
        )),
        migrations.RemoveConstraint("risklimit", "limit_has_one_scope"),
        migrations.AddConstraint("risklimit", models.UniqueConstraint(
            fields=("scope", "key", "owner", "code"), condition=~Q(scope=""), nulls_distinct=False, name="limit_once_a_scope",
        )),
        migrations.AddConstraint("risklimit", models.CheckConstraint(
            condition=Q(profile__isnull=False, account__isnull=True, scope="")
            | Q(profile__isnull=True, account__isnull=False, scope="")
            | (Q(profile__isnull=True, account__isnull=True) & ~Q(scope="")),
            name="limit_has_one_scope",
        )),
        migrations.AddField("halt", "code", models.CharField(
            max_length=32, blank=True, default="", editable=False, help_text="What tripped, as DAILY_LOSS.",
        ), preserve_default=False),
        migrations.AddField("halt", "limit", _number()),
        migrations.AddField("halt", "value", _number()),
        migrations.AddField("halt", "until", models.DateTimeField(
            null=True, blank=True, help_text="When it ends by itself; empty: when a person resumes.",
        )),
        migrations.AlterField("halt", "scope", models.CharField(max_length=12, choices=[
            *((name, name.title()) for name in ("global", "exchange", "owner", "account", "strategy", "instrument", "key")),
            ("position", "an account's position in one instrument"),
        ])),
        migrations.RunPython(fill, unfill),
    ]  # fmt: skip
