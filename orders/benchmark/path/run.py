"""One run of one mode against the installation of DATA, and the judge: what was answered is in PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.db import connection

from marketdata import channels
from marketdata.models import Instrument
from orders.benchmark.path.bus_mode import BusLoad
from orders.benchmark.path.meter import Meter, Processors
from orders.benchmark.path.orders import Maker
from orders.benchmark.path.rest_mode import RestLoad
from orders.benchmark.path.signing import Key
from orders.benchmark.path.socket_mode import EchoLoad, SocketLoad
from orders.models import Account, ApiKey, Lease, Order

MODES = ("bus", "socket", "rest", "empty", "echo")


class Plan(NamedTuple):
    """What one run does."""

    mode: str
    seconds: float
    batch: int
    window: int
    rate: float
    fills: bool
    lines: int
    url: str = ""  # of the application in empty.py, for empty and echo


def installation() -> dict[str, Any]:
    """What `up` wrote about itself."""
    found: dict[str, Any] = json.loads((Path(settings.DATA) / "installation.json").read_text())
    return found


def demo() -> dict[str, Any]:
    """The load account and its key."""
    found: dict[str, Any] = json.loads((Path(settings.DATA) / "demo.json").read_text())["load"]
    return found


def key() -> Key:
    """The key that signs."""
    return Key(demo()["api_key"], demo()["api_secret"])


def maker(fills: bool) -> Maker:
    """Orders for the load account on the first market, around where it trades now."""
    account = Account.objects.get(name=demo()["account"])
    spec = Instrument.objects.get(exchange__name="sim", symbol="BTC/USDT")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT close FROM marketdata_kline WHERE instrument_id = %s ORDER BY open_time DESC LIMIT 1", [spec.pk]
        )
        (last,) = cursor.fetchone()
    return Maker(account, spec, ApiKey.objects.get(key=demo()["api_key"]).pk, int(last / spec.tick_size), fills)


def measure(plan: Plan) -> dict[str, Any]:
    """One run, with what it cost each process and what PostgreSQL has of it."""
    if plan.mode in ("empty", "echo"):
        return _compared(plan)
    orders, meter = maker(plan.fills), Meter()
    mine = Order.objects.filter(account_id=orders.account_id)
    before, ended = mine.count(), mine.filter(status="canceled").count()
    processors = Processors(installation()["processes"])
    load, url = _load(plan, meter, orders)
    connection.close()
    processors.begin()
    asyncio.run(load.run(url, plan.seconds))
    spent = processors.spent_us()
    commands = max(1, meter.placed + meter.canceled)
    found, gone = mine.count() - before, mine.filter(status="canceled").count() - ended
    return meter.result() | {
        "us_per_command": {name: round(us / commands, 1) for name, us in spent.items()},
        "found": found, "found_canceled": gone, "verified": found == meter.placed and gone >= meter.canceled,
    }  # fmt: skip


def _compared(plan: Plan) -> dict[str, Any]:
    """What a door that does nothing answers in the same time."""
    meter = Meter()

    def count(status: int, body: bytes) -> None:
        if status == 200:
            meter.placed += 1
        else:
            meter.wrong[f"{status} {body[:80]!r}"] += 1

    load: RestLoad | EchoLoad = EchoLoad(meter)
    if plan.mode == "empty":
        load = RestLoad(meter, key(), plan.lines, lambda: ("GET", "/empty", b""), count)
    asyncio.run(load.run(plan.url, plan.seconds))
    return meter.result()


def _load(plan: Plan, meter: Meter, orders: Maker) -> tuple[BusLoad | SocketLoad | RestLoad, str]:
    if plan.mode == "bus":
        stream = channels.commands(0, Lease.objects.get(shard=0).epoch)
        return BusLoad(meter, orders, stream, plan.batch, plan.window, plan.rate), settings.REDIS_URL
    socket = SocketLoad(meter, orders, key(), plan.batch, plan.window, plan.rate, plan.lines)
    if plan.mode == "socket":
        return socket, installation()["url"]

    def request() -> tuple[str, str, bytes]:
        return "POST", "/api/v1/orders", msgspec.json.encode(socket.words(orders.order()))

    def count(status: int, body: bytes) -> None:
        if status == 201 and orders.counts(body):
            meter.placed += 1
        else:
            meter.wrong[f"{status} {body[:80]!r}"] += 1

    return RestLoad(meter, key(), plan.lines, request, count), installation()["url"]
