"""Halt, cancel and flatten through REST: three routes, each honest about what it did, with the bus down as well."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from marketdata.bus import Bus
from orders import caller, services, urgent
from orders.models import Halt, Position


@pytest.fixture
def web(engine: Any) -> Any:
    """A browser of the trader's, an engine that runs, and something to lose."""
    engine.ask(engine.place("buy", "0.2"))
    engine.ask(engine.place("buy", "0.01", "50000"))
    caller.default.cache_clear()
    engine.run()
    client = Client()
    client.force_login(engine.cast.trader.user)
    yield client
    engine.end()
    caller.default.cache_clear()


def post(client: Client, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def test_each_does_its_own_and_nothing_else(web: Client) -> None:
    assert post(web, "risk/halt", scope="owner")[0] == 200
    assert web.get("/api/v1/risk/state").json()["accounts"][0]["open_orders"] == 1
    assert len(web.delete("/api/v1/orders").json()["results"]) == 1
    assert Position.objects.get().quantity > 0
    status, body = post(web, "risk/flatten", account="trader")
    assert (status, body["state"], body["canceled"], body["orders"]) == (200, "flat", 0, 1)
    assert Position.objects.get().quantity == 0
    assert web.get(f"/api/v1/risk/flatten/{body['id']}").json() == body
    assert web.get("/api/v1/risk/flatten").json()["results"] == [body]
    assert post(web, "risk/resume", scope="owner", reason="over")[1]["state"] == "active"


def test_what_is_not_theirs_is_not_there(web: Client) -> None:
    assert post(web, "risk/flatten", account="other")[0] == 404
    assert post(web, "risk/flatten")[0] == 400
    assert web.get("/api/v1/risk/flatten/77").status_code == 404


def test_one_that_is_not_over_is_202_with_where_to_look(web: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urgent, "WAIT_S", 0.0)
    monkeypatch.setattr(urgent, "wait", lambda row: row)
    status, body = post(web, "risk/flatten", account="trader")
    assert status == 202 and body["state"] in ("pending", "running") and body["decided_at"] is None


def test_a_drill_by_rest_is_kept_and_listed(web: Client) -> None:
    status, body = post(web, "risk/drill")
    assert status == 200 and body["account"] == "drill-trader" and body["flat_ms"] is not None
    assert web.get("/api/v1/risk/drill").json()["results"] == [body]


@pytest.mark.timeout(60)
def test_with_the_bus_down_halt_cancel_all_and_flatten_still_work(
    web: Client, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = Bus("redis://127.0.0.1:1/0")
    with monkeypatch.context() as away:
        away.setattr(settings, "REDIS_URL", dead.url)  # the web's
        for name in ("_redis", "_blocking"):
            away.setattr(engine.service.bus, name, getattr(dead, name))  # and the engine's
        caller.default.cache_clear()
        assert post(web, "risk/halt", scope="owner")[0] == 200
        answer = web.delete("/api/v1/orders")
        assert (answer.status_code, answer.json()["canceled"]) == (200, 1)
        assert post(web, "risk/flatten", account="trader")[1]["state"] == "flat"
        assert services.place(engine.cast.trader, {"account": "trader", "symbol": "BTC/USDT", "side": "buy", "type": "limit",
                                                   "price": "50000", "quantity": "0.001"}).status == 503  # fmt: skip
        assert Halt.objects.get().state == "halted" and Position.objects.get().quantity == 0
