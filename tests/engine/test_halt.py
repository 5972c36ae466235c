"""A halt row stops placing from the next transaction on; cancels pass; resuming brings it back, over restarts too."""

from __future__ import annotations

import time
from typing import Any

import pytest

from marketdata.server_clock import ServerClock
from orders import services
from orders.models import ExecutionReport


@pytest.mark.parametrize(
    ("scope", "key", "owned"),
    [
        ("global", "", False),
        ("exchange", "sim", False),
        ("owner", "", True),
        ("account", "trader", True),
        ("instrument", "sim:BTC/USDT", False),
    ],
)
def test_no_order_is_placed_in_a_halted_scope(engine: Any, scope: str, key: str, owned: bool) -> None:
    owner = engine.cast.trader if owned else None
    services.set_halt(scope, key, "halted", by="a test", owner=owner)
    status, body, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    assert (status, body["code"]) == (422, "TRADING_HALTED")
    services.set_halt(scope, key, "active", by="a test", owner=owner)
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201


def test_an_order_sent_after_a_resume_is_taken_however_long_its_batch_waits(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.set_halt("global", "", "halted", by="a test")
    services.set_halt("global", "", "active", by="a test")
    known = ServerClock.age_ms
    monkeypatch.setattr(ServerClock, "age_ms", lambda *words: time.sleep(0.05) or known(*words))
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201


def test_a_halted_owner_can_still_cancel(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    services.set_halt("owner", "", "halted", by="a test", owner=engine.cast.trader)
    assert engine.ask(engine.cancel(order["id"]))[0] == 200


def test_one_owners_halt_is_not_anothers(engine: Any) -> None:
    services.set_halt("owner", "", "halted", by="a test", owner=engine.cast.trader)
    assert engine.ask(engine.place("buy", "0.01", "50000", account=engine.cast.others))[0] == 201


def test_a_strategy_is_halted_by_its_name(engine: Any) -> None:
    services.set_halt("strategy", "grid", "halted", by="a test", owner=engine.cast.trader)
    assert engine.ask(engine.place("buy", "0.01", "50000", strategy_id="grid"))[0] == 422
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201


def test_a_halt_outlives_the_engine_and_so_does_its_end(engine: Any) -> None:
    services.set_halt("owner", "", "halted", by="a test", owner=engine.cast.trader)
    engine.ask(engine.place("buy", "0.01", "50000"))
    engine.restart()
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 422
    engine.crash()
    services.set_halt("owner", "", "active", by="a test", owner=engine.cast.trader)  # nobody lived to see it
    engine.start()
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201


def test_the_account_hears_of_it_in_its_own_sequence(engine: Any) -> None:
    services.set_halt("owner", "", "halted", by="a test", owner=engine.cast.trader, reason="enough")
    engine.ask(engine.place("buy", "0.01", "50000"))
    report = ExecutionReport.objects.filter(account=engine.cast.account, kind="risk").latest("account_seq")
    assert report.payload["halts"][0]["state"] == "halted" and report.payload["halts"][0]["reason"] == "enough"
