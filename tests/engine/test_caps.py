"""What a key may place at once and in a day is decided by the engine, however many ask together."""

from __future__ import annotations

from typing import Any

from orders.models import Order


def test_an_order_past_the_keys_cap_is_403_and_not_placed(engine: Any) -> None:
    status, body, _ = engine.ask(engine.place("buy", "0.01", "50000", key_id=7, order_notional_max="499.99"))
    assert (status, body["code"], body["limit"], body["value"]) == (403, "KEY_ORDER_MAX", "499.99", "500")
    assert engine.ask(engine.place("buy", "0.01", "50000", key_id=7, order_notional_max="500"))[0] == 201
    assert Order.objects.count() == 1


def test_a_market_order_is_measured_by_the_book(engine: Any) -> None:
    status, body, _ = engine.ask(engine.place("buy", "0.01", key_id=7, order_notional_max="100"))
    assert (status, body["code"]) == (403, "KEY_ORDER_MAX") and float(body["value"]) > 600


def test_the_day_counts_all_orders_of_the_key_those_of_the_same_batch_too(engine: Any) -> None:
    def order() -> Any:
        return engine.place("buy", "0.01", "50000", key_id=7, day_notional_max="1200")

    assert engine.ask(order())[0] == 201
    answers = engine.ask_all([order(), order(), order()])
    assert [status for status, _, _ in answers] == [201, 403, 403]
    assert answers[1][1]["code"] == "KEY_DAY_MAX" and answers[1][1]["value"] == "1500"
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201  # by hand: no key, no cap
