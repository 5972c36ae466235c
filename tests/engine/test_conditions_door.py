"""Every type and condition through the doors: what the contract names is taken, in any case, and answered back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from marketdata import clock
from orders import caller, keys, rows, services
from orders.models import Order
from tests.engine.doors import post

SELL = {"account": "trader", "symbol": "BTC/USDT", "side": "sell", "quantity": "0.01"}
BUY = {**SELL, "side": "buy"}


@pytest.fixture
def live(engine: Any) -> Iterator[Any]:
    """The engine runs in its thread, reading its stream; somebody has traded, so that there is a last price."""
    engine.print_at("buy")
    engine.ask(engine.place("buy", "0.05"))
    engine.run()
    caller.default.cache_clear()
    yield engine
    engine.end()
    caller.default.cache_clear()
    connection.close()


def place(engine: Any, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    reply = services.place(engine.cast.trader, body)
    return reply.status, json.loads(reply.body)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({**SELL, "type": "stop", "stop_price": "60000"}, {"stop_price": "60000", "price": None}),
        ({**SELL, "type": "STOP_LIMIT", "stop_price": "60000", "price": "59900"}, {"stop_price": "60000", "price": "59900"}),
        ({**SELL, "type": "take_profit", "stop_price": "70000"}, {"type": "take_profit", "stop_price": "70000"}),
        ({**SELL, "type": "take_profit_limit", "stop_price": "70000", "price": "70000"}, {"price": "70000"}),
        ({**SELL, "type": "trailing_stop", "trail_amount": "1000"}, {"trail_amount": "1000"}),
        ({**SELL, "type": "trailing_stop", "trail_percent": "1.25"}, {"trail_percent": "1.25"}),
        ({**BUY, "type": "limit", "price": "50000", "time_in_force": "DAY"}, {"time_in_force": "day"}),
        ({**BUY, "type": "limit", "price": "50000", "post_only": True}, {"post_only": True}),
        ({**SELL, "type": "limit", "price": "70000", "reduce_only": True}, {"reduce_only": True}),
        ({**BUY, "type": "limit", "price": "50000", "take_profit": {"price": "70000"}, "stop_loss": {"stop_price": "40000"}},
         {"take_profit": {"price": "70000"}, "stop_loss": {"stop_price": "40000", "limit_price": None}}),
        ({**BUY, "type": "limit", "price": "50000", "extended_hours": False}, {"extended_hours": False}),
    ],
)  # fmt: skip
def test_it_is_taken_and_answered_back(live: Any, body: dict[str, Any], shown: dict[str, Any]) -> None:
    status, order = place(live, body)
    assert (status, order.get("status")) == (201, "new"), order
    assert {name: order.get(name) for name in shown} == shown


def test_the_row_reads_back_as_the_answer_said(live: Any) -> None:
    body = {**BUY, "type": "limit", "price": "50000", "take_profit": {"price": "70000"},
            "stop_loss": {"stop_price": "40000", "limit_price": "39999"}, "time_in_force": "gtd",
            "expires_at": clock.iso(clock.now() + timedelta(hours=1))}  # fmt: skip
    _, order = place(live, body)
    assert rows.order(Order.objects.select_related(*rows.ORDER_RELATED).get(id=order["id"])) == order
    assert order["expires_at"] == body["expires_at"]


@pytest.mark.parametrize("path", ["/api/v1/orders", "/order-engine/v1/orders", "/api/order"])
def test_the_hot_door_and_the_seed_paths_take_stops(live: Any, path: str) -> None:
    key, _ = keys.create(live.cast.trader, scopes=["read", "trade"], paper_only=True)
    body = {
        **SELL,
        "type": "STOP_LIMIT",
        "side": "SELL",
        "stop_price": "60000",
        "price": "59900",
        "time_in_force": "GTC",
    }
    status, _, order = asyncio.run(post(body, str(key.key), path))
    assert (status, order["type"], order["stop_price"]) == (201, "stop_limit", "60000")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**BUY, "type": "limit", "price": "90000", "post_only": True}, "POST_ONLY_WOULD_TAKE"),
        ({**BUY, "type": "limit", "price": "50000", "time_in_force": "fok"}, "FOK_UNFILLABLE"),
        ({**BUY, "type": "limit", "price": "50000", "reduce_only": True}, "REDUCE_ONLY_VIOLATION"),
        ({**BUY, "type": "limit", "price": "50000", "post_only": True, "time_in_force": "ioc"}, "TERMS_INVALID"),
        ({**SELL, "type": "limit", "price": "70000", "reduce_only": True, "take_profit": {"price": "71000"}}, "TERMS_INVALID"),
        ({**BUY, "type": "limit", "price": "50000", "extended_hours": True}, "TIF_UNSUPPORTED"),
        ({**BUY, "type": "limit", "price": "50000", "time_in_force": "gtd", "expires_at": "2020-01-01T00:00:00Z"}, "EXPIRE_IN_PAST"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_422_with_its_code(live: Any, body: dict[str, Any], code: str) -> None:
    status, answer = place(live, body)
    assert (status, answer.get("code")) == (422, code), answer
    assert answer["message"].endswith(".")


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ({**BUY, "type": "limit", "price": "90000", "post_only": True}, {"value": "90000"}),
        ({**BUY, "type": "limit", "price": "50000", "time_in_force": "fok"}, {"limit": "0", "value": "0.01"}),
        (
            {**SELL, "type": "limit", "price": "70000", "quantity": "1", "reduce_only": True},
            {"limit": "0.05", "value": "1"},
        ),
        (
            {**BUY, "type": "limit", "price": "50000", "take_profit": {"price": "49000"}},
            {"limit": "50000", "value": "49000"},
        ),
    ],
)
def test_a_refusal_says_its_numbers_in_the_units_people_read(
    live: Any, body: dict[str, Any], numbers: dict[str, str]
) -> None:
    _, answer = place(live, body)
    assert {name: answer.get(name) for name in numbers} == numbers, answer
    assert next(iter(numbers.values())) in answer["message"]


def test_a_repeat_with_another_condition_is_another_request(live: Any) -> None:
    body = {**SELL, "type": "stop", "stop_price": "60000", "request_id": "once"}
    assert place(live, body)[0] == 201
    assert place(live, body)[0] == 200
    status, answer = place(live, {**body, "stop_price": "60001"})
    assert (status, answer["code"]) == (422, "REQUEST_ID_REUSED")


def test_a_leg_is_named_by_its_parent(live: Any) -> None:
    status, order = place(live, {**BUY, "type": "market", "take_profit": {"price": "90000"}})
    assert (status, order["status"]) == (201, "filled")
    reply = services.amend(live.cast.trader, f"client:tp~{order['id']}", {"price": "91000"})
    amended = json.loads(reply.body)
    assert (reply.status, amended["price"], amended["parent_id"]) == (200, "91000", order["id"])
    reply = services.cancel(live.cast.trader, f"client:tp~{order['id']}")
    assert (reply.status, json.loads(reply.body)["status"]) == (200, "canceled")


def test_what_follows_a_fill_is_as_large_as_the_fill(live: Any) -> None:
    _, order = place(live, {**BUY, "type": "market", "quantity": "0.02", "stop_loss": {"stop_price": "40000"}})
    leg = Order.objects.get(request_id=f"sl~{order['id']}")
    assert leg.quantity == Decimal("0.02") == Decimal(order["filled_quantity"])
