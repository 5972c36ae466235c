"""Columns for what makes an order conditional, and for the orders that follow another's fills."""

from __future__ import annotations

from django.db import migrations

COLUMNS = {
    "trail_amount": "numeric(38,18)",
    "trail_percent": "numeric(38,18)",
    "expires_at": "timestamptz",
    "take_profit_price": "numeric(38,18)",
    "stop_loss_price": "numeric(38,18)",
    "stop_loss_limit_price": "numeric(38,18)",
    "triggered_at": "timestamptz",
    "parent_id": "uuid",
}
ADD = "ALTER TABLE orders_order " + ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in COLUMNS.items())
DROP = "ALTER TABLE orders_order " + ", ".join(f"DROP COLUMN {name}" for name in COLUMNS)


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_engine_tables")]
    operations = [migrations.RunSQL(ADD, DROP)]
