"""The market's cast: a simulator with BTC/USDT, a replay exchange, and small files of the shapes people bring."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings

from marketdata.bus import Bus

START_MS = 1_677_628_800_000  # 2023-03-01T00:00:00Z
MINUTE_MS = 60_000


@pytest.fixture
def make_instrument(db: None) -> Callable[..., Any]:
    """An instrument on an exchange of the source named. (pytest reads this file before Django knows its models.)"""
    assets, exchanges, instruments = (
        apps.get_model("marketdata", name).objects for name in ("Asset", "Exchange", "Instrument")
    )

    def make(exchange: str = "sim", symbol: str = "BTC/USDT", source: str = "simulator", **fields: Any) -> Any:
        base, quote = (assets.get_or_create(code=code)[0] for code in symbol.split("/"))
        market, _ = exchanges.get_or_create(name=exchange, defaults={"source": source})
        steps = {"tick_size": Decimal("0.01"), "lot_size": Decimal("0.00001")}
        return instruments.create(
            exchange=market, symbol=symbol, base=base, quote=quote, settle=quote, **{**steps, **fields}
        )

    return make


@pytest.fixture
def btc(make_instrument: Callable[..., Any]) -> Any:
    """BTC/USDT on the simulator: tick 0.01, lot 0.00001."""
    return make_instrument(kline_symbol="btcusdt", order_symbol="BTCUSDT")


@pytest.fixture
def bus() -> Any:
    """A bus with nothing on its market streams."""
    own = Bus(settings.REDIS_URL)
    for name in ("sim", "hist", "tokocrypto"):
        own.delete_stream(f"market.{name}")
    yield own
    own.close()


def wait_for(condition: Callable[[], Any], timeout_s: float = 5.0) -> Any:
    """The condition's value as soon as it is true; fails the test when it never is."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
    return value


def csv_rows(count: int, first: int = 0) -> list[str]:
    """Rows open_time(ms),open,high,low,close,volume of minutes from 2023-03-01."""
    return [
        f"{START_MS + n * MINUTE_MS},{100 + n % 7}.5,{110 + n % 7}.25,{90 + n % 7}.75,{101 + n % 7},1.5"
        for n in range(first, first + count)
    ]


def write_csv(path: Path, rows: list[str]) -> Path:
    """The rows as a plain file."""
    path.write_text("\n".join(rows) + "\n")
    return path
