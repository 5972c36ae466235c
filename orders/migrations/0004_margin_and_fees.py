"""Margin accounts, funding of contracts, and fees that an exchange took in other assets."""

from __future__ import annotations

from django.db import migrations, models

KINDS = [
    ("opening", "Opening"),
    ("transfer", "Transfer"),
    ("adjustment", "Adjustment"),
    ("funding", "Funding"),
    ("reset", "Reset"),
]
MARGIN = "0 = cash. Else a margin account with at most so much leverage, in basis points: 20000 = twice its worth."


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_order_conditions")]
    operations = [
        migrations.AddField("account", "margin", models.PositiveIntegerField(default=0, help_text=MARGIN)),
        migrations.AlterField("funding", "kind", models.CharField(choices=KINDS, default="opening", max_length=12)),
        migrations.RunSQL(
            "ALTER TABLE orders_order ADD COLUMN other_fees jsonb NOT NULL DEFAULT '{}'",
            "ALTER TABLE orders_order DROP COLUMN other_fees",
        ),
    ]
