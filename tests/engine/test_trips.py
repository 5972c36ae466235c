"""What the core halts by itself is a row in the same transaction, stops over restarts, and goes on when a person resumes."""

from __future__ import annotations

from typing import Any

import pytest

from orders import services
from orders.models import Audit, ExecutionReport, Halt, RiskLimit
from tests.moved_clock import Hands


def limit(engine: Any, **values: int) -> None:
    for code, value in values.items():
        RiskLimit.objects.create(account=engine.cast.account, code=code, value=value)


def trade(engine: Any, side: str = "buy", **more: Any) -> dict[str, Any]:
    status, body, _ = engine.ask(engine.place(side, "0.01", **more))
    assert status == 201, body
    return body


def test_a_strategy_that_trades_too_often_gets_a_halt_row_until_a_person_resumes(engine: Any) -> None:
    limit(engine, executions_max=2, executions_window_s=60)
    while not Halt.objects.exists():
        trade(engine, strategy_id="grid")
    row = Halt.objects.get()
    assert (row.scope, row.key, row.owner, row.state) == ("strategy", "grid", engine.cast.trader, "halted")
    assert (row.code, row.limit, row.until) == ("REPEATED_EXECUTION", 2, None) and row.value >= 2
    status, body, _ = engine.ask(engine.place("buy", "0.01", strategy_id="grid"))
    assert (status, body["code"], body["limit"]) == (422, "REPEATED_EXECUTION", "2")
    assert Audit.objects.filter(action="halt.halted", target="strategy:grid").exists()
    heard = ExecutionReport.objects.filter(account=engine.cast.account, kind="risk").latest("account_seq")
    assert heard.payload["halts"][0]["key"] == "grid"
    engine.restart()
    assert engine.ask(engine.place("buy", "0.01", strategy_id="grid"))[1]["code"] == "REPEATED_EXECUTION"
    RiskLimit.objects.filter(code="executions_max").update(value=64)  # one order alone may make two
    services.set_halt("strategy", "grid", "active", by="a test", owner=engine.cast.trader)
    trade(engine, strategy_id="grid")
    row.refresh_from_db()
    assert (row.state, row.code) == ("active", "")


def test_a_pause_after_a_losing_close_ends_by_itself(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(engine, cooldown_s=300)
    while not Halt.objects.exists():
        trade(engine)
        trade(engine, "sell")
    row = Halt.objects.get()
    assert (row.scope, row.key, row.state, row.code) == ("position", "trader|sim:BTC/USDT", "reducing", "COOLDOWN")
    assert engine.ask(engine.place("buy", "0.01"))[1]["code"] == "COOLDOWN"
    assert engine.ask(engine.place("buy", "0.01", account=engine.cast.others))[0] == 201
    Hands(monkeypatch).ahead = 301 * 10**9
    trade(engine)
    row.refresh_from_db()
    assert (row.state, row.until) == ("active", None)


def test_a_replay_trips_where_the_engine_did(engine: Any) -> None:
    limit(engine, executions_max=2, executions_window_s=60, cooldown_s=5)
    while not Halt.objects.filter(scope="strategy").exists():
        trade(engine, strategy_id="grid")
    before = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before
    engine.core.verify()


def test_a_halt_row_of_another_place_is_obeyed_with_its_reason(engine: Any) -> None:
    Halt.objects.create(scope="exchange", key="sim", state="reducing", code="EXCHANGE_DEGRADED", limit=5, value=6)
    assert engine.ask(engine.place("buy", "0.01"))[1]["code"] == "EXCHANGE_DEGRADED"
