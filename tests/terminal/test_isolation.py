"""A second user walks every route there is, with the first one's names in hand, and finds and changes nothing.

The routes come from the URL configuration itself: one added later is walked too.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from marketdata.mirror import MarketMirror, default_mirror
from orders import auth, caller
from orders.audit import lines
from orders.models import Funding, Halt, LedgerEntry
from tests.orders.cast import NOON, PretendCaller, Town, book_fill, found_town, hold, place_order

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPEN = ("api/v1/token", "api/v1/token/refresh", "api/v1/schema", "api/v1/docs", "api/<path:rest>")
ASKS = "api/v1/orders/check"  # a question in a POST: it changes nothing, so whoever reads may ask
ECHOES = "api/v1/docs"  # its script's address repeats the query it was asked with
SECRET = "annssecret"  # part of every text of hers, so that one look finds any of them


@pytest.fixture(autouse=True)
def quiet_mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A market nothing happens in: the mirror's own threads cannot see this test's rows."""
    monkeypatch.setattr(MarketMirror, "start", lambda mirror: mirror)
    monkeypatch.setattr(MarketMirror, "wait", lambda *_: True)
    default_mirror.cache_clear()
    yield
    default_mirror.cache_clear()


@pytest.fixture
def town(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Town:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    town = found_town()
    ann = town.ann
    ann.account.name = f"{SECRET}-account"
    ann.account.save()
    ann.owner.name = f"{SECRET}-owner"
    ann.owner.save()
    ann.key.name = f"{SECRET}-key"
    ann.key.save()
    order = place_order(town, ann, request_id=f"{SECRET}-request", strategy_id=f"{SECRET}-strategy")
    book_fill(town, ann, order, request_id=order.request_id, exchange_trade_id=f"{SECRET}-trade")
    hold(town, ann)
    Halt.objects.create(owner=ann.owner, scope="account", key=ann.account.name, reason=f"{SECRET}-reason")
    Funding.objects.create(owner=ann.owner, account=ann.account, asset=town.instrument.quote, amount=Decimal(7))
    lines.note("x", actor=f"{SECRET}-actor", owner_id=ann.owner.pk)
    LedgerEntry.objects.create(
        id=1,
        at=NOON,
        owner=ann.owner,
        account=ann.account,
        book="account",
        asset=town.instrument.quote,
        kind="opening",
        amount=Decimal(7),
        journal_seq=1,
    )
    auth.forget()
    return town


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> PretendCaller:
    pretend = PretendCaller()
    monkeypatch.setattr(caller, "default", lambda: pretend)
    return pretend


def routes(patterns: list[URLPattern | URLResolver] | None = None, before: str = "") -> Iterator[str]:
    """Every route of the project, as it is written in urls.py."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def names_of(town: Town) -> dict[str, list[str]]:
    """What the second user knows of the first one's things, by the name of the parameter it may stand for."""
    ann = town.ann
    order = ann.account.orders.get()
    ids = [
        str(order.pk),
        f"client:{order.request_id}",
        str(ann.key.pk),
        str(ann.account.pk),
        ann.account.name,
        ann.key.key,
    ]
    return {"id": ids, "name": ids, "account": ids, "exchange": ["sim"], "slug": ["BTC-USDT"], "rest": ids}


def paths(route: str, town: Town) -> Iterator[str]:
    """The route with each combination of those names in place of its parameters."""
    pieces = route.replace("^", "").replace("$", "").split("<")
    if len(pieces) == 1:
        yield "/" + route.removeprefix("^").removesuffix("$")
        return
    known = names_of(town)
    choices = []
    for piece in pieces[1:]:
        kind, _, rest = piece.partition(">")
        name = kind.rpartition(":")[2]
        values = known.get(name, known["id"])
        if kind.startswith("int:"):
            values = [value for value in values if value.isdigit()]
        choices.append([value + rest for value in values])
    for chosen in itertools.product(*choices):
        yield "/" + pieces[0] + "".join(chosen)


def queries(town: Town) -> list[str]:
    ann = town.ann
    return [
        "",
        f"?account={ann.account.name}",
        f"?account={ann.account.pk}",
        f"?account=bob-sim,{ann.account.name}",
        f"?owner={ann.owner.pk}",
        f"?strategy_id={SECRET}-strategy",
        f"?request_id={SECRET}-request",
        "?exchange=sim&symbol=BTC/USDT",
    ]


def bodies(town: Town) -> list[dict[str, Any]]:
    ann = town.ann
    order = {"exchange": "sim", "symbol": "BTC/USDT", "type": "limit", "side": "buy", "price": "1", "quantity": "1"}
    return [
        {},
        {**order, "account": ann.account.name},
        {**order, "user_id": str(ann.user.pk), "owner": ann.owner.pk},
        {"id": str(ann.account.orders.get().pk), "price": "2"},
        {"scope": "account", "key": ann.account.name},
        {"scope": "owner", "key": ann.owner.name},
        {"account": ann.account.name, "limits": {"open_orders_max": "1"}},
        {"scopes": ["read"], "accounts": [ann.account.name]},
    ]


def hers(town: Town) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that carries an owner, where the owner is Ann."""
    found = {}
    for model in apps.get_models():
        if any(field.name == "owner" for field in model._meta.get_fields()):
            rows = model._default_manager.filter(owner=town.ann.owner).order_by("pk")
            found[model.__name__] = list(rows.values_list())
    return found


def content_of(answer: HttpResponseBase) -> bytes:
    return b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined,no-any-return]


def test_the_second_user_finds_nothing_of_the_first_on_any_route(town: Town, line: PretendCaller) -> None:
    bob = town.bob.client()
    walked = [route for route in routes() if not route.startswith(("admin", "logout", "metrics"))]
    assert len(walked) > 30
    for route in walked:
        asked = [""] if route == ECHOES else queries(town)
        for path, query in itertools.product(paths(route, town), asked):
            answer = bob.get(path + query)
            assert answer.status_code < 500 or answer.status_code == 503, (path, query, answer.status_code)
            assert SECRET.encode() not in content_of(answer), (path, query)


def test_the_second_user_changes_nothing_of_the_first_on_any_route(town: Town, line: PretendCaller) -> None:
    before = hers(town)
    assert {"Order", "Fill", "Balance", "Position", "ApiKey", "Halt", "LedgerEntry"} <= {
        k for k, v in before.items() if v
    }
    bob = town.bob.client()
    for route in routes():
        if route.startswith(("admin", "logout", "api/v1/token")):
            continue
        for path, method, body in itertools.product(paths(route, town), METHODS[1:], bodies(town)):
            as_json = bob.generic(method, path, json.dumps(body), content_type="application/json")
            assert as_json.status_code < 500 or as_json.status_code == 503, (method, path, body, as_json.status_code)
            assert SECRET.encode() not in content_of(as_json), (method, path, body)
            if method == "POST":
                assert SECRET.encode() not in content_of(bob.post(path, body)), (path, body)
    assert hers(town) == before
    for command in line.sent:
        assert command.owner_id == town.bob.owner.pk, command
        reached = [command.account_id] if hasattr(command, "account_id") else command.account_ids
        assert town.ann.account.pk not in reached, command


def test_nobody_gets_in_without_saying_who_they_are(town: Town, line: PretendCaller) -> None:
    nobody = Client()
    asked = 0
    for route in routes():
        if (route.startswith("api/") and route not in OPEN) or route.startswith("order-engine"):
            for path, method in itertools.product(paths(route, town), METHODS):
                answer = nobody.generic(method, path, content_type="application/json")
                assert answer.status_code == 401, (method, path, answer.status_code)
                asked += 1
    assert asked > 100
    assert line.sent == []


def test_a_key_that_reads_changes_nothing_on_any_route(town: Town, line: PretendCaller) -> None:
    town.bob.key.scopes = ["read"]
    town.bob.key.save()
    auth.forget()
    client = Client(headers={"X-API-Key": town.bob.key.key})
    for route in routes():
        if (route.startswith("api/") and route not in OPEN and "keys" not in route) or route.startswith("order-engine"):
            for path, method in itertools.product(paths(route, town), METHODS[1:]):
                answer = client.generic(method, path, "{}", content_type="application/json")
                refused = (400, 403, 405) if route == ASKS else (403, 404, 405, 429)
                assert answer.status_code in refused, (method, path, answer.status_code)
    assert line.sent == []


def test_every_table_says_whose_its_rows_are() -> None:
    """But those that are nobody's: market facts are listed here by name, and a table nobody listed fails."""
    nobodys = {
        "marketdata": {
            "Exchange",
            "Asset",
            "Instrument",
            "Subscription",
            "Kline",
            "Heartbeat",
            "ServiceLease",
            "BeatSlot",
        },
        "orders": {
            "LimitProfile",
            "RiskLimit",
            "Control",
            "Lease",
            "Checkpoint",
            "Journal",
            "AuditCount",
            "ChainHead",
            "Anchor",
            "Flight",
        },
        "strategies": set[str](),
    }
    for app, listed in nobodys.items():
        for model in apps.get_app_config(app).get_models():
            owned = any(field.name == "owner" for field in model._meta.get_fields())
            through = owned or model.__name__ == "Owner" or model.__name__ in listed
            assert through, f"{app}.{model.__name__} has no owner"
