"""The people of these tests: Ann and Bob trade on `sim`, each with an account; Otto operates. Nobody's engine runs."""

from __future__ import annotations

import hmac
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.test import Client

from marketdata import clock, partitions
from marketdata.models import Asset, Exchange, Instrument
from orders import auth, catalog, keys, messages
from orders.limits import PROFILES
from orders.models import (
    Account,
    ApiKey,
    Balance,
    EquityPoint,
    Fill,
    LimitProfile,
    Order,
    Owner,
    Position,
    RiskLimit,
)
from orders.throttles import buckets, failed_logins

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


@dataclass
class Person:
    """A user with an owner, an account and a key that may trade."""

    owner: Owner
    account: Account
    key: ApiKey
    secret: str

    @property
    def user(self) -> Any:
        return self.owner.user

    def client(self) -> Client:
        """A browser in which they are logged in."""
        client = Client()
        client.force_login(self.user)
        return client

    def signed(self, method: str, path: str, body: Any = None, **changes: str) -> Any:
        """The answer to a request signed with their key."""
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        timestamp = changes.get("timestamp") or str(clock.now_ms())
        text = timestamp + method + changes.get("signed_path", path) + sha256(raw).hexdigest()
        signature = hmac.new(self.secret.encode(), text.encode(), sha256).hexdigest()
        headers = {
            "X-API-Key": self.key.key,
            "X-API-Timestamp": timestamp,
            "X-API-Signature": changes.get("signature", signature),
        }
        extra = {} if body is None else {"data": raw, "content_type": "application/json"}
        return Client().generic(method, path, headers=headers, **extra)


@dataclass
class Town:
    """Everybody, and the market they trade."""

    exchange: Exchange
    instrument: Instrument
    ann: Person
    bob: Person
    otto: Person


def found_town() -> Town:
    """Makes the cast. Everything remembered of an earlier test is forgotten first."""
    auth.forget()
    catalog.default().forget()
    buckets.clear()
    failed_logins.clear()
    partitions.ensure_months("orders_order", NOON.date(), clock.now().date())
    partitions.ensure_months("orders_fill", NOON.date(), clock.now().date())
    exchange = Exchange.objects.create(name="sim", source=Exchange.Source.SIMULATOR)
    base, quote = (Asset.objects.create(code=code) for code in ("BTC", "USDT"))
    instrument = Instrument.objects.create(
        exchange=exchange,
        symbol="BTC/USDT",
        order_symbol="BTC_USDT",
        base=base,
        quote=quote,
        settle=quote,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
    )
    for name, values in PROFILES.items():
        profile = LimitProfile.objects.create(name=name)
        for code, value in values.items():
            RiskLimit.objects.create(profile=profile, code=code, value=value)
    ann, bob = (make_person(name, exchange) for name in ("ann", "bob"))
    return Town(exchange, instrument, ann, bob, make_person("otto", exchange, is_staff=True, is_superuser=True))


def make_person(name: str, exchange: Exchange, **flags: bool) -> Person:
    user = get_user_model().objects.create(username=name, password=_hashed(), **flags)
    owner = auth.owner_of(user)
    account = Account.objects.create(
        owner=owner,
        name=f"{name}-sim",
        exchange=exchange,
        kind=Account.Kind.SIMULATED,
        profile=LimitProfile.objects.get(name="paper"),
        reporting_asset=Asset.objects.get(code="USDT"),
        is_default=True,
    )
    key, secret = keys.create(owner, scopes=["read", "trade"], name=f"{name}'s")
    return Person(owner, account, key, secret)


@cache
def _hashed() -> str:
    """Hashing is slow on purpose; once is enough."""
    return make_password(PASSWORD)


def place_order(town: Town, who: Person, number: int = 1, **changes: Any) -> Order:
    """An order as the engine would have left it, `number` seconds after noon."""
    at = NOON.replace(second=number % 60, minute=number // 60)
    fields = {
        "created_at": at,
        "updated_at": at,
        "shard": 0,
        "order_no": number,
        "owner": who.owner,
        "account": who.account,
        "instrument": town.instrument,
        "request_id": f"{who.owner.name}-{number}",
        "type": "limit",
        "side": "buy",
        "status": "new",
        "time_in_force": "gtc",
        "price": Decimal("60000.10"),
        "quantity": Decimal("0.5"),
        "filled_quantity": Decimal(0),
        "cost": Decimal(0),
        "fee": Decimal(0),
        "fee_asset": town.instrument.quote,
        "spec_version": 1,
        "seq": number,
    }
    return Order.objects.create(**{**fields, **changes})


def book_fill(town: Town, who: Person, order: Order, number: int = 1, **changes: Any) -> Fill:
    """A fill of an order, `number` seconds after noon."""
    fields = {
        "id": uuid.uuid4(),
        "at": NOON.replace(second=number % 60, minute=number // 60),
        "owner": who.owner,
        "account": who.account,
        "instrument": town.instrument,
        "order_uuid": order.pk,
        "request_id": order.request_id,
        "exchange_trade_id": f"t{number}",
        "side": "buy",
        "liquidity": "taker",
        "price": Decimal("60000"),
        "quantity": Decimal("0.1"),
        "cost": Decimal("6000"),
        "fee": Decimal("6"),
        "fee_asset": town.instrument.quote,
        "realised": Decimal(0),
        "account_seq": number,
    }
    return Fill.objects.create(**{**fields, **changes})


def hold(town: Town, who: Person) -> None:
    """A balance, a position and a point of equity."""
    Balance.objects.create(
        account=who.account,
        owner=who.owner,
        asset=town.instrument.quote,
        total=Decimal("1000.5"),
        used=Decimal("0.5"),
        as_of_seq=1,
    )
    Position.objects.create(
        account=who.account,
        owner=who.owner,
        instrument=town.instrument,
        strategy_id="",
        quantity=Decimal("0.1"),
        cost=Decimal("6000"),
        realised=Decimal(0),
        fees=Decimal("6"),
        as_of_seq=1,
        updated_at=NOON,
    )
    EquityPoint.objects.create(
        account=who.account, owner=who.owner, at=NOON, equity=Decimal("7000.5"), cash_flow=Decimal(0)
    )


@dataclass
class PretendCaller:
    """Stands where the line to the engines is: keeps the commands, answers each as it was told to."""

    reply: messages.Reply = field(default_factory=lambda: messages.Reply(200, {}, b'{"results":[]}'))
    sent: list[Any] = field(default_factory=list)

    def send(self, message: Any, shard: int = 0, timeout_s: float = 2.0) -> messages.Reply:
        self.sent.append(message)
        return self.reply

    def send_many(self, wanted: list[Any], shard: int = 0, timeout_s: float = 2.0) -> list[messages.Reply | None]:
        return [self.send(message, shard) for message in wanted]
