"""`orders/batch`: every item has its own answer, in its place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orders import keys
from orders.models import Order
from tests.engine.doors import post

PATH = "/api/v1/orders/batch"
ORDER = {"symbol": "BTC/USDT", "side": "buy", "type": "limit", "price": "50000", "quantity": "0.01"}


def place(**changes: Any) -> dict[str, Any]:
    return {"op": "place", "order": {**ORDER, **changes}}


def send(items: Any, key: str) -> tuple[int, Any]:
    status, _, body = asyncio.run(post({"items": items}, key, PATH))
    return status, body


def test_results_stand_in_the_order_of_the_items_and_none_stops_another(live: Any, trader_key: str) -> None:
    status, body = send(
        [
            place(request_id="first"),
            place(quantity="1e3"),
            place(quantity="5"),
            {"op": "amend", "order": {"client": "first", "quantity": "0.02"}},
            {"op": "cancel", "order": {"client": "first"}},
            {"op": "cancel", "order": {"client": "nobody's"}},
            {"op": "sell everything", "order": {}},
            "no item",
        ],
        trader_key,
    )
    results = body["results"]
    assert (status, [result["status"] for result in results]) == (207, [201, 400, 422, 200, 200, 404, 400, 400])
    assert results[0]["order"]["request_id"] == "first" and results[3]["order"]["quantity"] == "0.02"
    assert "quantity" in results[1]["errors"] and results[2]["code"] == "BALANCE_INSUFFICIENT"
    assert results[4]["order"]["status"] == "canceled" and results[2]["order"]["status"] == "rejected"
    assert Order.objects.count() == 2


def test_a_batch_sent_again_is_answered_again(live: Any, trader_key: str) -> None:
    items = [place(request_id=f"b{number}") for number in range(100)]
    _, first = send(items, trader_key)
    _, again = send([*items, place(request_id="new one")], trader_key)
    assert [result["status"] for result in first["results"]] == [201] * 100
    assert [result["status"] for result in again["results"]] == [200] * 100 + [400]
    assert [result["order"] for result in again["results"][:100]] == [result["order"] for result in first["results"]]
    assert Order.objects.count() == 100


def test_five_hundred_are_taken_and_no_more(live: Any, trader_key: str) -> None:
    status, body = send([place() for _ in range(500)], trader_key)
    assert status == 207 and len(body["results"]) == 500
    assert {result["status"] for result in body["results"]} <= {201, 422, 429}
    for items in ([place()] * 501, [], None, {"op": "place"}):
        status, body = send(items, trader_key)
        assert (status, list(body["errors"])) == (400, ["items"])


def test_what_a_key_may_not_do_it_may_not_do_in_a_batch(live: Any) -> None:
    cast = live.cast
    narrow, _ = keys.create(cast.trader, scopes=["read", "trade"], paper_only=True, symbols=["SHIB/USDT"])
    reader, _ = keys.create(cast.trader, scopes=["read"], paper_only=True)
    assert [result["status"] for result in send([place()] * 2, str(narrow.key))[1]["results"]] == [403, 403]
    assert send([place()], str(reader.key))[0] == 403
    assert send([place()], "mk_nobody")[0] == 401
    assert [r["status"] for r in send([place(account="other")], str(narrow.key))[1]["results"]] == [404]
    assert not Order.objects.exists()


def test_a_keys_rate_counts_items_and_cancels_have_their_own(live: Any) -> None:
    key, _ = keys.create(live.cast.trader, scopes=["read", "trade"], paper_only=True, rate_per_second=5)
    items = [place(request_id=f"r{number}") for number in range(8)]
    statuses = [result["status"] for result in send(items, str(key.key))[1]["results"]]
    assert statuses.count(201) in (5, 6) and set(statuses) == {201, 429}
    cancel = {"op": "cancel", "order": {"client": "r0"}}
    assert [result["status"] for result in send([place(), cancel], str(key.key))[1]["results"]] == [429, 200]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"items":[],"extra":1}', 400, "UNKNOWN_FIELD"),
        (b'{"items":[{"op":"place","op":"cancel","order":{}}]}', 400, "DUP_KEY"),
        (b'{"items":[{"op":"place","order":{"side":"buy","side":"sell"}}]}', 400, "DUP_KEY"),
        (b'{"items":' + b"[" * 50_000, 400, "DEPTH"),
        (b" " * (256 * 1024 + 1), 413, "BODY_TOO_LARGE"),
    ],
)
def test_a_batch_that_cannot_be_read_is_refused_whole(
    money: Any, trader_key: str, body: bytes, status: int, code: str
) -> None:
    raw = body.replace(b"{", b'{"api_key":"' + trader_key.encode() + b'",', 1)
    answered, _, told = asyncio.run(post(raw, trader_key, PATH))
    assert (answered, told["code"]) == (status, code)
