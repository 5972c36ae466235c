"""The schema says what the API does: every route and method, and answers that fit what it promises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from marketdata.mirror import MarketMirror, default_mirror
from terminal import api
from tests.orders.cast import Town, book_fill, found_town, hold, place_order

CONTRACT = {
    "orders": {"get", "post", "delete"},
    "orders/check": {"post"},
    "orders/{id}": {"get", "patch", "delete"},
    "fills": {"get"},
    "positions": {"get"},
    "balances": {"get"},
    "accounts": {"get"},
    "pnl": {"get"},
    "pnl/equity": {"get"},
    "instruments": {"get"},
    "exchanges": {"get"},
    "subscriptions": {"get", "post"},
    "klines": {"get"},
    "trades": {"get"},
    "book": {"get"},
    "tickers": {"get"},
    "risk/limits": {"get", "put"},
    "risk/state": {"get"},
    "risk/halt": {"post"},
    "risk/resume": {"post"},
    "risk/flatten": {"get", "post"},
    "risk/flatten/{id}": {"get"},
    "risk/drill": {"get", "post"},
    "keys": {"get", "post"},
    "keys/{id}/rotate": {"post"},
    "token": {"post"},
    "token/refresh": {"post"},
    "health": {"get"},
}
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str))
    return made


@pytest.fixture
def town(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr(MarketMirror, "start", lambda mirror: mirror)
    monkeypatch.setattr(MarketMirror, "wait", lambda *_: True)
    default_mirror.cache_clear()
    yield found_town()
    default_mirror.cache_clear()


def test_it_is_openapi_3_1(schema: dict[str, Any]) -> None:
    validate_schema(schema)
    assert schema["openapi"].startswith("3.1")


@pytest.mark.parametrize("route", CONTRACT)
def test_every_route_of_the_contract_is_in_it_with_its_methods(schema: dict[str, Any], route: str) -> None:
    described = schema["paths"][f"/api/v1/{route}"]
    assert CONTRACT[route] <= described.keys() & METHODS


def test_every_route_there_is_is_in_it(schema: dict[str, Any]) -> None:
    def routes(patterns: list[Any], before: str) -> Iterator[str]:
        for pattern in patterns:
            route = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
            if isinstance(pattern, URLResolver):
                yield from routes(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern):
                yield route

    there = {route for route in routes(api.urlpatterns, "/") if route.startswith("/api/v1/")}
    assert there - {"/api/v1/schema", "/api/v1/docs"} == set(schema["paths"])


def test_every_operation_has_a_name_of_its_own_a_summary_and_its_refusals(schema: dict[str, Any]) -> None:
    names = []
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                names.append(operation["operationId"])
                assert operation.get("summary") or operation.get("description"), (method, path)
                if path.startswith(("/api/v1/orders", "/api/v1/risk", "/api/v1/keys")):
                    assert {"400", "401", "403"} <= operation["responses"].keys(), (method, path)
    assert len(names) == len(set(names))


def test_no_decimal_is_a_number(schema: dict[str, Any]) -> None:
    """But times and bars in ms; money and quantities are text both ways."""
    money = re.compile(r"price|quantity|amount|fee|realised|equity|total|free|used|size|notional|volume")
    for name, document in schema["components"]["schemas"].items():
        for field, described in document.get("properties", {}).items():
            kinds = described.get("type", "string")
            if money.search(field):
                assert "number" not in kinds and "integer" not in kinds, (name, field)


def test_answers_are_what_it_says(schema: dict[str, Any], town: Town) -> None:
    order = place_order(town, town.ann)
    book_fill(town, town.ann, order)
    hold(town, town.ann)
    ann = town.ann.client()
    examples = {
        "orders": "orders",
        "orders/{id}": f"orders/{order.pk}",
        "keys/{id}": f"keys/{town.ann.key.pk}",
    }
    plain = ("fills", "positions", "balances", "accounts", "pnl", "pnl/equity", "keys", "health", "instruments")
    examples |= {route: route for route in (*plain, "exchanges", "subscriptions", "risk/limits", "risk/state")}
    for route, path in examples.items():
        answer = ann.get(f"/api/v1/{path}")
        assert answer.status_code == 200, (path, answer.content)
        promised = schema["paths"][f"/api/v1/{route}"]["get"]["responses"]["200"]["content"]["application/json"]
        jsonschema.validate(answer.json(), {**promised["schema"], "components": schema["components"]})
        promised_fields(answer.json(), promised["schema"], schema, route)


def promised_fields(answer: Any, described: dict[str, Any], schema: dict[str, Any], route: str) -> None:
    """No field is answered that is not described."""
    while "$ref" in described:
        described = schema["components"]["schemas"][described["$ref"].rpartition("/")[2]]
    for field, value in answer.items():
        assert field in described["properties"], (route, field)
        inner = described["properties"][field]
        if isinstance(value, list) and value and isinstance(value[0], dict):
            promised_fields(value[0], inner["items"], schema, route)


def test_a_refusal_is_what_it_says(schema: dict[str, Any], town: Town) -> None:
    answer = town.ann.client().get("/api/v1/orders?acount=x")
    refusal = {"$ref": "#/components/schemas/Error", "components": schema["components"]}
    jsonschema.validate(answer.json(), refusal)


def test_the_page_and_the_schema_are_open_and_load_nothing_from_elsewhere(town: Town) -> None:
    assert Client().get("/api/v1/schema").json()["openapi"].startswith("3.1")
    page = Client().get("/api/v1/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert addresses
    for address in addresses:
        assert address.startswith(("/", "data:")), address
        assert not address.startswith("//"), address
    assert "<script>" not in page.content.decode()
