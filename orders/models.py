"""Money: who owns what, what was asked, what happened. Every row of a person carries its `owner`.

Tables the engine alone writes (journal, request, order, execution report, fill, ledger entry, position, balance,
equity point) are made by hand-written SQL in the first migration, most of them partitioned; Django reads them.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from orders.audit.models import Anchor as Anchor
from orders.audit.models import Audit as Audit
from orders.audit.models import AuditCount as AuditCount
from orders.audit.models import AuditWaiting as AuditWaiting
from orders.audit.models import ChainHead as ChainHead
from orders.flight.models import Flight as Flight
from orders.flight.models import Painted as Painted

MONEY = {"max_digits": 38, "decimal_places": 18}


class Owner(models.Model):
    """A person as the engines know them: the unit of sharding, of limits and of every query."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="owner")
    name = models.CharField(max_length=64, unique=True)
    shard = models.PositiveSmallIntegerField(default=0)
    moving_to = models.PositiveSmallIntegerField(
        null=True, editable=False, help_text="The shard that is to have it; its engine lets go, and that one takes it."
    )
    settled = models.BooleanField(
        default=True,
        db_default=True,
        editable=False,
        help_text="Off between the shard that let go and the one that takes it.",
    )

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name


class LimitProfile(models.Model):
    """A named set of limits that accounts share: `paper`, `live`, `load`."""

    name = models.SlugField(max_length=32, unique=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """Money on one exchange. `kind` decides, once, which adapter its orders get."""

    class Kind(models.TextChoices):
        PAPER = "paper"
        SIMULATED = "simulated"
        SANDBOX = "sandbox"
        LIVE = "live"

    owner = models.ForeignKey(Owner, models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=64, unique=True)
    exchange = models.ForeignKey("marketdata.Exchange", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.PAPER)
    profile = models.ForeignKey(LimitProfile, models.PROTECT, related_name="accounts")
    reporting_asset = models.ForeignKey("marketdata.Asset", models.PROTECT, related_name="+")
    is_default = models.BooleanField(
        default=False, help_text="Takes its owner's orders on this exchange that name none."
    )
    margin = models.PositiveIntegerField(
        default=0,
        help_text="0 = cash. Else a margin account with at most so much leverage, in basis points: 20000 = twice its worth.",
    )
    armed_until = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=16, default="active")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=("owner", "exchange"),
                condition=models.Q(is_default=True),
                name="one_default_account_an_exchange",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def kind_on(cls, exchange: Any, owner: Owner) -> str:
        """The kind of an account without money: the simulator's books are in one shard, elsewhere they are mirrored."""
        at_home = exchange.source == "simulator" and owner.shard == 0
        return cls.Kind.SIMULATED if at_home else cls.Kind.PAPER


class Funding(models.Model):
    """A wish to change a paper account's money; the engine posts it and writes `applied_seq`.

    `reset` cancels the account's orders, closes its books to zero and posts its `opening` rows again.
    """

    class Kind(models.TextChoices):
        OPENING = "opening"
        TRANSFER = "transfer"
        ADJUSTMENT = "adjustment"
        FUNDING = "funding"
        RESET = "reset"

    owner = models.ForeignKey(Owner, models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, related_name="fundings")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.OPENING)
    asset = models.ForeignKey("marketdata.Asset", models.PROTECT, related_name="+", null=True, blank=True)
    amount = models.DecimalField(**MONEY, default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    applied_seq = models.BigIntegerField(null=True, blank=True, editable=False)
    refused = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.asset or ''} to {self.account}"


class RiskLimit(models.Model):
    """One number: of a profile, of one account (it replaces the profile's), or of another scope (it comes on top)."""

    class Scope(models.TextChoices):
        GLOBAL = "global"
        EXCHANGE = "exchange"
        OWNER = "owner"
        STRATEGY = "strategy"
        INSTRUMENT = "instrument"
        KEY = "key"

    profile = models.ForeignKey(LimitProfile, models.CASCADE, null=True, blank=True, related_name="limits")
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="limits")
    scope = models.CharField(max_length=12, choices=Scope.choices, blank=True)
    key = models.CharField(
        max_length=96, blank=True, help_text="Name of the thing limited; empty for global and owner."
    )
    owner = models.ForeignKey(
        Owner, models.CASCADE, null=True, blank=True, related_name="+", help_text="Of scopes owner, strategy and key."
    )
    code = models.CharField(max_length=32, help_text="A name of orders/limits.py, as open_orders_max.")
    value = models.DecimalField(**MONEY)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=("profile", "code"), name="limit_once_a_profile"),
            models.UniqueConstraint(fields=("account", "code"), name="limit_once_an_account"),
            models.UniqueConstraint(
                fields=("scope", "key", "owner", "code"), condition=~models.Q(scope=""), nulls_distinct=False,
                name="limit_once_a_scope",
            ),
            models.CheckConstraint(
                condition=models.Q(profile__isnull=False, account__isnull=True, scope="")
                | models.Q(profile__isnull=True, account__isnull=False, scope="")
                | (models.Q(profile__isnull=True, account__isnull=True) & ~models.Q(scope="")),
                name="limit_has_one_scope",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.profile or self.account or f'{self.scope} {self.key}'} {self.code}={self.value}"


class Halt(models.Model):
    """The state of trading in one scope. Engines read it inside every transaction; no cache can be stale."""

    class State(models.TextChoices):
        ACTIVE = "active"
        REDUCING = "reducing"
        HALTED = "halted"

    class Scope(models.TextChoices):
        GLOBAL = "global"
        EXCHANGE = "exchange"
        OWNER = "owner"
        ACCOUNT = "account"
        STRATEGY = "strategy"
        INSTRUMENT = "instrument"
        KEY = "key"
        POSITION = "position", "an account's position in one instrument"

    owner = models.ForeignKey(
        Owner,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose trading it stops; empty for scopes of the installation.",
    )
    scope = models.CharField(max_length=12, choices=Scope.choices)
    key = models.CharField(max_length=96, blank=True, help_text="Name of the thing halted; empty for global.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.HALTED)
    reason = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=32, blank=True, editable=False, help_text="What tripped, as DAILY_LOSS.")
    limit = models.DecimalField(max_digits=56, decimal_places=18, null=True, editable=False)
    value = models.DecimalField(max_digits=56, decimal_places=18, null=True, editable=False)
    until = models.DateTimeField(
        null=True, blank=True, help_text="When it ends by itself; empty: when a person resumes."
    )
    set_by = models.CharField(max_length=96, blank=True)
    set_at = models.DateTimeField(auto_now=True)
    version = models.BigIntegerField(default=1)

    class Meta:
        ordering = ("-set_at",)
        constraints = [
            models.UniqueConstraint(fields=("scope", "key", "owner"), nulls_distinct=False, name="halt_once_a_scope")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key} {self.state}"


class ApiKey(models.Model):
    """A capability: who it acts for, what it may do, until when. The secret is encrypted and shown once."""

    owner = models.ForeignKey(Owner, models.PROTECT, related_name="keys")
    name = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=64, unique=True)
    secret_box = models.BinaryField(editable=False)
    scopes = models.JSONField(default=list, help_text="Of read, trade, operate, admin.")
    accounts = models.ManyToManyField(Account, blank=True, related_name="+", help_text="Empty = all of the owner's.")
    symbols = models.JSONField(default=list, blank=True, help_text="Empty = all.")
    order_notional_max = models.DecimalField(**MONEY, null=True, blank=True)
    day_notional_max = models.DecimalField(**MONEY, null=True, blank=True)
    rate_per_second = models.PositiveIntegerField(null=True, blank=True)
    paper_only = models.BooleanField(default=True)
    addresses = models.JSONField(default=list, blank=True, help_text="IP addresses it may come from; empty = all.")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name or self.key


class Control(models.Model):
    """One row whose version rises (by triggers) with every change engines must obey: halts, limits, specs, accounts, funding."""

    version = models.BigIntegerField(default=1)


class Lease(models.Model):
    """Who writes a shard, until when, and how far they got. Checked in every transaction of the engine."""

    shard = models.PositiveSmallIntegerField(primary_key=True)
    epoch = models.BigIntegerField(default=0)
    holder = models.CharField(max_length=96, blank=True)
    pid = models.IntegerField(null=True)
    pid_started_ticks = models.BigIntegerField(null=True)
    expires_at = models.DateTimeField(null=True)
    stream_epoch = models.BigIntegerField(default=0, help_text="The epoch whose stream holds what is not decided yet.")
    last_command_id = models.CharField(
        max_length=32, default="0-0", help_text="Newest entry of that stream that is decided."
    )
    ready = models.BooleanField(default=False, help_text="Recovered, its books rebuilt: an order would be taken.")
    head_seq = models.BigIntegerField(db_default=0, help_text="How far the journal went when this was renewed last.")
    head_hash = models.BinaryField(db_default=b"")
    head_mac = models.BinaryField(db_default=b"")


class Checkpoint(models.Model):
    """The core's account half at one journal seq, and what the engine keeps beside it."""

    shard = models.PositiveSmallIntegerField()
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    core_hash = models.CharField(max_length=16)
    state = models.BinaryField()
    extra = models.JSONField(default=dict)

    class Meta:
        ordering = ("-seq",)
        constraints = [models.UniqueConstraint(fields=("shard", "seq"), name="checkpoint_once")]


class DeadCommand(models.Model):
    """A command at which the engine died twice: kept, answered 500, skipped."""

    owner = models.ForeignKey(Owner, models.PROTECT, null=True, related_name="+")
    shard = models.PositiveSmallIntegerField()
    epoch = models.BigIntegerField()
    stream_id = models.CharField(max_length=32)
    deaths = models.PositiveSmallIntegerField(default=1)
    payload = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("shard", "epoch", "stream_id"), name="dead_command_once")]


class UrgentCommand(models.Model):
    """A command that comes past the bus: cancel all when the bus is down, flatten always. The engine decides each once."""

    owner = models.ForeignKey(Owner, models.PROTECT, null=True, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    shard = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=12, help_text="cancel_all, flatten")
    actor = models.CharField(max_length=96, blank=True)
    payload = models.BinaryField()
    at = models.DateTimeField(auto_now_add=True)
    progress = models.JSONField(default=dict, help_text="How far a flatten is; written with each of its steps.")
    decided_seq = models.BigIntegerField(null=True)
    decided_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=("shard", "id"), condition=models.Q(decided_seq=None), name="urgent_undecided")]


class Drill(models.Model):
    """A kill drill on a paper account, and how long it took, in milliseconds since the press."""

    owner = models.ForeignKey(Owner, models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    actor = models.CharField(max_length=96)
    at = models.DateTimeField()
    last_order_ms = models.PositiveIntegerField(null=True, help_text="The last new order that was taken.")
    cancel_issued_ms = models.PositiveIntegerField(null=True, help_text="Cancel all was handed over.")
    canceled_ms = models.PositiveIntegerField(null=True, help_text="No order stood any more.")
    flat_ms = models.PositiveIntegerField(null=True)
    orders = models.PositiveIntegerField(default=0, help_text="Placed by it, before and while it was stopped.")
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)


class Send(models.Model):
    """One transmission to an exchange, claimed before its first byte leaves, made at most once."""

    owner = models.ForeignKey(Owner, models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    order_id = models.UUIDField()
    exchange = models.ForeignKey("marketdata.Exchange", models.PROTECT, related_name="+")
    exchange_client_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=8)
    state = models.CharField(max_length=12, default="committed")
    epoch = models.BigIntegerField()
    committed_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("exchange", "exchange_client_id"), name="client_id_once_an_exchange")
        ]


class EngineTable(models.Model):
    """Base of the tables only the engine writes, made by SQL in the first migration."""

    class Meta:
        abstract = True
        managed = False


class Journal(EngineTable):
    """Everything that changed a core's account half, in order; equal journals give equal hashes."""

    # seq is unique in a shard; Django wants one column as the key of its admin pages
    seq = models.BigIntegerField(primary_key=True)
    shard = models.PositiveSmallIntegerField()
    epoch = models.BigIntegerField()
    at = models.DateTimeField()
    at_ns = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    payload = models.BinaryField()
    hash = models.BinaryField()

    class Meta(EngineTable.Meta):
        verbose_name_plural = "journal entries"
        db_table = "orders_journal"
        ordering = ("-seq",)


class Request(EngineTable):
    """Every request ever decided: (account, request_id) is unique for ever."""

    pk = models.CompositePrimaryKey("account_id", "request_id")
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="+", db_constraint=False)
    owner = models.ForeignKey(Owner, models.DO_NOTHING, related_name="+", db_constraint=False)
    request_id = models.CharField(max_length=64)
    body_hash = models.BinaryField()
    kind = models.CharField(max_length=8)
    order_id = models.UUIDField(null=True)
    decided_seq = models.BigIntegerField()
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta(EngineTable.Meta):
        db_table = "orders_request"


class Order(EngineTable):
    """Our standing request and where it stands. Prices and quantities as decimals of its instrument's steps."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    shard = models.PositiveSmallIntegerField()
    order_no = models.BigIntegerField(help_text="Its number in the shard's core.")
    owner = models.ForeignKey(Owner, models.DO_NOTHING, related_name="+", db_constraint=False)
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="orders", db_constraint=False)
    instrument = models.ForeignKey("marketdata.Instrument", models.DO_NOTHING, related_name="+", db_constraint=False)
    key_id = models.BigIntegerField(null=True)
    request_id = models.CharField(max_length=64)
    order_id = models.CharField(
        max_length=128, blank=True, help_text="What the client calls it; echoed, never trusted."
    )
    user_id = models.CharField(max_length=128, blank=True, help_text="As the client sent it; echoed, never trusted.")
    exchange_order_id = models.CharField(max_length=64, blank=True)
    exchange_client_id = models.CharField(max_length=64, blank=True)
    strategy_id = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=32, blank=True)
    type = models.CharField(max_length=20)
    side = models.CharField(max_length=4)
    status = models.CharField(max_length=20)
    time_in_force = models.CharField(max_length=4)
    price = models.DecimalField(**MONEY, null=True)
    stop_price = models.DecimalField(**MONEY, null=True, help_text="Where it is set off; a trailing stop's moves.")
    trail_amount = models.DecimalField(**MONEY, null=True)
    trail_percent = models.DecimalField(**MONEY, null=True)
    expires_at = models.DateTimeField(null=True)
    take_profit_price = models.DecimalField(**MONEY, null=True, help_text="Of the order that follows its fills.")
    stop_loss_price = models.DecimalField(**MONEY, null=True, help_text="Of the stop that follows its fills.")
    stop_loss_limit_price = models.DecimalField(**MONEY, null=True)
    other_fees = models.JSONField(
        default=dict, help_text="Fees an exchange took in other assets than fee_asset, by asset."
    )
    triggered_at = models.DateTimeField(null=True, help_text="When the last price reached its stop.")
    parent_id = models.UUIDField(null=True, help_text="The order whose take profit or stop loss it is.")
    quantity = models.DecimalField(**MONEY)
    filled_quantity = models.DecimalField(**MONEY)
    cost = models.DecimalField(**MONEY, help_text="Quote paid or received by all fills so far.")
    fee = models.DecimalField(**MONEY)
    fee_asset = models.ForeignKey(
        "marketdata.Asset", models.DO_NOTHING, related_name="+", db_constraint=False, null=True
    )
    post_only = models.BooleanField(default=False)
    reduce_only = models.BooleanField(default=False)
    spec_version = models.PositiveIntegerField()
    reason = models.JSONField(null=True)
    extra = models.JSONField(
        default=dict, help_text="Accepted fields that are only kept and echoed: tags, extended_hours, …"
    )
    seq = models.BigIntegerField(help_text="account_seq of its newest report.")

    class Meta(EngineTable.Meta):
        db_table = "orders_order"
        ordering = ("-created_at", "-order_no")


class ExecutionReport(EngineTable):
    """One change of an account, in the account channel's sequence, with the state after it: the outbox."""

    pk = models.CompositePrimaryKey("account_id", "account_seq")
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="+", db_constraint=False)
    owner = models.ForeignKey(Owner, models.DO_NOTHING, related_name="+", db_constraint=False)
    account_seq = models.BigIntegerField()
    journal_seq = models.BigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, help_text="report, balance, risk, notice")
    exec_type = models.CharField(max_length=1, blank=True)
    order_uuid = models.UUIDField(null=True)
    payload = models.JSONField()

    class Meta(EngineTable.Meta):
        db_table = "orders_executionreport"


class Fill(EngineTable):
    """An execution of one of our orders."""

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    owner = models.ForeignKey(Owner, models.DO_NOTHING, related_name="+", db_constraint=False)
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="fills", db_constraint=False)
    instrument = models.ForeignKey("marketdata.Instrument", models.DO_NOTHING, related_name="+", db_constraint=False)
    order_uuid = models.UUIDField()
    request_id = models.CharField(max_length=64)
    exchange_trade_id = models.CharField(max_length=64)
    strategy_id = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4)
    liquidity = models.CharField(max_length=5)
    price = models.DecimalField(**MONEY)
    quantity = models.DecimalField(**MONEY)
    cost = models.DecimalField(**MONEY)
    fee = models.DecimalField(**MONEY)
    fee_asset = models.ForeignKey("marketdata.Asset", models.DO_NOTHING, related_name="+", db_constraint=False)
    realised = models.DecimalField(**MONEY, help_text="What it realised under the average method, before fees.")
    account_seq = models.BigIntegerField()

    class Meta(EngineTable.Meta):
        db_table = "orders_fill"
        ordering = ("-at", "-account_seq")


class LedgerEntry(EngineTable):
    """One leg of a double entry; legs of one `journal_seq` sum to zero per asset."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    owner = models.ForeignKey(Owner, models.DO_NOTHING, related_name="+", db_constraint=False)
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="+", db_constraint=False)
    book = models.CharField(
        max_length=16, help_text="account, exchange, fees, opening, rounding: whose side this leg is."
    )
    asset = models.ForeignKey("marketdata.Asset", models.DO_NOTHING, related_name="+", db_constraint=False)
    kind = models.CharField(max_length=12, help_text="trade, fee, funding, transfer, opening, adjustment")
    amount = models.DecimalField(**MONEY)
    journal_seq = models.BigIntegerField()
    fill_id = models.UUIDField(null=True)

    class Meta(EngineTable.Meta):
        verbose_name_plural = "ledger entries"
        db_table = "orders_ledgerentry"
        ordering = ("-id",)


class Position(EngineTable):
    """What trading an instrument left, per (account, instrument, strategy)."""

    pk = models.CompositePrimaryKey("account_id", "instrument_id", "strategy_id")
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="positions", db_constraint=False)
    owner = models.ForeignKey(Owner, models.DO_NOTHING, related_name="+", db_constraint=False)
    instrument = models.ForeignKey("marketdata.Instrument", models.DO_NOTHING, related_name="+", db_constraint=False)
    strategy_id = models.CharField(max_length=64, blank=True)
    quantity = models.DecimalField(**MONEY)
    cost = models.DecimalField(**MONEY, help_text="Quote the open quantity cost; average price = cost / quantity.")
    realised = models.DecimalField(**MONEY)
    fees = models.DecimalField(**MONEY)
    as_of_seq = models.BigIntegerField()
    updated_at = models.DateTimeField()

    class Meta(EngineTable.Meta):
        db_table = "orders_position"


class Balance(EngineTable):
    """What an account holds of an asset; `used` is held by open orders."""

    pk = models.CompositePrimaryKey("account_id", "asset_id")
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="balances", db_constraint=False)
    owner = models.ForeignKey(Owner, models.DO_NOTHING, related_name="+", db_constraint=False)
    asset = models.ForeignKey("marketdata.Asset", models.DO_NOTHING, related_name="+", db_constraint=False)
    total = models.DecimalField(**MONEY)
    used = models.DecimalField(**MONEY)
    as_of_seq = models.BigIntegerField()

    class Meta(EngineTable.Meta):
        db_table = "orders_balance"


class EquityPoint(EngineTable):
    """An account's worth in its reporting asset, once a minute; missing where it could not be known."""

    pk = models.CompositePrimaryKey("account_id", "at")
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="equity_points", db_constraint=False)
    owner = models.ForeignKey(Owner, models.DO_NOTHING, related_name="+", db_constraint=False)
    at = models.DateTimeField()
    equity = models.DecimalField(**MONEY)
    cash_flow = models.DecimalField(
        **MONEY, help_text="Deposits less withdrawals since the point before, in the reporting asset."
    )

    class Meta(EngineTable.Meta):
        db_table = "orders_equitypoint"
