"""The flight recorder: stamps of orders, packed, and what browsers told."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0008_stream_epoch")]
    operations = [
        migrations.CreateModel("Flight", [
            ("pk", models.CompositePrimaryKey("shard", "last_seq", blank=True, editable=False, primary_key=True, serialize=False)),
            ("shard", models.PositiveSmallIntegerField()),
            ("last_seq", models.BigIntegerField()),
            ("first_seq", models.BigIntegerField()),
            ("at", models.DateTimeField(db_index=True)),
            ("packed", models.BinaryField()),
        ]),
        migrations.CreateModel("Painted", [
            ("order_id", models.UUIDField(primary_key=True, serialize=False)),
            ("owner", models.ForeignKey(
                "orders.Owner", django.db.models.deletion.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
            )),
            ("instrument_id", models.BigIntegerField()),
            ("at", models.DateTimeField(db_index=True)),
            ("sent_ns", models.BigIntegerField()),
            ("received_ns", models.BigIntegerField()),
            ("painted_ns", models.BigIntegerField()),
        ]),
    ]  # fmt: skip
