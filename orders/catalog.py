"""Names -> rows, for the doors: instruments by any of their symbols, accounts by name. Remembered for a second.

What is remembered may be a second old: the engine decides with what is true in its transaction, and an order made under an
older `spec_version` is refused there.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from django.db import IntegrityError, transaction

from marketdata import clock
from marketdata.models import Asset, Exchange, Instrument
from orders.identity import Identity
from orders.models import Account, Control, Funding, LimitProfile, Owner

FRESH_NS = 1_000_000_000
PAPER_OPENING = (("USDT", 100_000), ("IDR", 1_500_000_000), ("BTC", 2))


@dataclass(frozen=True, slots=True)
class KnownInstrument:
    """What a door needs of an instrument."""

    id: int
    exchange: str
    exchange_id: int
    source: str
    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    spec_version: int


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What a door needs of an account."""

    id: int
    name: str
    owner_id: int
    exchange: str
    kind: str
    is_default: bool


class NotInMemory(Exception):
    """Asked within an event loop, and only PostgreSQL knows: ask again in a thread."""


class Catalog:
    """All instruments and accounts, by name. Thread-safe: the picture is replaced, never changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at_ns = -FRESH_NS
        self._instruments: dict[tuple[str, str], KnownInstrument] = {}
        self._exchanges_of: dict[str, list[str]] = {}
        self._accounts: dict[str, KnownAccount] = {}
        self._version: int | None = None  # the control version it was read at
        self._generation = 0

    def generation(self) -> int:
        """A number that is another one as soon as anything else is."""
        self._refresh()
        return self._generation

    def instrument(self, exchange: str, symbol: str) -> KnownInstrument | None:
        """By exchange and symbol or alias; without an exchange when only one knows the symbol."""
        self._refresh()
        if not exchange:
            where = self._exchanges_of.get(symbol.lower(), [])
            exchange = where[0] if len(where) == 1 else ""
        return self._instruments.get((exchange.lower(), symbol.lower()))

    def account(self, name: str) -> KnownAccount | None:
        """By its name, unique in the installation."""
        self._refresh()
        return self._accounts.get(name)

    def accounts_of(self, owner_id: int) -> list[KnownAccount]:
        """The owner's accounts, oldest first."""
        self._refresh()
        return [account for account in self._accounts.values() if account.owner_id == owner_id]

    def reachable(self, identity: Identity) -> list[int]:
        """The accounts this identity may act on."""
        return [
            account.id
            for account in self.accounts_of(identity.owner_id)
            if identity.may_use_account(account.id) and identity.may_use_kind(account.kind)
        ]

    def default_of(self, owner_id: int, exchange: str) -> KnownAccount | None:
        """Where the owner's orders go that name no account, when there is one already."""
        mine = self.accounts_of(owner_id)
        return next((account for account in mine if account.is_default and account.exchange == exchange), None)

    def default_account(self, owner_id: int, exchange: str) -> KnownAccount:
        """Where the owner's orders go that name no account; made on first use, with paper money."""
        account = self.default_of(owner_id, exchange)
        if account is not None:
            return account
        _refuse_to_wait()
        make_default_account(owner_id, exchange)
        self.forget()
        made = self.default_of(owner_id, exchange)
        assert made is not None
        return made

    def forget(self) -> None:
        """Read anew at the next question."""
        self._version = None
        self._read_at_ns = -FRESH_NS

    def keep_fresh(self) -> None:
        """Look now whether anything changed, so that nobody in an event loop ever has to."""
        with self._lock:
            self._read()

    def _refresh(self) -> None:
        if clock.monotonic_ns() - self._read_at_ns < FRESH_NS:
            return
        _refuse_to_wait()
        with self._lock:
            if clock.monotonic_ns() - self._read_at_ns >= FRESH_NS:
                self._read()

    def _read(self) -> None:
        """All of it when the control version rose: triggers raise it for every change of these tables."""
        asked_ns = clock.monotonic_ns()
        version = Control.objects.values_list("version", flat=True).first()
        if version is None or version != self._version:
            self._read_instruments()
            self._accounts = {
                row.name: KnownAccount(row.pk, row.name, row.owner_id, row.exchange.name, row.kind, row.is_default)
                for row in Account.objects.select_related("exchange").order_by("id")
            }
            self._version = version
            self._generation += 1
        self._read_at_ns = asked_ns

    def _read_instruments(self) -> None:
        found: dict[tuple[str, str], KnownInstrument] = {}
        where: dict[str, list[str]] = {}
        for row in Instrument.objects.select_related("exchange").filter(exchange__enabled=True):
            known = KnownInstrument(
                row.pk, row.exchange.name, row.exchange_id, row.exchange.source, row.symbol, row.tick_size, row.lot_size,
                row.spec_version,
            )  # fmt: skip
            for alias in {row.symbol.lower(), row.kline_symbol.lower(), row.order_symbol.lower()} - {""}:
                found.setdefault((known.exchange.lower(), alias), known)
                exchanges = where.setdefault(alias, [])
                if known.exchange not in exchanges:
                    exchanges.append(known.exchange)
        self._instruments, self._exchanges_of = found, where


def _refuse_to_wait() -> None:
    """No event loop ever waits for PostgreSQL here."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise NotInMemory


def make_default_account(owner_id: int, exchange_name: str) -> Account:
    """A paper account with profile `paper` and the opening money of api.md. Harmless when two ask at once."""
    owner = Owner.objects.select_related("user").get(pk=owner_id)
    exchange = Exchange.objects.get(name=exchange_name)
    kind = Account.kind_on(exchange, owner)
    name = f"{owner.name}-{exchange.name}"
    while Account.objects.filter(name=name).exclude(owner=owner, exchange=exchange, is_default=True).exists():
        name += "-2"
    try:
        with transaction.atomic():
            account = Account.objects.create(
                owner=owner, name=name, exchange=exchange, kind=kind, is_default=True,
                profile=LimitProfile.objects.get(name="paper"), reporting_asset=Asset.objects.get_or_create(code="USDT")[0],
            )  # fmt: skip
            fund_opening(account)
    except IntegrityError:
        account = Account.objects.get(owner=owner, exchange=exchange, is_default=True)
    return account


def fund_opening(account: Account) -> None:
    """The opening paper money of a new account; the engine posts it within its next transaction."""
    for code, amount in PAPER_OPENING:
        asset, _ = Asset.objects.get_or_create(code=code)
        Funding.objects.create(
            owner=account.owner, account=account, kind=Funding.Kind.OPENING, asset=asset, amount=amount
        )


@cache
def default() -> Catalog:
    """This process's catalog."""
    return Catalog()
