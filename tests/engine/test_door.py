"""The hot door, with a live engine behind it: what it answers, and what it never does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orders import caller
from orders.models import Order, RiskLimit
from tests.engine.doors import post

BODY = {"symbol": "BTC/USDT", "side": "buy", "type": "limit", "price": "50000", "quantity": "0.01"}


def test_an_order_is_placed_and_answered_201(live: Any, trader_key: str) -> None:
    status, _, order = asyncio.run(post(BODY, trader_key))
    assert (status, order["status"], order["account"]) == (201, "new", "trader")
    assert Order.objects.get().status == "new"


def test_a_hundred_at_once_under_one_id_make_one_order(live: Any, trader_key: str) -> None:
    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(post({**BODY, "request_id": "same"}, trader_key) for _ in range(100)))

    answers = asyncio.run(all_at_once())
    assert sorted(status for status, _, _ in answers) == [200] * 99 + [201]
    assert len({order["id"] for _, _, order in answers}) == 1 and Order.objects.count() == 1
    assert all(headers.get("idempotent-replay") == "true" for status, headers, _ in answers if status == 200)


def test_the_idempotency_header_is_the_request_id(live: Any, trader_key: str) -> None:
    _, _, order = asyncio.run(post(BODY, trader_key, idempotency_key="by-header"))
    assert order["request_id"] == order["client_order_id"] == "by-header"


@pytest.mark.parametrize("path", ["/order-engine/v1/orders", "/api/order"])
def test_the_seed_systems_paths_lead_here_too(live: Any, trader_key: str, path: str) -> None:
    status, _, order = asyncio.run(
        post(
            {**BODY, "type": "LIMIT", "side": "BUY", "time_in_force": "GTC", "order_id": "theirs", "user_id": "u-1"},
            trader_key,
            path,
        )
    )
    assert (status, order["type"], order["order_id"], order["user_id"]) == (201, "limit", "theirs", "u-1")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": 0.01}, "quantity"),
        ({"quantity": "1e-2"}, "quantity"),
        ({"quantity": "+1"}, "quantity"),
        ({"quantity": "1_000"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"price": "50000\n"}, "price"),
        ({"price": None}, "price"),
        ({"type": "limt"}, "type"),
        ({"side": 1}, "side"),
        ({"status": "filled"}, "status"),
        ({"request_id": "with space"}, "request_id"),
        ({"request_id": "a", "client_order_id": "b"}, "request_id"),
        ({"post_only": "yes"}, "post_only"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_400_and_names_the_field(
    money: Any, trader_key: str, change: dict[str, Any], field: str
) -> None:
    status, _, body = asyncio.run(post({**BODY, **change}, trader_key))
    assert status == 400 and field in body["errors"]


def test_what_newer_seed_clients_send_beside_is_kept(live: Any, trader_key: str) -> None:
    beside = {
        "market_type": "spot",
        "strategy_name": "grid",
        "interval": "1m",
        "internal": False,
        "need_notification": True,
    }
    assert asyncio.run(post({**BODY, **beside}, trader_key))[0] == 201
    assert Order.objects.get().extra == {name: str(value) for name, value in beside.items()}


def test_a_price_between_two_ticks_is_422_and_names_the_nearest(money: Any, trader_key: str) -> None:
    status, _, body = asyncio.run(post({**BODY, "price": "50000.005"}, trader_key))
    assert (status, body["code"], body["limit"]) == (422, "PRICE_PRECISION", "0.01")
    assert "50000" in body["message"]


def test_what_is_not_offered_is_refused_never_ignored(money: Any, trader_key: str) -> None:
    status, _, body = asyncio.run(post({**BODY, "extended_hours": True}, trader_key))
    assert (status, body["code"]) == (422, "TIF_UNSUPPORTED")


def test_a_live_wish_on_paper_money_is_a_mismatch(money: Any, trader_key: str) -> None:
    status, _, body = asyncio.run(post({**BODY, "is_paper_trading": False}, trader_key))
    assert (status, body["code"]) == (422, "MODE_MISMATCH")


def test_somebody_elses_account_is_404(money: Any, trader_key: str) -> None:
    assert asyncio.run(post({**BODY, "account": "other"}, trader_key))[0] == 404


def test_no_engine_is_503_and_surely_nothing_accepted(money: Any, trader_key: str) -> None:
    caller.default.cache_clear()
    status, headers, body = asyncio.run(post(BODY, trader_key))
    assert (status, body["code"], headers["retry-after"]) == (503, "NOT_ACCEPTED", "1")
    caller.default.cache_clear()


def test_an_engine_that_does_not_answer_is_504_with_the_time_of_the_truth(engine: Any, trader_key: str) -> None:
    caller.default.cache_clear()
    status, _, body = asyncio.run(post({**BODY, "request_id": "unheard"}, trader_key))
    assert (status, body["code"], body["request_id"]) == (504, "OUTCOME_PENDING", "unheard")
    assert body["decided_by"].endswith("Z")
    caller.default.cache_clear()


def test_a_body_that_is_no_json_or_too_large_is_told_so(money: Any, trader_key: str) -> None:
    assert asyncio.run(post(b"{}", trader_key, content_type="text/plain"))[0] == 415
    twice = f'{{"api_key":"{trader_key}","side":"buy","side":"sell"}}'.encode()
    assert asyncio.run(post(twice, trader_key))[2]["code"] == "DUP_KEY"
    assert asyncio.run(post(b"x" * 70_000, trader_key))[0] == 413


def test_nobody_is_401(money: Any) -> None:
    assert asyncio.run(post(BODY, "mk_nobody"))[0] == 401


def test_faster_than_the_accounts_rate_is_429_and_says_when_to_come_back(live: Any, trader_key: str) -> None:
    for code, value in (("rate_per_second", 1), ("rate_burst", 2)):
        RiskLimit.objects.create(account=live.cast.account, code=code, value=value)

    async def until_refused() -> tuple[int, dict[str, str], Any]:
        for _ in range(20):
            answer = await post(BODY, trader_key)
            if answer[0] != 201:
                return answer
        raise AssertionError("no order was refused")

    status, headers, body = asyncio.run(until_refused())
    assert (status, body["code"], headers["retry-after"]) == (429, "RATE_ORDERS", "1")
    assert body["order"]["status"] == "rejected"


def test_a_stale_spec_version_is_409_and_an_over_large_order_422(live: Any, trader_key: str) -> None:
    status, _, body = asyncio.run(post({**BODY, "spec_version": 99}, trader_key))
    assert (status, body["code"]) == (409, "SPEC_CHANGED")
    status, _, body = asyncio.run(post({**BODY, "quantity": "5"}, trader_key))
    assert (status, body["code"], body["limit"], body["value"]) == (422, "BALANCE_INSUFFICIENT", "100000", "250125")
    assert body["order"]["reason"] == {"code": "BALANCE_INSUFFICIENT", "limit": "100000", "value": "250125"}
