"""Limits of every scope, and halts that say what tripped and when they end by themselves.

Profiles get the limits that are new: the built-in ones as they are seeded, others none, for they had none.
"""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

# as they were when this was written: a migration never changes its meaning
OLDER = {"open_orders_max", "open_orders_instrument_max", "notional_max", "rate_per_second", "rate_burst", "self_trade"}
OFF = {
    "quantity_max": 0,
    "message_per_second": 0,
    "message_burst": 0,
    "duplicate_ms": 0,
    "collar_bp": 0,
    "far_bp": 0,
    "impact_bp": 0,
    "volatility_bp": 0,
    "volatility_window_s": 60,
    "volatility_pause_s": 60,
    "position_bp": 0,
    "position_max": 0,
    "gross_bp": 0,
    "gross_max": 0,
    "leverage_bp": 0,
    "daily_loss_bp": 0,
    "drawdown_bp": 0,
    "price_jump_bp": 0,
    "executions_max": 0,
    "executions_window_s": 60,
    "rejects_max": 0,
    "rejects_window_s": 60,
    "unknown_max": 0,
    "unknown_window_s": 60,
    "errors_bp": 0,
    "errors_window_s": 60,
    "stop_outs_max": 0,
    "stop_outs_window_s": 3600,
    "stop_outs_pause_s": 3600,
    "cooldown_s": 0,
}
LIVE = OFF | {
    "message_per_second": 20,
    "message_burst": 40,
    "duplicate_ms": 1000,
    "collar_bp": 300,
    "far_bp": 5000,
    "impact_bp": 100,
    "volatility_bp": 500,
    "position_bp": 2500,
    "gross_bp": 10000,
    "leverage_bp": 10000,
    "daily_loss_bp": 300,
    "drawdown_bp": 1000,
    "executions_max": 20,
    "rejects_max": 10,
    "unknown_max": 5,
    "errors_bp": 3000,
    "stop_outs_max": 4,
    "cooldown_s": 300,
}


def fill(apps: Any, schema_editor: Any) -> None:
    """`self_trade_allowed` was a yes or no; `self_trade` says what happens."""
    limit, profile = apps.get_model("orders", "RiskLimit"), apps.get_model("orders", "LimitProfile")
    for row in limit.objects.filter(code="self_trade_allowed"):
        row.code, row.value = "self_trade", 0 if row.value else 1
        row.save()
    for one in profile.objects.all():
        there = set(limit.objects.filter(profile=one).values_list("code", flat=True))
        wanted = LIVE if one.name == "live" else OFF
        limit.objects.bulk_create(
            limit(profile=one, code=code, value=value)
            for code, value in wanted.items()
            if code not in there and code not in OLDER
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
