"""A stop waits for the last price, then acts; its row and the account channel say each step."""

from __future__ import annotations

from typing import Any

from orders import messages
from orders.ids import body_hash
from orders.messages import Terms
from orders.models import Balance, ExecutionReport, Order


def _steps(order_id: str) -> str:
    """The exec_types of an order, in order."""
    found = ExecutionReport.objects.filter(order_uuid=order_id).order_by("account_seq")
    return "".join(found.values_list("exec_type", flat=True))


def _stop(engine: Any, below: int = 0, **more: Any) -> dict[str, Any]:
    bid, _ = engine.touch()
    terms = more.pop("terms", Terms(stop_ticks=bid - below))
    status, order, _ = engine.ask(engine.place("sell", "0.01", type=more.pop("type", "stop"), terms=terms, **more))
    assert status == 201, order
    return dict(order)


def test_a_stop_waits_then_sells_at_the_market(engine: Any) -> None:
    order = _stop(engine)
    assert (order["status"], order["price"], order["type"]) == ("new", None, "stop")
    assert order["stop_price"] is not None and "triggered_at" not in order
    engine.print_at("sell")
    row = Order.objects.get(id=order["id"])
    assert (row.status, row.filled_quantity) == ("filled", row.quantity) and row.triggered_at is not None
    assert _steps(order["id"]).startswith("0LF")


def test_a_stop_limit_rests_at_its_price_once_triggered(engine: Any) -> None:
    order = _stop(engine, type="stop_limit", price="70000")
    assert order["price"] == "70000"
    engine.print_at("sell")
    row = Order.objects.get(id=order["id"])
    assert row.status == "new" and row.triggered_at is not None
    assert engine.core.market_order(row.order_no)["price_ticks"] == 7_000_000


def test_a_trailing_stop_follows_the_market_and_its_row_with_it(engine: Any) -> None:
    engine.print_at("sell")
    order = _stop(engine, type="trailing_stop", terms=Terms(trail=100_000))
    first = Order.objects.get(id=order["id"]).stop_price
    assert first is not None and order["trail_amount"] == "1000"
    engine.print_at("buy")  # the ask is higher than the bid was
    row = Order.objects.get(id=order["id"])
    assert row.stop_price > first and row.status == "new"
    assert _steps(order["id"]) == "0D"


def test_a_trail_of_a_share_is_kept_as_asked(engine: Any) -> None:
    engine.print_at("sell")
    order = _stop(engine, type="trailing_stop", terms=Terms(trail=150, trail_percent=True))
    assert order["trail_percent"] == "1.5" and "trail_amount" not in order


def test_a_waiting_stop_can_be_canceled_and_frees_its_hold(engine: Any) -> None:
    order = _stop(engine, below=100_000)
    btc = Balance.objects.get(account=engine.cast.account, asset__code="BTC")
    assert btc.used == Order.objects.get().quantity
    status, canceled, _ = engine.ask(engine.cancel(order["id"]))
    assert (status, canceled["status"]) == (200, "canceled")
    btc.refresh_from_db()
    assert btc.used == 0


def test_a_waiting_stop_limit_can_be_amended(engine: Any) -> None:
    order = _stop(engine, below=100_000, type="stop_limit", price="60000")
    account = engine.cast.account
    amend = messages.Amend(
        owner_id=account.owner_id, account_ids=[account.pk], request_id="a1", body_hash=body_hash("a1"), id=order["id"],
        price="61000", quantity="0.02",
    )  # fmt: skip
    status, amended, _ = engine.ask(amend)
    assert (status, amended["price"], amended["quantity"]) == (200, "61000", "0.02")
    assert amended["stop_price"] == order["stop_price"]


def test_a_stop_comes_back_after_a_crash_and_still_acts(engine: Any) -> None:
    order = _stop(engine, below=200_000)
    before = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before
    engine.core.verify()
    live = engine.service.orders.by_no(Order.objects.get(id=order["id"]).order_no)
    assert live.terms.stop_ticks and live.is_open
    near = _stop(engine)
    engine.restart()
    engine.print_at("sell")
    assert Order.objects.get(id=near["id"]).status == "filled"
    assert Order.objects.get(id=order["id"]).status == "new"
