"""A request_id means one thing for ever: asked again it is answered again, never decided again."""

from __future__ import annotations

from typing import Any

from orders.models import Fill, Order, Request


def test_the_same_request_again_is_the_same_order_and_says_so(engine: Any) -> None:
    _, first, _ = engine.ask(engine.place("buy", "0.01", request_id="once"))
    status, again, headers = engine.ask(engine.place("buy", "0.01", request_id="once"))
    assert (status, headers) == (200, {"Idempotent-Replay": "true"})
    assert again == first and Order.objects.count() == 1


def test_a_hundred_in_one_batch_make_one_order(engine: Any) -> None:
    answers = engine.ask_all([engine.place("buy", "0.01", request_id="hundred") for _ in range(100)])
    assert sorted(status for status, _, _ in answers) == [200] * 99 + [201]
    assert len({body["id"] for _, body, _ in answers}) == 1
    assert Order.objects.count() == Request.objects.count() == 1


def test_another_body_under_a_used_id_is_refused(engine: Any) -> None:
    engine.ask(engine.place("buy", "0.01", request_id="used"))
    status, body, _ = engine.ask(engine.place("buy", "0.02", request_id="used"))
    assert (status, body["code"]) == (422, "REQUEST_ID_REUSED")
    assert Order.objects.count() == 1


def test_a_fresh_engine_knows_the_requests_of_the_one_before(engine: Any) -> None:
    _, first, _ = engine.ask(engine.place("buy", "0.01", request_id="kept"))
    fills = Fill.objects.count()
    engine.restart()
    status, again, headers = engine.ask(engine.place("buy", "0.01", request_id="kept"))
    assert (status, again["id"], headers) == (200, first["id"], {"Idempotent-Replay": "true"})
    assert again == first and Fill.objects.count() == fills


def test_the_same_id_on_two_accounts_is_two_orders(engine: Any) -> None:
    first = engine.ask(engine.place("buy", "0.01", request_id="both"))[1]
    second = engine.ask(engine.place("buy", "0.01", request_id="both", account=engine.cast.others))[1]
    assert first["id"] != second["id"] and {first["account"], second["account"]} == {"trader", "other"}
