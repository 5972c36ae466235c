"""The kill switch: one form without a script halts the owner's trading; resuming needs a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from orders import services
from tests.engine.conftest import engine, money  # noqa: F401  (fixtures)
from tests.terminal.mirrors import ended_mirror  # noqa: F401  (fixture)


class Answer:
    """What the engine would say to cancel all."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status, self.headers, self.body = status, {}, json.dumps(body).encode()


@pytest.fixture
def trader(engine: Any, monkeypatch: pytest.MonkeyPatch) -> Client:  # noqa: F811
    monkeypatch.setattr(services, "cancel_all", lambda owner: Answer(200, {"results": [{}, {}]}))
    client = Client()
    client.force_login(engine.cast.trader.user)
    return client


def test_one_press_halts_every_door(trader: Client, engine: Any) -> None:  # noqa: F811
    page = trader.post("/halt", {"action": "halt"}, follow=True).content.decode()
    assert "Trading is halted" in page
    assert "2 open orders were canceled." in page
    status, body, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    assert (status, body["code"]) == (422, "TRADING_HALTED")


def test_it_halts_nobody_else(trader: Client, engine: Any) -> None:  # noqa: F811
    trader.post("/halt", {"action": "halt"})
    assert engine.ask(engine.place("buy", "0.01", "50000", account=engine.cast.others))[0] == 201


def test_a_halt_that_could_not_cancel_says_so(trader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "cancel_all", lambda owner: Answer(503, {"message": "No engine."}))
    page = trader.post("/halt", {"action": "halt"}, follow=True).content.decode()
    assert "Trading is stopped" in page
    assert "Open orders may still stand: No engine." in page


def test_resuming_needs_a_reason(trader: Client, engine: Any) -> None:  # noqa: F811
    trader.post("/halt", {"action": "halt"})
    page = trader.post("/halt", {"action": "resume", "reason": "  "}, follow=True).content.decode()
    assert "Trading is halted" in page
    page = trader.post("/halt", {"action": "resume", "reason": "looked at it"}, follow=True).content.decode()
    assert "Stop trading?" in page
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201


def test_an_operators_halt_is_shown_and_not_theirs_to_lift(trader: Client) -> None:
    services.set_halt("global", "", "halted", by="otto", reason="maintenance")
    page = trader.get("/halt").content.decode()
    assert "maintenance" in page
    assert "an operator lifts it" in page
    trader.post("/halt", {"action": "resume", "reason": "please"})
    assert "maintenance" in trader.get("/halt").content.decode()


def test_the_trading_screen_shows_the_halt(trader: Client) -> None:
    assert 'data-halted="no"' in trader.get("/").content.decode()
    trader.post("/halt", {"action": "halt"})
    page = trader.get("/").content.decode()
    assert 'data-halted="yes"' in page
    assert 'href="/halt"' in page
