"""Strategies, their runs, wishes and signals."""

from __future__ import annotations

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import strategies.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("marketdata", "0002_kline_table"),
        ("orders", "0002_engine_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(default=strategies.models.new_run_key, max_length=12, unique=True)),
                ("start_number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("stopping", "Stopping"),
                            ("stopped", "Stopped"),
                            ("failed", "Failed"),
                        ],
                        default="running",
                        max_length=8,
                    ),
                ),
                (
                    "ends_as",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("stopping", "Stopping"),
                            ("stopped", "Stopped"),
                            ("failed", "Failed"),
                        ],
                        default="stopped",
                        max_length=8,
                    ),
                ),
                ("parameters", models.JSONField(default=dict)),
                (
                    "saved",
                    models.JSONField(
                        default=dict, help_text="The strategy's state after the newest event it was told of."
                    ),
                ),
                (
                    "position",
                    models.JSONField(default=dict, help_text="What the strategy holds, as of the newest report read."),
                ),
                (
                    "kline_cursor",
                    models.DateTimeField(help_text="Open time of the newest kline it was told of.", null=True),
                ),
                (
                    "report_cursor",
                    models.BigIntegerField(default=0, help_text="account_seq of the newest report read."),
                ),
                ("next_number", models.PositiveIntegerField(default=1, help_text="The next wish's number.")),
                ("events", models.PositiveBigIntegerField(default=0)),
                (
                    "klines_missed",
                    models.PositiveIntegerField(
                        default=0, help_text="Stepped over because nobody was there when they closed."
                    ),
                ),
                (
                    "note",
                    models.TextField(
                        blank=True, help_text="What people should know: why it failed, what it waits for."
                    ),
                ),
                (
                    "last_refusal",
                    models.JSONField(blank=True, help_text="The newest order refused: code, message, time.", null=True),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "owner",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="orders.owner"),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(help_text="When the event happened that caused it.")),
                ("side", models.CharField(max_length=4)),
                ("price", models.DecimalField(decimal_places=18, max_digits=38)),
                ("note", models.CharField(blank=True, max_length=200)),
                (
                    "owner",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="orders.owner"),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="signals", to="strategies.run"
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="StrategyConfig",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "slug",
                    models.CharField(
                        help_text="Its orders and its position carry this as strategy_id; it cannot be changed later.",
                        max_length=48,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9-]*$", "Use small letters, digits and hyphens."
                            )
                        ],
                    ),
                ),
                ("title", models.CharField(blank=True, max_length=96)),
                ("strategy", models.CharField(choices=[("grid", "Lazy grid")], default="grid", max_length=24)),
                (
                    "interval",
                    models.CharField(
                        choices=[
                            ("1m", "1m"),
                            ("3m", "3m"),
                            ("5m", "5m"),
                            ("15m", "15m"),
                            ("30m", "30m"),
                            ("1h", "1h"),
                            ("2h", "2h"),
                            ("4h", "4h"),
                            ("6h", "6h"),
                            ("8h", "8h"),
                            ("12h", "12h"),
                            ("1d", "1d"),
                            ("1w", "1w"),
                        ],
                        default="1m",
                        max_length=4,
                    ),
                ),
                (
                    "parameters",
                    models.JSONField(blank=True, default=dict, help_text="A run keeps those it began with."),
                ),
                (
                    "wanted",
                    models.CharField(
                        choices=[("running", "Running"), ("stopped", "Stopped")],
                        default="stopped",
                        editable=False,
                        max_length=8,
                    ),
                ),
                (
                    "start_number",
                    models.PositiveIntegerField(
                        default=0,
                        editable=False,
                        help_text="How often it was started; a run of an earlier start is ended.",
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True, editable=False, help_text="Why it could not be started.", max_length=300
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="orders.account"
                    ),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="marketdata.instrument"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="orders.owner"),
                ),
            ],
            options={
                "verbose_name": "strategy",
                "verbose_name_plural": "strategies",
                "ordering": ("id",),
            },
        ),
        migrations.AddField(
            model_name="run",
            name="config",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="strategies.strategyconfig"
            ),
        ),
        migrations.CreateModel(
            name="Intent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("request_id", models.CharField(max_length=64, unique=True)),
                ("kind", models.CharField(choices=[("place", "Place"), ("cancel", "Cancel")], max_length=8)),
                ("fields", models.JSONField(default=dict, help_text="As they go to the door.")),
                ("target", models.CharField(blank=True, help_text="request_id of the order to cancel.", max_length=64)),
                ("created_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "status",
                    models.PositiveSmallIntegerField(help_text="The answer's status, as the API gives it.", null=True),
                ),
                ("answer", models.JSONField(help_text="Why it was refused; empty when it was taken.", null=True)),
                (
                    "ended",
                    models.BooleanField(
                        default=False, help_text="The strategy knows that nothing more will come of it."
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="orders.owner"),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="intents", to="strategies.run"
                    ),
                ),
            ],
            options={
                "ordering": ("run_id", "number"),
                "indexes": [models.Index(condition=models.Q(("ended", False)), fields=["run"], name="wish_open")],
                "constraints": [models.UniqueConstraint(fields=("run", "number"), name="wish_once_a_run")],
            },
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("running", "stopping"))),
                fields=("config",),
                name="one_live_run_a_strategy",
            ),
        ),
    ]
