"""`from`, `to` and `limit` on every list in time: from is included, to is not, and the next page goes on without a hole."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from marketdata import clock
from orders import portfolio
from orders.models import EquityPoint
from tests.orders.cast import NOON, Town, book_fill, found_town, hold, place_order

pytestmark = pytest.mark.django_db
COUNT = 9


@pytest.fixture
def ann(monkeypatch: pytest.MonkeyPatch) -> Client:
    """Ann with an order, a fill and a point of equity in each of the nine seconds after noon."""
    monkeypatch.setattr(portfolio, "mark_of", lambda *_: None)
    town = found_town()
    for number in range(1, COUNT + 1):
        book_fill(town, town.ann, place_order(town, town.ann, number), number)
        _point(town, number)
    hold(town, town.ann)
    EquityPoint.objects.filter(at=NOON).delete()
    return town.ann.client()


def _point(town: Town, number: int) -> None:
    who = town.ann
    EquityPoint.objects.create(
        account=who.account, owner=who.owner, at=_at(number), equity=Decimal(number), cash_flow=Decimal(0)
    )


def _at(number: int) -> Any:
    return NOON.replace(second=number)


def _pages(client: Client, address: str) -> list[list[Any]]:
    pages, path = [], f"/api/v1/{address}"
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, answer.content
        pages.append(answer.json()["results"])
        path = answer.json()["next"]
    return pages


NAMES = {
    "orders": lambda row: int(row["request_id"].split("-")[1]),
    "fills": lambda row: int(row["exchange_trade_id"][1:]),
    "pnl/equity": lambda row: int(row[1]),
}


@pytest.mark.parametrize("path", NAMES)
def test_from_is_included_and_to_is_not(ann: Client, path: str) -> None:
    (rows,) = _pages(ann, f"{path}?from={clock.iso(_at(3))}&to={clock.iso(_at(7))}")
    assert {NAMES[path](row) for row in rows} == {3, 4, 5, 6}


@pytest.mark.parametrize("path", NAMES)
def test_pages_of_a_span_go_on_without_a_hole(ann: Client, path: str) -> None:
    pages = _pages(ann, f"{path}?from={clock.iso(_at(2))}&to={clock.iso(_at(9))}&limit=3")
    assert [len(page) for page in pages] == [3, 3, 1]
    seen = [[NAMES[path](row) for row in page] for page in pages]
    if path == "pnl/equity":  # oldest first, ending at the newest; the next page is the one before
        assert seen == [[6, 7, 8], [3, 4, 5], [2]]
    else:
        assert seen == [[8, 7, 6], [5, 4, 3], [2]]


@pytest.mark.parametrize("path", NAMES)
@pytest.mark.parametrize("wrong", ["from=noon", "to=2026-01-01T00:00:00", "limit=-1", "limit=1.5"])
def test_a_span_that_cannot_be_read_is_refused(ann: Client, path: str, wrong: str) -> None:
    answer = ann.get(f"/api/v1/{path}?{wrong}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [wrong.split("=")[0]])
