"""What changes something over REST: orders through the engine, halts, limits, keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from marketdata import bus
from orders import caller, messages
from orders.models import ApiKey, Audit, Halt, RiskLimit
from tests.orders.cast import PretendCaller, Town, found_town, make_person, place_order

pytestmark = pytest.mark.django_db
ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"


class SilentBus:
    """Hears every wake."""

    def wake(self, word: str) -> None:
        pass


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> PretendCaller:
    pretend = PretendCaller()
    monkeypatch.setattr(caller, "default", lambda: pretend)
    monkeypatch.setattr(bus, "default", SilentBus)
    return pretend


@pytest.fixture
def town(line: PretendCaller) -> Town:
    return found_town()


@pytest.fixture
def ann(town: Town) -> Client:
    return town.ann.client()


@pytest.fixture
def otto(town: Town) -> Client:
    return town.otto.client()


def send(client: Client, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    answer = client.generic(
        method,
        f"/api/v1/{path}",
        "" if body is None else json.dumps(body),
        content_type="application/json",
        headers=headers,
    )
    return answer.status_code, answer.json() if answer.content else None


def test_a_place_becomes_a_command_and_the_answer_is_the_engines(ann: Client, line: PretendCaller, town: Town) -> None:
    line.reply = messages.Reply(201, {"X-Test": "1"}, b'{"id":"x"}')
    body = {"exchange": "sim", "symbol": "BTC_USDT", "type": "LIMIT", "side": "BUY", "price": "1", "quantity": "1"}
    assert send(ann, "POST", "orders", {**body, "request_id": "r-1"}) == (201, {"id": "x"})
    (command,) = line.sent
    assert (command.request_id, command.account_id, command.price_ticks) == ("r-1", town.ann.account.pk, 100)


def test_a_batch_becomes_commands_together_with_a_result_each(ann: Client, line: PretendCaller) -> None:
    line.reply = messages.Reply(201, {}, b'{"id":"x"}')
    order = {"exchange": "sim", "symbol": "BTC/USDT", "type": "market", "side": "sell", "quantity": "1"}
    items = [{"op": "place", "order": order}, {"op": "cancel", "order": {"id": ID}}, {"op": "place", "order": {}}]
    status, body = send(ann, "POST", "orders/batch", {"items": items})
    assert (status, [result["status"] for result in body["results"]]) == (207, [201, 201, 400])
    assert body["results"][0]["order"] == {"id": "x"} and len(line.sent) == 2


def test_only_a_batch_may_be_longer_than_64_kb(ann: Client, line: PretendCaller) -> None:
    order = {
        "exchange": "sim",
        "symbol": "BTC/USDT",
        "type": "market",
        "side": "sell",
        "quantity": "1",
        "source": "x" * 32,
    }
    items = [{"op": "place", "order": {**order, "tags": ["t" * 64] * 3}}] * 200
    assert len(json.dumps(items)) > 64 * 1024
    assert send(ann, "POST", "orders/batch", {"items": items})[0] == 207
    assert send(ann, "POST", "orders/check", {"items": items})[0] == 413


def test_the_seed_systems_paths_place_too(ann: Client, line: PretendCaller) -> None:
    body = {"exchange": "sim", "symbol": "BTC/USDT", "type": "market", "side": "sell", "quantity": "1"}
    for path in ("/order-engine/v1/orders", "/api/order"):
        assert ann.post(path, body, content_type="application/json").status_code == 200
    assert len(line.sent) == 2


def test_a_body_that_is_not_json_is_415(ann: Client, line: PretendCaller) -> None:
    answer = ann.post("/api/v1/orders", "side=buy", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["code"]) == (415, "NOT_JSON")


def test_an_amend_carries_its_own_request_id_from_the_header(ann: Client, line: PretendCaller) -> None:
    send(ann, "PATCH", f"orders/{ID}", {"price": "2", "quantity": None}, **{"Idempotency-Key": "amend-1"})
    (command,) = line.sent
    assert (command.request_id, command.id, command.price, command.quantity) == ("amend-1", ID, "2", None)


def test_a_cancel_by_request_id_reaches_the_engine(ann: Client, line: PretendCaller, town: Town) -> None:
    send(ann, "DELETE", "orders/client:r-1")
    (command,) = line.sent
    assert (command.client, command.account_ids) == ("r-1", [town.ann.account.pk])


def test_a_sweep_is_for_what_its_filters_say(ann: Client, line: PretendCaller, town: Town) -> None:
    assert send(ann, "DELETE", "orders?symbol=BTC/USDT&side=sell&strategy_id=grid")[0] == 200
    (command,) = line.sent
    assert (command.instrument_id, command.side, command.strategy_id) == (town.instrument.pk, "sell", "grid")


@pytest.mark.parametrize(
    ("query", "status"), [("acount=ann-sim", 400), ("symbol=NO/SUCH", 422), ("account=bob-sim", 404)]
)
def test_a_sweep_with_a_wrong_filter_sweeps_nothing(ann: Client, line: PretendCaller, query: str, status: int) -> None:
    assert send(ann, "DELETE", f"orders?{query}")[0] == status
    assert line.sent == []


def test_an_engine_that_is_not_there_is_503(ann: Client, line: PretendCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> messages.Reply:
        raise caller.NotAccepted("no engine")

    monkeypatch.setattr(line, "send", refuse)
    answer = ann.delete(f"/api/v1/orders/{ID}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_a_trader_halts_and_resumes_themselves(ann: Client) -> None:
    status, halt = send(ann, "POST", "risk/halt", {"scope": "owner", "reason": "lunch"})
    assert (status, halt["state"], halt["key"], halt["set_by"]) == (200, "halted", "ann", "ann")
    assert send(ann, "GET", "risk/state")[1]["state"] == "halted"
    assert send(ann, "POST", "risk/resume", {"scope": "owner"})[1]["state"] == "active"
    assert send(ann, "GET", "risk/state")[1] == {
        "state": "active",
        "halts": [],
        "accounts": [{"account": "ann-sim", "state": "active", "open_orders": 0}],
    }


def test_one_account_can_be_left_to_reduce_only(ann: Client, town: Town) -> None:
    place_order(town, town.ann)
    send(ann, "POST", "risk/halt", {"scope": "account", "key": "ann-sim", "state": "reducing"})
    state = send(ann, "GET", "risk/state")[1]
    assert state["state"] == "active"
    assert state["accounts"] == [{"account": "ann-sim", "state": "reducing", "open_orders": 1}]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": "global"}, 403),
        ({"scope": "exchange", "key": "sim"}, 403),
        ({"scope": "owner", "key": "bob"}, 404),
        ({"scope": "account", "key": "bob-sim"}, 404),
        ({"scope": "account"}, 400),
        ({"scope": "planet"}, 400),
        ({"scope": "owner", "until": "noon"}, 400),
        ({}, 400),
    ],
)
def test_a_halt_of_what_is_not_ones_own_is_refused(ann: Client, body: dict[str, str], status: int) -> None:
    assert send(ann, "POST", "risk/halt", body)[0] == status
    assert not Halt.objects.exists()


@pytest.mark.parametrize(
    "body", [{"scope": "global"}, {"scope": "exchange", "key": "sim"}, {"scope": "instrument", "key": "sim:BTC/USDT"}]
)
def test_an_operator_halts_for_everybody(ann: Client, otto: Client, body: dict[str, str]) -> None:
    assert send(otto, "POST", "risk/halt", body)[0] == 200
    assert [halt["scope"] for halt in send(ann, "GET", "risk/state")[1]["halts"]] == [body["scope"]]


def test_limits_say_where_they_were_set(otto: Client, town: Town) -> None:
    status, page = send(otto, "PUT", "risk/limits", {"account": "otto-sim", "limits": {"open_orders_max": "3"}})
    rows = {row["code"]: row for row in page["results"]}
    assert (status, rows["open_orders_max"]["value"], rows["open_orders_max"]["set_on"]) == (200, "3", "account")
    assert rows["rate_burst"]["set_on"] == "profile"
    send(otto, "PUT", "risk/limits", {"account": "otto-sim", "limits": {"open_orders_max": None}})
    assert not RiskLimit.objects.filter(account=town.otto.account).exists()
    assert Audit.objects.filter(action="limit.set").count() == 2


@pytest.mark.parametrize(
    ("limits", "status"),
    [({"none_such": "1"}, 400), ({"open_orders_max": 3}, 400), ({"open_orders_max": "1.5"}, 400), ({}, 400)],
)
def test_a_limit_that_cannot_be_is_refused(otto: Client, limits: dict[str, Any], status: int) -> None:
    assert send(otto, "PUT", "risk/limits", {"account": "otto-sim", "limits": limits})[0] == status


def test_limits_are_set_by_operators_on_their_own_accounts(ann: Client, otto: Client) -> None:
    body = {"account": "ann-sim", "limits": {"open_orders_max": "1"}}
    assert send(ann, "PUT", "risk/limits", body)[0] == 403
    assert send(otto, "PUT", "risk/limits", body)[0] == 404


@pytest.mark.parametrize(
    ("scope", "key"),
    [("global", ""), ("exchange", "sim"), ("owner", ""), ("strategy", "grid"), ("instrument", "sim:BTC/USDT")],
)
def test_limits_of_other_scopes_are_set_and_listed(otto: Client, ann: Client, scope: str, key: str) -> None:
    body = {"scope": scope, "key": key, "limits": {"open_orders_max": "3", "notional_max": "1000"}}
    status, page = send(otto, "PUT", "risk/limits", body)
    assert status == 200
    assert {row["code"]: row["value"] for row in page["results"]} == {"open_orders_max": "3", "notional_max": "1000"}
    shown = send(ann, "GET", f"risk/limits?scope={scope}")[1]["results"]
    assert len(shown) == (0 if scope in ("owner", "strategy") else 2)  # another's own limits are nobody's business
    send(otto, "PUT", "risk/limits", {**body, "limits": dict.fromkeys(body["limits"])})
    assert not RiskLimit.objects.exclude(scope="").exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": "global", "limits": {"daily_loss_bp": "1"}}, 400),
        ({"scope": "global", "limits": {"executions_max": "65"}}, 400),
        ({"scope": "exchange", "key": "moon", "limits": {"open_orders_max": "1"}}, 404),
        ({"scope": "galaxy", "limits": {"open_orders_max": "1"}}, 400),
    ],
)
def test_a_limit_that_means_nothing_in_a_scope_is_refused(otto: Client, body: dict[str, Any], status: int) -> None:
    assert send(otto, "PUT", "risk/limits", body)[0] == status


def test_what_tripped_is_shown_and_a_person_resumes_it(ann: Client, town: Town) -> None:
    Halt.objects.create(
        scope="account", key="ann-sim", owner=town.ann.owner, state="reducing", code="DAILY_LOSS", limit=3, value="3.5"
    )
    (halt,) = send(ann, "GET", "risk/state")[1]["halts"]
    assert (halt["code"], halt["limit"], halt["value"], halt["until"]) == ("DAILY_LOSS", "3", "3.5", None)
    assert send(ann, "POST", "risk/resume", {"scope": "account", "key": "ann-sim"})[0] == 200
    halt = Halt.objects.get()
    assert (halt.state, halt.code, halt.limit) == ("active", "", None)


def test_a_key_is_made_by_a_person_and_its_secret_shown_once(ann: Client, town: Town) -> None:
    status, made = send(ann, "POST", "keys", {"scopes": ["read"], "name": "bot", "accounts": ["ann-sim"]})
    assert status == 201
    assert made["accounts"] == ["ann-sim"]
    assert made["api_secret"].startswith("ms_")
    listed = send(ann, "GET", "keys")[1]["results"]
    assert all("api_secret" not in key for key in listed)
    assert send(ann, "GET", f"keys/{made['id']}")[1]["name"] == "bot"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scopes": ["operate"]}, 403),
        ({"scopes": ["withdraw"]}, 400),
        ({"scopes": []}, 400),
        ({}, 400),
        ({"scopes": ["read"], "accounts": ["bob-sim"]}, 404),
        ({"scopes": ["read"], "addresses": ["home"]}, 400),
        ({"scopes": ["read"], "order_notional_max": 5}, 400),
        ({"scopes": ["read"], "owner": "bob"}, 400),
    ],
)
def test_a_key_that_cannot_be_is_not_made(ann: Client, body: dict[str, Any], status: int) -> None:
    before = ApiKey.objects.count()
    assert send(ann, "POST", "keys", body)[0] == status
    assert ApiKey.objects.count() == before


def test_a_key_makes_no_other_and_knows_itself_alone(town: Town) -> None:
    send(town.ann.client(), "POST", "keys", {"scopes": ["read"]})
    assert town.ann.signed("POST", "/api/v1/keys", {"scopes": ["read"]}).status_code == 403
    assert [key["api_key"] for key in town.ann.signed("GET", "/api/v1/keys").json()["results"]] == [town.ann.key.key]


def test_a_revoked_key_is_out_and_gone(ann: Client, town: Town) -> None:
    assert send(ann, "DELETE", f"keys/{town.ann.key.pk}") == (204, None)
    assert town.ann.signed("GET", "/api/v1/orders").status_code == 401
    assert send(ann, "DELETE", f"keys/{town.ann.key.pk}")[0] == 404


def test_a_rotated_key_leaves_its_powers_to_the_next(ann: Client, town: Town) -> None:
    status, made = send(ann, "POST", f"keys/{town.ann.key.pk}/rotate")
    assert (status, made["scopes"]) == (201, ["read", "trade"])
    assert town.ann.signed("GET", "/api/v1/orders").status_code == 401


def test_a_newcomer_has_no_accounts_and_no_errors(town: Town) -> None:
    carl = make_person("carl", town.exchange)
    carl.account.delete()
    client = carl.client()
    for path in (
        "orders",
        "fills",
        "balances",
        "positions",
        "accounts",
        "pnl",
        "pnl/equity",
        "risk/limits",
        "risk/state",
    ):
        assert client.get(f"/api/v1/{path}").status_code == 200, path
