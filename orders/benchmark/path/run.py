"""One run of one mode against the installation of DATA, and the judge: what was answered is in PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

from marketdata import channels
from marketdata.models import Instrument
from orders.benchmark.path.bus_mode import BusLoad
from orders.benchmark.path.meter import Meter, Processors
from orders.benchmark.path.orders import Maker
from orders.models import Account, ApiKey, Lease, Order

MODES = ("bus",)


def installation() -> dict[str, Any]:
    """What `up` wrote about itself."""
    found: dict[str, Any] = json.loads((Path(settings.DATA) / "installation.json").read_text())
    return found


def prepared(fills: bool) -> tuple[Maker, str]:
    demo = json.loads((Path(settings.DATA) / "demo.json").read_text())["load"]
    account = Account.objects.get(name=demo["account"])
    spec = Instrument.objects.get(exchange__name="sim", symbol="BTC/USDT")
    lease = Lease.objects.get(shard=0)
    touch = int(64000 / spec.tick_size)
    maker = Maker(
        owner_id=account.owner_id, account_id=account.pk, key_id=ApiKey.objects.get(key=demo["api_key"]).pk,
        instrument_id=spec.pk, spec_version=spec.spec_version, bid=touch, ask=touch, lots=20, fills=fills,
    )  # fmt: skip
    return maker, channels.commands(0, lease.epoch)


class Plan(NamedTuple):
    """What one run does."""

    mode: str
    seconds: float
    batch: int
    window: int
    rate: float
    fills: bool


def measure(plan: Plan) -> dict[str, Any]:
    """One run, with what it cost each process and what PostgreSQL has of it."""
    maker, stream = prepared(plan.fills)
    mine = Order.objects.filter(account_id=maker.account_id)
    before = mine.count()
    processors = Processors(installation()["processes"])
    meter = Meter()
    load = BusLoad(meter, maker, stream, plan.batch, plan.window, plan.rate)
    processors.begin()
    asyncio.run(load.run(settings.REDIS_URL, plan.seconds))
    spent = processors.spent_us()
    commands = max(1, meter.placed + meter.canceled)
    return meter.result() | {
        "us_per_command": {name: round(us / commands, 1) for name, us in spent.items()}, "found": mine.count() - before,
    }  # fmt: skip
