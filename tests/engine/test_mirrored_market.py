"""A recorded book played again is a market one can trade on: paper orders fill in it, and what cannot be believed refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from marketdata.models import Exchange, Instrument
from marketdata.store import history
from orders import caller, seeding, services
from orders.models import Account, Fill, Journal, Order
from tests.marketdata.conftest import wait_for
from tests.marketdata.raw_session import write_session

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def paper(engine: Any) -> Iterator[Account]:
    """A paper account on an exchange of source replay whose engine runs."""
    btc = engine.cast.btc
    hist = Exchange.objects.create(name="hist", source="replay", maker_fee_ppm=200, taker_fee_ppm=500)
    Instrument.objects.create(
        exchange=hist, symbol="BTC/USDT", base=btc.base, quote=btc.quote, settle=btc.settle,
        tick_size=Decimal("0.01"), lot_size=Decimal("0.00001"),
    )  # fmt: skip
    account, _ = seeding.seed_account(
        engine.cast.trader, {"name": "hist", "exchange": "hist", "default": True, "opening": {"USDT": "1000000"}}
    )
    engine.run()
    caller.default.cache_clear()
    yield account
    engine.end()
    caller.default.cache_clear()
    connection.close()


def _playing(path: Path, speed: float) -> threading.Thread:
    def play() -> None:
        call_command("replay", str(path), exchange="hist", symbol="BTC/USDT", speed=speed, stdout=StringIO())
        connection.close()

    thread = threading.Thread(target=play)
    thread.start()
    return thread


def _mirrored() -> int:
    return sum(b"set_mirror" in bytes(row.payload) for row in Journal.objects.filter(kind="told"))


def _place(account: Account, **fields: str) -> tuple[int, dict[str, Any]]:
    reply = services.place(
        account.owner, {"account": "hist", "symbol": "BTC/USDT", "side": "buy", "quantity": "0.01", **fields}
    )
    return reply.status, json.loads(reply.body)


def test_paper_orders_trade_in_a_recorded_book(paper: Account, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)  # the command runs beside the test, in its process
    write_session(tmp_path / "raw.gz", seed=4, moments=600)
    playing = _playing(tmp_path / "raw.gz", speed=8)
    wait_for(_mirrored, timeout_s=20)
    status, order = wait_for(lambda: (answer := _place(paper, type="market"))[0] == 201 and answer, timeout_s=20)
    near = [_place(paper, type="limit", price=str(Decimal(60_000) - Decimal(n) / 50))[1] for n in range(5)]
    playing.join()

    assert order["status"] == "filled" and order["is_paper_trading"]
    assert abs(Decimal(order["average_price"]) - 60_000) < 5
    ends = {Order.objects.get(pk=one["id"]).status for one in near}
    assert "filled" in ends
    made = Fill.objects.filter(order_uuid__in=[one["id"] for one in near], liquidity="maker")
    assert made.exists()
    assert len(history(paper.exchange.instruments.get().pk, "1m")) >= 1

    wait_for(lambda: _place(paper, type="market")[0] == 422, timeout_s=10)
    status, refusal = _place(paper, type="limit", price="60000")
    assert (status, refusal["code"]) == (422, "DATA_STALE")
    assert _mirrored() == 1


def test_bars_played_after_a_book_bring_the_simulators_depth_back(
    paper: Account, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    write_session(tmp_path / "raw.gz", seed=5, moments=120)
    _playing(tmp_path / "raw.gz", speed=5).join()
    assert wait_for(_mirrored) == 1
    rows = [f"{1_723_161_600_000 + n * 60_000},61000,61010,60990,61000,3" for n in range(4)]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    call_command("replay", str(tmp_path / "a.csv"), exchange="hist", symbol="BTC/USDT", speed=300, stdout=StringIO())
    assert wait_for(lambda: _mirrored() == 2)
    status, order = _place(paper, type="market")
    assert status == 201 and abs(Decimal(order["average_price"]) - 61_000) < 100
