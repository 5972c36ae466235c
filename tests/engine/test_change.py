"""Cancels and amends: by whoever owns the order, while it is open, once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orders import messages
from orders.ids import body_hash
from orders.models import Balance, Order


def _amend(engine: Any, order_id: str, **more: Any) -> messages.Amend:
    account = engine.cast.account
    return messages.Amend(
        owner_id=account.owner_id, account_ids=[account.pk], request_id=f"a{abs(hash(str(more)))}",
        body_hash=body_hash(order_id, str(more)), id=order_id, **more,
    )  # fmt: skip


def test_a_cancel_ends_the_order_and_frees_its_money(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    status, canceled, _ = engine.ask(engine.cancel(order["id"]))
    assert (status, canceled["status"], canceled["remaining_quantity"]) == (200, "canceled", "0")
    assert Balance.objects.get(account=engine.cast.account, asset__code="USDT").used == 0


def test_a_second_cancel_is_409_with_the_order(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    engine.ask(engine.cancel(order["id"]))
    status, body, _ = engine.ask(engine.cancel(order["id"]))
    assert (status, body["code"], body["order"]["status"]) == (409, "ORDER_FINAL", "canceled")


def test_a_filled_order_of_an_earlier_life_cannot_be_canceled(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01"))
    engine.restart()
    status, body, _ = engine.ask(engine.cancel(order["id"]))
    assert (status, body["order"]["status"]) == (409, "filled")


def test_an_order_is_found_by_its_request_id_too(engine: Any) -> None:
    engine.ask(engine.place("buy", "0.01", "50000", request_id="mine"))
    account = engine.cast.account
    command = messages.Cancel(
        owner_id=account.owner_id, account_ids=[account.pk], request_id="c1", body_hash=b"x", client="mine"
    )
    assert engine.ask(command)[1]["status"] == "canceled"


def test_somebody_else_finds_nothing_to_cancel(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    assert engine.ask(engine.cancel(order["id"], account=engine.cast.others))[0] == 404
    assert Order.objects.get().status == "new"


def test_an_amend_moves_price_and_quantity_and_their_hold(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    status, amended, _ = engine.ask(_amend(engine, order["id"], price="40000", quantity="0.02"))
    assert (status, amended["price"], amended["quantity"]) == (200, "40000", "0.02")
    assert Balance.objects.get(account=engine.cast.account, asset__code="USDT").used == Decimal("800.4")
    row = Order.objects.get()
    assert (row.price, row.quantity) == (Decimal(40000), Decimal("0.02"))


def test_an_amend_off_the_tick_is_refused_and_changes_nothing(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    status, body, _ = engine.ask(_amend(engine, order["id"], price="40000.001"))
    assert status == 422 and body["code"] == "PRICE_PRECISION"
    assert Order.objects.get().price == Decimal(50000)


def test_cancel_all_ends_what_passes_its_filters(engine: Any) -> None:
    engine.ask_all([engine.place("buy", "0.01", "50000"), engine.place("sell", "0.01", "90000")])
    account = engine.cast.account
    status, body, _ = engine.ask(messages.CancelAll(owner_id=account.owner_id, account_ids=[account.pk], side="sell"))
    assert status == 200 and [order["side"] for order in body["results"]] == ["sell"]
    assert set(Order.objects.values_list("side", "status")) == {("buy", "new"), ("sell", "canceled")}


def test_cancel_all_is_one_command_of_the_core_and_answers_oldest_first(engine: Any) -> None:
    places = [engine.place("buy", "0.01", str(50_000 - 10 * n), strategy_id="grid") for n in range(5)]
    engine.ask_all(
        [*places, engine.place("buy", "0.01", "40000"), engine.place("sell", "0.01", "90000", strategy_id="grid")]
    )
    account, before = engine.cast.account, engine.core.stats()["commands"]
    status, body, _ = engine.ask(
        messages.CancelAll(owner_id=account.owner_id, account_ids=[account.pk], side="buy", strategy_id="grid")
    )
    assert status == 200 and [order["request_id"] for order in body["results"]] == [one.request_id for one in places]
    assert {order["status"] for order in body["results"]} == {"canceled"}
    assert engine.core.stats()["commands"] - before <= 2  # the clock's and the sweep
    assert Order.objects.filter(status="new").count() == 2
    before_hash = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before_hash
