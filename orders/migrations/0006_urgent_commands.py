"""Urgent commands that say who asked, how far they are and what became of them; kill drills."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def _whose(to: str, **options: Any) -> Any:
    return models.ForeignKey(to, django.db.models.deletion.PROTECT, related_name="+", **options)


def _ms(help_text: str = "") -> Any:
    return models.PositiveIntegerField(null=True, help_text=help_text)


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_limit_scopes")]
    operations = [
        migrations.AlterModelOptions("urgentcommand", {"ordering": ("-id",)}),
        migrations.AddField("urgentcommand", "account", _whose("orders.Account", null=True)),
        migrations.AddField("urgentcommand", "kind", models.CharField(
            max_length=12, default="", help_text="cancel_all, flatten"
        ), preserve_default=False),
        migrations.AddField("urgentcommand", "actor", models.CharField(
            max_length=96, blank=True, default=""
        ), preserve_default=False),
        migrations.AddField("urgentcommand", "progress", models.JSONField(
            default=dict, help_text="How far a flatten is; written with each of its steps."
        )),
        migrations.AddField("urgentcommand", "decided_at", models.DateTimeField(null=True)),
        migrations.AddField("urgentcommand", "status", models.PositiveSmallIntegerField(null=True)),
        migrations.AddField("urgentcommand", "answer", models.JSONField(null=True)),
        migrations.AddIndex("urgentcommand", models.Index(
            fields=("shard", "id"), condition=models.Q(decided_seq=None), name="urgent_undecided"
        )),
        migrations.CreateModel("Drill", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("owner", _whose("orders.Owner")),
            ("account", _whose("orders.Account")),
            ("actor", models.CharField(max_length=96)),
            ("at", models.DateTimeField()),
            ("last_order_ms", _ms("The last new order that was taken.")),
            ("cancel_issued_ms", _ms("Cancel all was handed over.")),
            ("canceled_ms", _ms("No order stood any more.")),
            ("flat_ms", _ms()),
            ("orders", models.PositiveIntegerField(default=0, help_text="Placed by it, before and while it was stopped.")),
            ("detail", models.JSONField(default=dict)),
        ], options={"ordering": ("-id",)}),
    ]  # fmt: skip
