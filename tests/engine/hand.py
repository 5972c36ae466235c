"""The engine by hand: no thread, no clock of its own; each call is one transaction of the real service."""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from django.contrib.auth import get_user_model

from marketdata import bus, channels, clock, partitions
from marketdata.bus import Entry
from marketdata.domain import Kline
from marketdata.models import Asset, Exchange, Instrument
from marketdata.services import store_klines
from orders import catalog, messages, seeding
from orders.engine import lease as leases
from orders.engine.service import EngineService, database
from orders.ids import body_hash
from orders.models import Account, Owner
from tests.emptying import empty_tables


def clean() -> None:
    """Every row of every table away, and everything on the bus."""
    empty_tables()
    bus.default()._redis.flushall()


@dataclass(frozen=True)
class Cast:
    """Who and what every engine test may count on: tick 0.01, lot 0.00001, a market near 64,000."""

    btc: Instrument
    shib: Instrument
    trader: Owner
    other: Owner
    account: Account
    others: Account


def seed() -> Cast:
    """The cast, in the database."""
    catalog.default().forget()  # control versions begin again, so what was read for another test would pass for fresh
    partitions.ensure_ahead(clock.now().date())
    seeding.seed_profiles()
    exchange = Exchange.objects.create(name="sim", source="simulator", maker_fee_ppm=200, taker_fee_ppm=500)
    assets = {code: Asset.objects.create(code=code) for code in ("USDT", "BTC", "SHIB")}
    quiet = {"events_per_second": 0.001}
    btc = Instrument.objects.create(
        exchange=exchange, symbol="BTC/USDT", base=assets["BTC"], quote=assets["USDT"], settle=assets["USDT"],
        tick_size=Decimal("0.01"), lot_size=Decimal("0.00001"), notional_min=Decimal(5),
        simulation={"start_price": "64000", **quiet},
    )  # fmt: skip
    shib = Instrument.objects.create(
        exchange=exchange, symbol="SHIB/USDT", base=assets["SHIB"], quote=assets["USDT"], settle=assets["USDT"],
        tick_size=Decimal("0.00000001"), lot_size=Decimal(1), notional_min=Decimal(1),
        simulation={"start_price": "0.000025", **quiet},
    )  # fmt: skip
    for instrument, price in ((btc, "64000"), (shib, "0.000025")):  # a past, so that none is made up
        value = Decimal(price)
        bar = Kline(clock.now_ms() // 60_000 * 60_000 - 60_000, value, value, value, value, Decimal(1))
        store_klines(instrument.pk, "1m", [bar])
    people = []
    for name in ("trader", "other"):
        get_user_model().objects.create_user(name, password="a long password for tests")
        owner = seeding.owner_for(name)
        account, _ = seeding.seed_account(
            owner, {"name": name, "exchange": "sim", "default": True, "opening": {"USDT": "100000", "BTC": "2"}}
        )
        people.append((owner, account))
    (trader, account), (other, others) = people
    return Cast(btc, shib, trader, other, account, others)


class Engine:
    """One engine and its connection. `ask` decides one command; `turn` lets the market move once."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self._ids = itertools.count(1)
        self.raw = b""  # the newest answer as it travels
        self.start()

    def start(self) -> None:
        """Take the shard and recover, as a fresh process would."""
        self.make()
        self.connection = self.connect()
        lease = leases.take(self.connection, 0)
        assert lease is not None
        self.service.lease = lease
        self.service._recover(self.connection)
        leases.set_ready(self.connection, lease, ready=True)
        self.service._transact(self.connection, [], None)

    def make(self) -> None:
        """A service that knows nothing yet."""
        self.service = EngineService(0)

    def connect(self) -> psycopg.Connection[Any]:
        """The engine's own connection."""
        return psycopg.connect(database(), autocommit=True)

    def crash(self) -> None:
        """Everything in memory is gone; nothing is said to anybody."""
        self.connection.close()

    def restart(self) -> None:
        """A crash and a new owner."""
        self.crash()
        self.start()

    def close(self) -> None:
        """Let the connection go."""
        self.connection.close()

    @property
    def core(self) -> Any:
        """The core itself."""
        return self.service.core

    def ask(self, command: messages.Command, age_ms: int = 0) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Decide one command in a transaction of its own: (status, body, headers)."""
        return self.ask_all([command], age_ms)[0]

    def ask_all(
        self, commands: list[messages.Command], age_ms: int = 0
    ) -> list[tuple[int, dict[str, Any], dict[str, str]]]:
        """Decide several in one batch."""
        said: dict[int, tuple[int, dict[str, Any], dict[str, str]]] = {}

        def hear(batch: Any) -> None:
            for replies in batch.replies.values():
                for reply_id, status, headers, body in replies:
                    self.raw = body
                    said[reply_id] = (status, json.loads(body), headers)

        entries, order = [], []
        for command in commands:
            number = next(self._ids)
            order.append(number)
            sent = messages.encode(addressed(command, number))
            at_ms = (self.service.server_clock.now_ms() or clock.now_ms()) - age_ms  # as the bus server stamps it
            entries.append(Entry(f"{at_ms}-{number}".encode(), sent))
        self.service._say = hear  # type: ignore[method-assign]
        self.service._transact(self.connection, entries, None)
        return [said[number] for number in order]

    def ask_together(
        self, commands: list[messages.Command], age_ms: int = 0
    ) -> list[tuple[int, dict[str, Any], dict[str, str]]]:
        """Decide several that came as one entry of the stream."""
        first = next(self._ids)
        self._ids = itertools.count(first + len(commands))
        payload = messages.encode_many([messages.encode(one) for one in commands], channels.replies("hand"), first)
        said: dict[int, tuple[int, dict[str, Any], dict[str, str]]] = {}

        def hear(batch: Any) -> None:
            for reply_id, status, headers, body in batch.replies[channels.replies("hand")]:
                said[reply_id] = (status, json.loads(body), headers)

        self.service._say = hear  # type: ignore[method-assign]
        self.service._transact(self.connection, [Entry(f"{clock.now_ms() - age_ms}-{first}".encode(), payload)], None)
        return [said[first + place] for place in range(len(commands))]

    def turn(self) -> None:
        """One round of the loop, whatever is on the stream."""
        self.service.__dict__.pop("_say", None)
        self.service.last_txn_ns = 0
        self.service._turn(self.connection)

    def run(self) -> None:
        """From here on the engine reads its stream by itself, in a thread."""
        self.service.__dict__.pop("_say", None)
        self.failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self.service.stopping.is_set():
                self.service._turn(self.connection)
        except BaseException as error:  # told by `end`, in the test's own thread
            self.failed.append(error)

    def end(self) -> None:
        """Stop reading; raises what went wrong meanwhile."""
        self.service.stopping.set()
        self._thread.join(5)
        if self.failed:
            raise self.failed[0]

    def place(self, side: str = "buy", quantity: str = "0.01", price: str | None = None, **more: Any) -> messages.Place:
        """A Place for the trader's account."""
        spec = more.pop("instrument", self.cast.btc)
        account = more.pop("account", self.cast.account)
        request_id = more.pop("request_id", f"r{next(self._ids)}")
        kind = more.pop("type", "market" if price is None else "limit")
        ticks = 0 if price is None else int(Decimal(price) / spec.tick_size)
        tif = "ioc" if kind == "market" else "gtc"
        lots = int(Decimal(quantity) / spec.lot_size)
        return messages.Place(
            owner_id=account.owner_id, account_id=account.pk, instrument_id=spec.pk,
            spec_version=more.pop("spec_version", spec.spec_version),
            request_id=request_id, body_hash=body_hash(side, quantity, price), type=kind, side=side,
            time_in_force=more.pop("time_in_force", tif), price_ticks=ticks, quantity_lots=lots, **more,
        )  # fmt: skip

    def touch(self) -> tuple[int, int]:
        """(best bid, best ask) of BTC/USDT, in ticks."""
        bid, _, ask, _ = self.core.best(self.cast.btc.pk)
        return bid, ask

    def print_at(self, side: str) -> None:
        """Somebody else trades a little, so that the last price is at the touch."""
        status, body, _ = self.ask(self.place(side, "0.001", account=self.cast.others))
        assert status == 201, body

    def cancel(self, order_id: str, **more: Any) -> messages.Cancel:
        """A Cancel of the trader's."""
        account = more.pop("account", self.cast.account)
        return messages.Cancel(
            owner_id=account.owner_id, account_ids=[account.pk], request_id=more.pop("request_id", f"c{next(self._ids)}"),
            body_hash=body_hash("cancel", order_id), id=order_id,
        )  # fmt: skip


def addressed(command: messages.Command, number: int) -> messages.Command:
    """The same, with the way back on it."""
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return type(command)(**{**fields, "reply_to": channels.replies("hand"), "reply_id": number})
