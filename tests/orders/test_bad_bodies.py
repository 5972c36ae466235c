"""Every REST door reads bodies with the one strict parser: the same table is refused at each of them, and nothing is done."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from marketdata import documents
from marketdata.strict import StrictSerializer
from orders import caller
from orders.models import Audit
from orders.parsers import StrictJSONParser
from orders.throttles import buckets
from tests.orders.bad_bodies import BROKEN, NO_DECIMALS, NOT_THEIRS
from tests.orders.cast import PretendCaller, found_town

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
ORDER = {"exchange": "sim", "symbol": "BTC/USDT", "side": "buy", "type": "limit", "price": "60000", "quantity": "1"}
ONE = "client:mine"


def views(patterns: Any = None, before: str = "/") -> Iterator[tuple[str, type[APIView]]]:
    """Every REST view with the path it answers."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", getattr(pattern.callback, "cls", None))
            if isinstance(view, type) and issubclass(view, APIView):
                yield before + str(pattern.pattern), view


def writing() -> list[tuple[str, str]]:
    """(method, path) of every route that changes something by what its body says."""
    found = []
    for path, view in views():
        for method in ("post", "put", "patch"):
            if hasattr(view, method) and method in view.http_method_names:
                filled = path.replace("<int:id>", "1").replace("<str:id>", ONE).replace("<path:rest>", "x")
                found.append((method.upper(), filled))
    return [(method, path) for method, path in found if "<" not in path and not path.startswith("/admin")]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> PretendCaller:
    pretend = PretendCaller()
    monkeypatch.setattr(caller, "default", lambda: pretend)
    return pretend


@pytest.fixture
def otto(line: PretendCaller) -> Client:
    return found_town().otto.client()


def send(client: Client, method: str, path: str, raw: bytes) -> tuple[int, Any]:
    buckets.clear()
    answer = client.generic(method, path, raw, content_type="application/json")
    return answer.status_code, answer.json()


def test_every_view_reads_bodies_with_the_strict_parser() -> None:
    found = list(views())
    assert len(found) > 30
    assert [path for path, view in found if list(view.parser_classes) != [StrictJSONParser]] == []


def test_a_serializer_that_reads_is_a_strict_one() -> None:
    """Most only document; bodies are read by orders/reading.py and orders/api/fields.py. That of a token's refresh is handed what
    was read already."""
    reading = []
    for path in (
        file for app in ("orders", "marketdata", "strategies", "terminal") for file in (ROOT / app).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and any(word.arg == "data" for word in node.keywords):
                name = ast.unparse(node.func).rpartition(".")[2]
                made = getattr(documents, name, None)
                if name.endswith("Serializer") or isinstance(made, type):
                    reading.append((path.name, name, isinstance(made, type) and issubclass(made, StrictSerializer)))
    assert sorted(reading) == [("api.py", "SubscriptionAsked", True), ("tokens.py", "TokenRefreshSerializer", False)]


def test_what_is_broken_is_refused_at_every_route_that_takes_a_body(otto: Client, line: PretendCaller) -> None:
    routes = writing()
    assert {("POST", "/api/v1/orders"), ("POST", "/api/v1/orders/batch"), ("POST", "/api/v1/orders/check"),
            ("PATCH", f"/api/v1/orders/{ONE}"), ("PUT", "/api/v1/risk/limits")} <= set(routes)  # fmt: skip
    audits = Audit.objects.count()
    wrong = []
    for method, path in routes:
        for name, (text, code) in BROKEN.items():
            status, body = send(otto, method, path, text.replace(b"%s", b'"y":1'))
            if (status, body.get("code")) != (400, code):
                wrong.append((method, path, name, status, body.get("code")))
    assert wrong == [] and line.sent == [] and Audit.objects.count() == audits


def test_an_unknown_field_is_refused_at_every_route_that_takes_a_body(otto: Client, line: PretendCaller) -> None:
    wrong = []
    for method, path in writing():
        status, body = send(otto, method, path, b'{"no_such_field":1}')
        if status != 400 or "no_such_field" not in body.get("errors", {}):
            wrong.append((method, path, status, body))
    assert wrong == [] and line.sent == []


def test_what_is_no_plain_decimal_is_refused_wherever_an_order_is_read(otto: Client, line: PretendCaller) -> None:
    wrong = []
    for name in ("price", "quantity"):
        for text in NO_DECIMALS:
            order = json.dumps({**ORDER, name: "HERE"}).encode().replace(b'"HERE"', text)
            for method, path, body in (
                ("POST", "/api/v1/orders", order),
                ("POST", "/api/v1/orders/check", order),
                ("POST", "/order-engine/v1/orders", order),
                ("POST", "/api/order", order),
                ("PATCH", f"/api/v1/orders/{ONE}", b'{"%s":%s}' % (name.encode(), text)),
            ):
                status, answer = send(otto, method, path, body)
                if status != 400 or not answer.get("errors", answer["code"] == "JSON"):
                    wrong.append((path, name, text, status, answer))
            batch = b'{"items":[{"op":"place","order":%s}]}' % order
            status, answer = send(otto, "POST", "/api/v1/orders/batch", batch)
            statuses = [result["status"] for result in answer.get("results", ())]
            if (status, statuses) not in ((207, [400]), (400, [])):
                wrong.append(("batch", name, text, status, answer))
    assert wrong == [] and line.sent == []


def test_what_is_not_theirs_to_say_is_refused_wherever_an_order_is_read(otto: Client, line: PretendCaller) -> None:
    for name in NOT_THEIRS:
        order = json.dumps({**ORDER, name: "1"}).encode()
        for path in ("/api/v1/orders", "/api/v1/orders/check", "/order-engine/v1/orders", "/api/order"):
            status, answer = send(otto, "POST", path, order)
            assert (status, answer["code"], list(answer["errors"])) == (400, "UNKNOWN_FIELD", [name])
        _, answer = send(otto, "POST", "/api/v1/orders/batch", b'{"items":[{"op":"place","order":%s}]}' % order)
        assert [result["code"] for result in answer["results"]] == ["UNKNOWN_FIELD"]
    assert line.sent == []


def test_a_body_for_a_cancel_is_read_as_strictly(otto: Client, line: PretendCaller) -> None:
    for text, code in BROKEN.values():
        status, answer = send(otto, "DELETE", f"/api/v1/orders/{ONE}", text.replace(b"%s", b'"y":1'))
        assert (status, answer["code"]) == (400, code)
    assert line.sent == []
