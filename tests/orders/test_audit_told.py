"""What people are refused is counted, what they do is a line, and each sees of it what is theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from marketdata import clock
from orders.audit import floods, lines
from orders.models import Audit, AuditCount
from tests.orders.cast import PASSWORD, Town, found_town

pytestmark = pytest.mark.django_db


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(floods, "_here", floods.Floods())
    return found_town()


def counted() -> dict[str, int]:
    floods.default().flush()
    found: dict[str, int] = {}
    for row in AuditCount.objects.all():
        found[row.action] = found.get(row.action, 0) + row.count
    return found


def audit(client: Client, **query: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/audit", query)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]  # type: ignore[no-any-return]


def test_refusals_are_counted_by_what_they_are(town: Town) -> None:
    town.ann.signed("GET", "/api/v1/orders", signature="0" * 64)
    town.ann.signed("GET", "/api/v1/orders", timestamp="1000")
    Client().get("/api/v1/orders")
    town.ann.client().put("/api/v1/risk/limits", {}, content_type="application/json")
    town.ann.client().get("/api/v1/orders?colour=red")
    town.ann.client().get("/api/v1/fills?account=bob-sim")
    Client().post("/login", {"username": "ann", "password": "wrong"})
    found = counted()
    assert {name: found[name] for name in ("auth.fail", "authz", "valid", "authz.obj", "login.fail")} == {
        "auth.fail": 3, "authz": 1, "valid": 1, "authz.obj": 1, "login.fail": 1,
    }  # fmt: skip


def test_a_flood_is_one_line_a_minute_action_and_address(town: Town) -> None:
    here = floods.default()
    for number in range(3000):
        here.note("auth.fail", f"10.0.{number // 250}.{number % 250}", f"key {number}")
    here.note("authz", "10.0.0.1")
    here.flush()
    minutes = {row.minute for row in AuditCount.objects.all()}  # two, if one ended meanwhile
    assert AuditCount.objects.count() <= len(minutes) * (floods.ADDRESSES_MAX + 1) + 1
    assert counted() == {"auth.fail": 3000, "authz": 1}
    assert floods.close(clock.now() - timedelta(minutes=1)) == 0
    assert floods.close(clock.now() + timedelta(minutes=3)) > 0
    assert AuditCount.objects.count() == 0
    told = Audit.objects.filter(action="auth.fail")
    assert sum(line.detail["count"] for line in told) == 3000
    assert all(len(line.detail["targets"]) <= floods.TARGETS_MAX for line in told)


def test_signing_in_and_out_are_lines(town: Town) -> None:
    client = Client()
    client.post("/login", {"username": "ann", "password": PASSWORD})
    client.post("/logout")
    told = Audit.objects.filter(actor="ann").order_by("seq").values_list("action", "ip", "owner_id")
    assert list(told) == [("login", "127.0.0.1", town.ann.owner.pk), ("logout", "127.0.0.1", town.ann.owner.pk)]


def test_the_console_has_no_way_in_of_its_own(town: Town) -> None:
    answer = Client().get("/admin/login/?next=/admin/orders/order/")
    assert (answer.status_code, answer["Location"]) == (302, "/login?next=/admin/orders/order/")


def test_each_sees_their_own_and_operators_those_of_the_installation(town: Town) -> None:
    lines.note("test.ann", actor="ann", owner_id=town.ann.owner.pk)
    lines.note("test.bob", actor="bob", owner_id=town.bob.owner.pk)
    lines.note("test.all", actor="nobody")
    floods.note("auth.fail", "10.0.0.1", "key 1")

    def seen(client: Client) -> set[str]:
        return {line["action"] for line in audit(client) if line["action"].startswith(("test.", "auth."))}

    assert seen(town.ann.client()) == {"test.ann"}
    assert seen(town.otto.client()) == {"test.ann", "test.bob", "test.all", "auth.fail"}
    (count,) = audit(town.otto.client(), action="auth.fail")
    assert (count["code"], count["seq"], count["detail"]["count"]) == ("AUTH_FAIL", None, 1)


def test_pages_neither_skip_nor_repeat(town: Town) -> None:
    for number in range(9):
        lines.note("test.page", actor="ann", owner_id=town.ann.owner.pk, number=number)
    seen, path = [], "/api/v1/audit?action=test.page&limit=4"
    while path:
        page = town.ann.client().get(path).json()
        seen += [line["detail"]["number"] for line in page["results"]]
        path = page["next"]
    assert seen == [8, 7, 6, 5, 4, 3, 2, 1, 0]
