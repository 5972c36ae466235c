"""Which epoch's stream the newest decided command is of: an owner that dies while it drains leaves it to the next.

Leases of services are in marketdata now; nothing of the old rows is worth keeping.
"""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0007_audit_chain")]
    operations = [
        migrations.AddField("lease", "stream_epoch", models.BigIntegerField(
            default=0, help_text="The epoch whose stream holds what is not decided yet.",
        )),
        migrations.RunSQL("UPDATE orders_lease SET stream_epoch = epoch", migrations.RunSQL.noop),
        migrations.AlterField("lease", "last_command_id", models.CharField(
            max_length=32, default="0-0", help_text="Newest entry of that stream that is decided.",
        )),
        migrations.DeleteModel("ServiceLease"),
    ]  # fmt: skip
