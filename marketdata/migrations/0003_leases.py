"""Leases of feed, strategy host and beat, where the lowest app can take one; the slots beat has sent."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0002_kline_table")]
    operations = [
        migrations.CreateModel("ServiceLease", [
            ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
            ("epoch", models.BigIntegerField(default=0)),
            ("holder", models.CharField(blank=True, max_length=96)),
            ("pid", models.IntegerField(null=True)),
            ("pid_started_ticks", models.BigIntegerField(null=True)),
            ("expires_at", models.DateTimeField(null=True)),
        ]),
        migrations.CreateModel("BeatSlot", [
            ("id", models.BigAutoField(primary_key=True, serialize=False, auto_created=True, verbose_name="ID")),
            ("name", models.CharField(max_length=96)),
            ("slot", models.DateTimeField()),
        ], options={"constraints": [models.UniqueConstraint(fields=("name", "slot"), name="beat_slot_once")]}),
    ]  # fmt: skip
