"""History played again is a market one can trade on: paper orders fill around the recorded price, and where it passes through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from marketdata.models import Exchange, Instrument
from orders import caller, seeding, services
from orders.models import Account, Fill, Order
from tests.marketdata.conftest import START_MS, wait_for

MINUTE_MS = 60_000


def _bars(path: Path, first: int, closes: list[int]) -> Path:
    """Minutes whose price goes straight from one close to the next."""
    rows, before = [], closes[0]
    for number, close in enumerate(closes):
        ends = sorted((before, close))
        rows.append(f"{START_MS + (first + number) * MINUTE_MS},{before},{ends[1]},{ends[0]},{close},3")
        before = close
    path.write_text("\n".join(rows) + "\n")
    return path


def _play(path: Path) -> None:
    call_command("replay", str(path), exchange="hist", symbol="BTC/USDT", speed=600, stdout=StringIO())


@pytest.fixture
def paper(engine: Any) -> Iterator[Account]:
    """A paper account on a replayed exchange whose engine runs."""
    btc = engine.cast.btc
    hist = Exchange.objects.create(name="hist", source="replay", maker_fee_ppm=200, taker_fee_ppm=500)
    Instrument.objects.create(
        exchange=hist, symbol="BTC/USDT", base=btc.base, quote=btc.quote, settle=btc.settle, tick_size=btc.tick_size,
        lot_size=btc.lot_size, notional_min=Decimal(5),
    )  # fmt: skip
    account, _ = seeding.seed_account(
        engine.cast.trader, {"name": "hist", "exchange": "hist", "default": True, "opening": {"USDT": "100000"}}
    )
    engine.run()
    caller.default.cache_clear()
    yield account
    engine.end()
    caller.default.cache_clear()
    connection.close()


def _place(account: Account, **fields: str) -> dict[str, Any]:
    reply = services.place(
        account.owner, {"account": "hist", "symbol": "BTC/USDT", "side": "buy", "quantity": "0.01", **fields}
    )
    assert reply.status == 201, reply.body
    order: dict[str, Any] = json.loads(reply.body)
    return order


@pytest.mark.timeout(60)
def test_paper_orders_trade_on_real_history(paper: Account, tmp_path: Path) -> None:
    _play(_bars(tmp_path / "a.csv", 0, [23_000, 23_100, 23_050]))
    order = _place(paper, type="market")
    assert (order["status"], order["is_paper_trading"], order["exchange"]) == ("filled", True, "hist")
    assert abs(Decimal(order["average_price"]) / 23_050 - 1) < Decimal("0.002")

    resting = _place(paper, type="limit", price="22500")
    assert resting["status"] == "new"
    _play(_bars(tmp_path / "b.csv", 3, [23_000, 22_700]))
    assert Order.objects.get(pk=resting["id"]).status == "new"
    _play(_bars(tmp_path / "c.csv", 5, [22_600, 22_300]))
    wait_for(lambda: Order.objects.get(pk=resting["id"]).status == "filled")
    fills = Fill.objects.filter(order_uuid=resting["id"])
    assert {(fill.price, fill.liquidity) for fill in fills} == {(Decimal(22_500), "maker")}
