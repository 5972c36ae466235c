"""The kill switch: one form without a script halts the owner's trading; resuming needs a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from orders import services
from orders.models import Account, Halt, Position, UrgentCommand
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


def test_stopping_alone_cancels_nothing(trader: Client, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(services, "cancel_all", lambda owner: pytest.fail("nobody asked to cancel"))
    page = trader.post("/halt", {"action": "stop"}, follow=True).content.decode()
    assert "Trading is halted" in page
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 422


def test_canceling_alone_stops_nothing_and_asks_twice_when_it_is_many(trader: Client, engine: Any) -> None:  # noqa: F811
    page = trader.post("/halt", {"action": "cancel"}, follow=True).content.decode()
    assert "2 open orders were canceled." in page and "Stop trading?" in page
    engine.ask_all([engine.place("buy", "0.001", f"{50000 + n}") for n in range(11)])
    page = trader.post("/halt", {"action": "cancel"}).content.decode()
    assert "Cancel 11 orders?" in page and "not protected by them any more" in page
    assert (
        "were canceled" in trader.post("/halt", {"action": "cancel", "confirmed": "yes"}, follow=True).content.decode()
    )


def test_flattening_shows_the_list_first_and_sells_when_confirmed(trader: Client, engine: Any) -> None:  # noqa: F811
    engine.ask_all([engine.place("buy", "0.01"), engine.place("buy", "0.01", "50000")])
    page = trader.post("/halt", {"action": "flatten", "account": "trader"}, follow=True).content.decode()
    assert "Flatten trader?" in page and "Cancels 1 open order, then trades at the market" in page and "0.01" in page
    assert not UrgentCommand.objects.exists()
    engine.run()
    try:
        words = {"action": "flatten", "account": "trader", "confirmed": "yes"}
        page = trader.post("/halt", words, follow=True).content.decode()
    finally:
        engine.end()
    assert "trader is flat: no order stands and nothing is held." in page
    assert not Position.objects.exclude(quantity=0).exists()
    assert trader.get("/halt/flatten?account=other").status_code == 404


def test_flattening_a_live_account_needs_the_password(trader: Client, engine: Any) -> None:  # noqa: F811
    Account.objects.filter(name="trader").update(kind="live")
    words = {"action": "flatten", "account": "trader", "confirmed": "yes", "password": "a guess"}
    page = trader.post("/halt", words, follow=True).content.decode()
    assert "The password is not right, so nothing was sold." in page and "Your password" in page
    assert not UrgentCommand.objects.exists()


def test_what_tripped_is_named_with_its_limit_and_value(trader: Client, engine: Any) -> None:  # noqa: F811
    Halt.objects.create(scope="account", key="trader", owner=engine.cast.trader, state="reducing", code="DAILY_LOSS", limit=3,
                        value="3.6", reason="Today's loss reached 3.6 %", set_by="the engine")  # fmt: skip
    page = " ".join(trader.get("/halt").content.decode().split())
    assert "Stop trading?" in page and "Only reducing" in page and "Account trader:" in page
    assert "Tripped by itself: DAILY_LOSS, value 3.6" in page and "limit 3" in page


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
