"""Strategies as they are configured and as they ran: the rows a run is continued from after any crash."""

from __future__ import annotations

import uuid

from django.core.validators import RegexValidator
from django.db import models

from marketdata import intervals
from strategies.library import STRATEGIES

MONEY = {"max_digits": 38, "decimal_places": 18}
INTERVALS = [(name, name) for name in intervals.INTERVALS]


def new_run_key() -> str:
    """A run's key, the first half of its orders' request_ids: twelve hex digits."""
    return uuid.uuid4().hex[:12]


class StrategyConfig(models.Model):
    """A strategy someone set up, and whether it is wanted running. Its slug is the `strategy_id` of its orders, for
    ever."""

    class Wanted(models.TextChoices):
        RUNNING = "running"
        STOPPED = "stopped"

    owner = models.ForeignKey("orders.Owner", models.PROTECT, related_name="+")
    slug = models.CharField(
        max_length=48,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", "Use small letters, digits and hyphens.")],
        help_text="Its orders and its position carry this as strategy_id; it cannot be changed later.",
    )
    title = models.CharField(max_length=96, blank=True)
    strategy = models.CharField(
        max_length=24, choices=[(word, kind.title) for word, kind in STRATEGIES.items()], default=next(iter(STRATEGIES))
    )
    account = models.ForeignKey("orders.Account", models.PROTECT, related_name="+")
    instrument = models.ForeignKey("marketdata.Instrument", models.PROTECT, related_name="+")
    interval = models.CharField(max_length=4, choices=INTERVALS, default=intervals.BASE)
    parameters = models.JSONField(default=dict, blank=True, help_text="A run keeps those it began with.")
    wanted = models.CharField(max_length=8, choices=Wanted.choices, default=Wanted.STOPPED, editable=False)
    start_number = models.PositiveIntegerField(
        default=0, editable=False, help_text="How often it was started; a run of an earlier start is ended."
    )
    note = models.CharField(max_length=300, blank=True, editable=False, help_text="Why it could not be started.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("id",)
        verbose_name = "strategy"
        verbose_name_plural = "strategies"

    def __str__(self) -> str:
        return self.title or self.slug


class Run(models.Model):
    """One start to stop of a strategy. `saved` and the two cursors change in the same transaction, so an event counts
    once."""

    class State(models.TextChoices):
        RUNNING = "running"
        STOPPING = "stopping"
        STOPPED = "stopped"
        FAILED = "failed"

    LIVE = (State.RUNNING, State.STOPPING)

    owner = models.ForeignKey("orders.Owner", models.PROTECT, related_name="+")
    config = models.ForeignKey(StrategyConfig, models.PROTECT, related_name="runs")
    key = models.CharField(max_length=12, unique=True, default=new_run_key)
    start_number = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    ends_as = models.CharField(max_length=8, choices=State.choices, default=State.STOPPED)
    parameters = models.JSONField(default=dict)
    saved = models.JSONField(default=dict, help_text="The strategy's state after the newest event it was told of.")
    position = models.JSONField(default=dict, help_text="What the strategy holds, as of the newest report read.")
    kline_cursor = models.DateTimeField(null=True, help_text="Open time of the newest kline it was told of.")
    report_cursor = models.BigIntegerField(default=0, help_text="account_seq of the newest report read.")
    next_number = models.PositiveIntegerField(default=1, help_text="The next wish's number.")
    events = models.PositiveBigIntegerField(default=0)
    klines_missed = models.PositiveIntegerField(
        default=0, help_text="Stepped over because nobody was there when they closed."
    )
    note = models.TextField(blank=True, help_text="What people should know: why it failed, what it waits for.")
    last_refusal = models.JSONField(null=True, blank=True, help_text="The newest order refused: code, message, time.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=("config",),
                condition=models.Q(state__in=("running", "stopping")),
                name="one_live_run_a_strategy",
            )
        ]

    def __str__(self) -> str:
        return f"{self.config.slug} {self.key}"

    def request_id(self, number: int) -> str:
        """The request_id of the run's n-th wish: the same however often it is sent."""
        return f"{self.key}:{number}"


class Intent(models.Model):
    """The n-th wish of a run: an order or a cancel. Saved with the event that caused it, sent after that commit until
    answered."""

    class Kind(models.TextChoices):
        PLACE = "place"
        CANCEL = "cancel"

    owner = models.ForeignKey("orders.Owner", models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, models.PROTECT, related_name="intents")
    number = models.PositiveIntegerField()
    request_id = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    fields = models.JSONField(default=dict, help_text="As they go to the door.")
    target = models.CharField(max_length=64, blank=True, help_text="request_id of the order to cancel.")
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="The answer's status, as the API gives it.")
    answer = models.JSONField(null=True, help_text="Why it was refused; empty when it was taken.")
    ended = models.BooleanField(default=False, help_text="The strategy knows that nothing more will come of it.")

    class Meta:
        ordering = ("run_id", "number")
        constraints = [models.UniqueConstraint(fields=("run", "number"), name="wish_once_a_run")]
        indexes = [models.Index(fields=("run",), condition=models.Q(ended=False), name="wish_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.request_id}"


class Signal(models.Model):
    """A strategy's opinion at a moment; without effect by itself."""

    owner = models.ForeignKey("orders.Owner", models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, models.PROTECT, related_name="signals")
    at = models.DateTimeField(help_text="When the event happened that caused it.")
    side = models.CharField(max_length=4)
    price = models.DecimalField(**MONEY)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.run.config.slug} {self.side} {self.price:f} {self.note}"
