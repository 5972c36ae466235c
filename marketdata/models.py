"""What the market is: exchanges, assets, instruments, what we listen to, and the closed klines we keep.

Market facts belong to nobody: these tables have no owner (docs/decisions/0002). Everything a person owns lives in `orders`.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import models

MONEY = {"max_digits": 38, "decimal_places": 18}


class Exchange(models.Model):
    """A market instruments trade on. `source` says where its market comes from."""

    class Source(models.TextChoices):
        SIMULATOR = "simulator"
        CCXT = "ccxt"
        REPLAY = "replay"

    name = models.SlugField(max_length=32, unique=True)
    title = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=16, choices=Source.choices, default=Source.CCXT)
    maker_fee_ppm = models.PositiveIntegerField(default=1000, help_text="Fee of a resting order, in parts per million.")
    taker_fee_ppm = models.PositiveIntegerField(default=1000, help_text="Fee of a taking order, in parts per million.")
    enabled = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0, help_text="Order of the lists; smaller first.")

    class Meta:
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.name


class Asset(models.Model):
    """A currency. Amounts are integers of 10^-scale of it."""

    code = models.CharField(max_length=24, unique=True)
    scale = models.PositiveSmallIntegerField(default=18)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.code


class Instrument(models.Model):
    """A thing that can be traded, with the steps of its price and quantity."""

    class Status(models.TextChoices):
        TRADING = "trading"
        HALTED = "halted"
        DELISTED = "delisted"

    class Kind(models.TextChoices):
        SPOT = "spot"
        PERPETUAL = "perpetual"
        FUTURE = "future"

    exchange = models.ForeignKey(Exchange, models.PROTECT, related_name="instruments")
    symbol = models.CharField(max_length=48, help_text="ccxt's unified symbol, as BTC/USDT.")
    kline_symbol = models.CharField(max_length=48, blank=True, help_text="What the exchange's kline stream calls it.")
    order_symbol = models.CharField(max_length=48, blank=True, help_text="What the exchange's order entry calls it.")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.SPOT)
    base = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    quote = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    settle = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    contract_size = models.DecimalField(**MONEY, default=Decimal(1))
    inverse = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    tick_size = models.DecimalField(**MONEY)
    lot_size = models.DecimalField(**MONEY)
    quantity_min = models.DecimalField(**MONEY, default=Decimal(0))
    quantity_max = models.DecimalField(**MONEY, default=Decimal(0), help_text="0 = no upper bound.")
    notional_min = models.DecimalField(**MONEY, default=Decimal(0))
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.TRADING)
    spec_version = models.PositiveIntegerField(default=1)
    stale_after_ms = models.PositiveIntegerField(default=2000, help_text="A source silent for longer is stale.")
    simulation = models.JSONField(default=dict, blank=True, help_text="How the simulator trades it; empty elsewhere.")
    position = models.PositiveIntegerField(default=0, help_text="Order of the lists; smaller first.")

    class Meta:
        ordering = ("exchange__position", "position", "id")
        constraints = [models.UniqueConstraint(fields=("exchange", "symbol"), name="instrument_once_per_exchange")]

    def __str__(self) -> str:
        return f"{self.exchange}:{self.symbol}"


class Subscription(models.Model):
    """Something the feed listens to. Rows are the whole configuration of the feed: it follows them within seconds."""

    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="subscriptions")
    interval = models.CharField(max_length=4, default="1m")
    channels = models.JSONField(default=list, help_text="Of klines, trades, book, ticker.")
    enabled = models.BooleanField(default=True)
    state = models.CharField(max_length=16, default="starting", editable=False)
    last_event_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=("instrument", "interval"), name="subscription_once")]

    def __str__(self) -> str:
        return f"{self.instrument} {self.interval}"


class Kline(models.Model):
    """One closed bar. The table is partitioned by month of `open_time` (see partitions.py)."""

    pk = models.CompositePrimaryKey("instrument_id", "interval", "open_time")
    instrument = models.ForeignKey(Instrument, models.DO_NOTHING, related_name="+", db_constraint=False)
    interval = models.CharField(max_length=4)
    open_time = models.DateTimeField()
    open = models.DecimalField(**MONEY)
    high = models.DecimalField(**MONEY)
    low = models.DecimalField(**MONEY)
    close = models.DecimalField(**MONEY)
    volume = models.DecimalField(**MONEY)

    class Meta:
        managed = False
        db_table = "marketdata_kline"


class Heartbeat(models.Model):
    """Each process says once a second that it lives and what it is doing."""

    process = models.CharField(max_length=64, primary_key=True)
    service = models.CharField(max_length=32)
    pid = models.IntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ("process",)

    def __str__(self) -> str:
        return self.process


class ServiceLease(models.Model):
    """Who acts as feed, strategy host or beat when two of each run."""

    name = models.CharField(max_length=32, primary_key=True)
    epoch = models.BigIntegerField(default=0)
    holder = models.CharField(max_length=96, blank=True)
    pid = models.IntegerField(null=True)
    pid_started_ticks = models.BigIntegerField(null=True)
    expires_at = models.DateTimeField(null=True)


class BeatSlot(models.Model):
    """One moment at which a scheduled task was due: whoever enters it sends the task, and nobody else ever does."""

    name = models.CharField(max_length=96)
    slot = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("name", "slot"), name="beat_slot_once")]
