"""What the lists of the API show: shapes, filters, pages, order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from orders import documents, portfolio, shapes
from tests.orders.cast import NOON, Town, book_fill, found_town, hold, place_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(portfolio, "mark_of", lambda *_: None)
    return found_town()


@pytest.fixture
def ann(town: Town) -> Client:
    return town.ann.client()


def results(client: Client, path: str) -> list[Any]:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]  # type: ignore[no-any-return]


def refused(client: Client, path: str) -> tuple[int, str, dict[str, str]]:
    answer = client.get(f"/api/v1/{path}")
    return answer.status_code, answer.json()["code"], answer.json().get("errors", {})


def test_an_order_has_the_fields_of_the_contract_in_text(town: Town, ann: Client) -> None:
    row = place_order(town, town.ann, order_id="mine", source="desk", filled_quantity=Decimal("0.2"), cost=12000)
    (order,) = results(ann, "orders")
    assert order == {
        "id": str(row.pk),
        "request_id": "ann-1",
        "client_order_id": "ann-1",
        "order_id": "mine",
        "user_id": None,
        "exchange_order_id": None,
        "account": "ann-sim",
        "exchange": "sim",
        "symbol": "BTC/USDT",
        "type": "limit",
        "side": "buy",
        "status": "new",
        "price": "60000.1",
        "stop_price": None,
        "quantity": "0.5",
        "filled_quantity": "0.2",
        "remaining_quantity": "0.3",
        "average_price": "60000",
        "time_in_force": "gtc",
        "post_only": False,
        "reduce_only": False,
        "fees": [],
        "reason": None,
        "strategy_id": "",
        "source": "desk",
        "is_paper_trading": True,
        "created_at": "2026-11-20T12:00:01.000000Z".replace(".000000", f".{NOON.microsecond:06d}"),
        "updated_at": "2026-11-20T12:00:01.123456Z",
        "seq": 1,
    }


def test_orders_are_newest_first_and_pages_neither_skip_nor_repeat(town: Town, ann: Client) -> None:
    for number in range(1, 12):
        place_order(town, town.ann, number, created_at=NOON)  # all at one moment: the number decides
    seen, path = [], "/api/v1/orders?limit=4"
    while path:
        page = ann.get(path).json()
        seen += [order["request_id"] for order in page["results"]]
        if len(seen) == 4:
            place_order(town, town.ann, 50)  # arrives meanwhile
        path = page["next"]
    assert seen == [f"ann-{number}" for number in range(11, 0, -1)]


def test_a_page_has_never_more_than_500(town: Town, ann: Client) -> None:
    assert ann.get("/api/v1/orders?limit=100000").status_code == 200
    assert refused(ann, "orders?limit=0")[:2] == (400, "INVALID")


def test_a_cursor_that_is_not_ours_is_refused(town: Town, ann: Client) -> None:
    for cursor in ("x", "AAAA", "%00", "a" * 300):
        assert refused(ann, f"orders?cursor={cursor}")[0] == 400


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("status=open", ["ann-2", "ann-1"]),
        ("status=final", ["ann-3"]),
        ("status=filled,new", ["ann-3", "ann-2", "ann-1"]),
        ("side=SELL", ["ann-2"]),
        ("symbol=btc_usdt", ["ann-3", "ann-2", "ann-1"]),
        ("symbol=ETH/USDT", []),
        ("exchange=sim&type=limit", ["ann-3", "ann-2", "ann-1"]),
        ("strategy_id=", ["ann-2", "ann-1"]),
        ("strategy_id=grid", ["ann-3"]),
        ("request_id=ann-2", ["ann-2"]),
        ("account=ann-sim", ["ann-3", "ann-2", "ann-1"]),
        ("from=2026-11-20T12:00:02Z&to=2026-11-20T12:00:03Z", ["ann-2"]),
        ("to=1795176002000", ["ann-1"]),
    ],
)
def test_orders_can_be_filtered(town: Town, ann: Client, filters: str, found: list[str]) -> None:
    place_order(town, town.ann, 1)
    place_order(town, town.ann, 2, side="sell")
    place_order(town, town.ann, 3, status="filled", strategy_id="grid")
    assert [order["request_id"] for order in results(ann, f"orders?{filters}")] == found


def test_a_misspelt_filter_is_refused_by_name(town: Town, ann: Client) -> None:
    status, code, errors = refused(ann, "orders?acount=ann-sim")
    assert (status, code, list(errors)) == (400, "UNKNOWN_FIELD", ["acount"])


def test_a_filter_given_twice_is_refused(town: Town, ann: Client) -> None:
    assert refused(ann, "orders?side=buy&side=sell")[:2] == (400, "UNKNOWN_FIELD")


def test_one_order_is_found_by_both_its_names(town: Town, ann: Client) -> None:
    row = place_order(town, town.ann)
    by_id = ann.get(f"/api/v1/orders/{row.pk}").json()
    assert ann.get("/api/v1/orders/client:ann-1").json() == by_id
    assert ann.get(f"/api/orders/{row.pk}").json() == by_id


@pytest.mark.parametrize("name", ["client:other", "00000000-0000-0000-0000-000000000000", "nonsense", "client:%20"])
def test_an_order_that_is_not_there_is_not_found(town: Town, ann: Client, name: str) -> None:
    assert refused(ann, f"orders/{name}")[:2] == (404, "NOT_FOUND")


def test_a_final_order_has_nothing_remaining(town: Town, ann: Client) -> None:
    place_order(town, town.ann, status="canceled", reason={"code": "BY_USER", "limit": None, "value": None})
    (order,) = results(ann, "orders")
    assert (order["remaining_quantity"], order["reason"]["code"]) == ("0", "BY_USER")


def test_fills_are_newest_first_with_the_fields_of_the_contract(town: Town, ann: Client) -> None:
    order = place_order(town, town.ann)
    for number in (1, 2, 3):
        book_fill(town, town.ann, order, number)
    fills = results(ann, "fills?limit=2")
    assert [fill["exchange_trade_id"] for fill in fills] == ["t3", "t2"]
    assert fills[0]["order_id"] == str(order.pk)
    assert fills[0]["fee_asset"] == "USDT"
    assert results(ann, f"fills?order_id={order.pk}&side=sell") == []


def test_balances_accounts_and_positions_are_there(town: Town, ann: Client) -> None:
    hold(town, town.ann)
    assert results(ann, "balances") == [
        {"account": "ann-sim", "asset": "USDT", "total": "1000.5", "free": "1000", "used": "0.5"}
    ]
    (account,) = results(ann, "accounts")
    assert (account["name"], account["kind"], account["owner"], account["profile"]) == (
        "ann-sim",
        "simulated",
        "ann",
        "paper",
    )
    (position,) = results(ann, "positions")
    assert (position["quantity"], position["average_price"], position["unrealised"]) == ("0.1", "60000", None)


@pytest.mark.parametrize("path", ["accounts", "balances", "positions", "pnl", "risk/limits", "keys", "orders", "fills"])
def test_every_list_can_be_read_page_by_page(town: Town, ann: Client, path: str) -> None:
    book_fill(town, town.ann, place_order(town, town.ann))
    hold(town, town.ann)
    whole = results(ann, f"{path}?limit=500")
    pieces, address = [], f"/api/v1/{path}?limit=1"
    while address:
        page = ann.get(address).json()
        pieces += page["results"]
        address = page["next"]
    for row in (*pieces, *whole):
        row.pop("reconciled_at", None)  # of the moment it was asked
    assert pieces == whole
    assert whole


def test_the_equity_curve_is_oldest_first(town: Town, ann: Client) -> None:
    hold(town, town.ann)
    answer = ann.get("/api/v1/pnl/equity").json()
    assert answer["results"] == [[1795176000123, "7000.5", "0"]]
    assert (answer["account"], answer["asset"]) == ("ann-sim", "USDT")


def test_huge_amounts_keep_every_digit(town: Town, ann: Client) -> None:
    hold(town, town.ann)
    town.ann.account.balances.update(total=Decimal("12345678901234567890.123456789012345678"))
    (balance,) = results(ann, "balances")
    assert balance["free"] == "12345678901234567889.623456789012345678"


def test_the_seed_systems_paths_answer_too(town: Town, ann: Client) -> None:
    order = place_order(town, town.ann)
    book_fill(town, town.ann, order)
    assert [row["id"] for row in ann.get("/api/orders").json()["results"]] == [str(order.pk)]
    assert len(ann.get("/api/executions").json()["results"]) == 1
    assert ann.get("/api/positions").json()["results"] == []


def test_a_path_that_is_no_route_is_told_in_json(town: Town, ann: Client) -> None:
    for path in ("orders/batch/x", "metrics/none", "strategies"):
        assert refused(ann, path)[:2] == (404, "NOT_FOUND")


def test_shapes_and_their_documents_have_the_same_fields() -> None:
    pairs = (
        (shapes.order_shape, documents.Order),
        (shapes.fill_shape, documents.Fill),
        (shapes.position_shape, documents.Position),
        (shapes.balance_shape, documents.Balance),
        (shapes.account_shape, documents.Account),
        (shapes.pnl_shape, documents.Pnl),
        (shapes.halt_shape, documents.Halt),
    )
    extra = {"order_shape": {"account_kind", "fee", "fee_asset", "other_fees", "conditions"}}
    conditions = set(shapes.conditions_shape.__annotations__) - {"return", "stop_loss_limit"}
    answered_as = {"order_shape": {"client_order_id", "fees", "is_paper_trading", *conditions}}
    for shape, document in pairs:
        name = shape.__name__
        asked = set(shape.__kwdefaults__ or ()) | set(shape.__annotations__) - {"return"}
        fields = asked - extra.get(name, set()) | answered_as.get(name, set())
        assert fields == set(document().fields), name
