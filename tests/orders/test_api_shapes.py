"""Each answer has the contract's fields, all of them and no others, in its order."""

from __future__ import annotations

import pytest
from django.test import Client

from orders import portfolio
from tests.orders.cast import book_fill, found_town, hold, place_order

pytestmark = pytest.mark.django_db

FIELDS = {
    "orders": "id request_id client_order_id order_id user_id exchange_order_id account exchange symbol type side status price "
    "stop_price quantity filled_quantity remaining_quantity average_price time_in_force post_only reduce_only fees reason "
    "strategy_id source is_paper_trading created_at updated_at seq",
    "fills": "id order_id request_id exchange_trade_id account exchange symbol side price quantity fee fee_asset liquidity "
    "strategy_id timestamp",
    "positions": "account exchange symbol strategy_id quantity average_price mark_price realised unrealised fees as_of_seq "
    "reconciled_at state",
    "balances": "account asset total free used",
    "accounts": "id name exchange kind owner profile reporting_asset is_default armed_until state",
    "pnl": "account symbol strategy_id day realised unrealised fees funding residual",
}


@pytest.fixture
def ann(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(portfolio, "mark_of", lambda *_: None)
    town = found_town()
    book_fill(town, town.ann, place_order(town, town.ann))
    hold(town, town.ann)
    return town.ann.client()


@pytest.mark.parametrize("route", FIELDS)
def test_a_row_has_the_fields_of_the_contract(ann: Client, route: str) -> None:
    page = ann.get(f"/api/v1/{route}").json()
    assert list(page) == ["results", "next"]
    assert page["results"]
    assert {tuple(row) for row in page["results"]} == {tuple(FIELDS[route].split())}


def test_a_row_of_equity_is_time_equity_and_cash_flow(ann: Client) -> None:
    assert [type(cell) for cell in ann.get("/api/v1/pnl/equity").json()["results"][0]] == [int, str, str]


@pytest.mark.parametrize("path", ["orders/client:none", "orders?limit=0", "nowhere"])
def test_a_refusal_has_a_code_and_a_sentence(ann: Client, path: str) -> None:
    body = ann.get(f"/api/v1/{path}").json()
    assert {"code", "message"} <= set(body) <= {"code", "message", "errors", "limit", "value", "order"}
    assert body["message"].endswith(".")
