"""An owner on the way from one shard to another."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0009_flights")]
    operations = [
        migrations.AddField("owner", "moving_to", models.PositiveSmallIntegerField(
            null=True, editable=False, help_text="The shard that is to have it; its engine lets go, and that one takes it.",
        )),
        migrations.AddField("owner", "settled", models.BooleanField(
            default=True, editable=False, db_default=True,
            help_text="Off between the shard that let go and the one that takes it.",
        )),
    ]  # fmt: skip
