"""An entry's take profit and stop loss are orders of their own from its first fill on, and belong to it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orders import messages, rows
from orders.messages import Terms
from orders.models import ExecutionReport, Order

FAR = 1_000_000  # ticks


def _bracket(engine: Any, quantity: str = "0.01", **more: Any) -> dict[str, Any]:
    """Bought at the market, with a take profit far above and a stop loss far below."""
    bid, ask = engine.touch()
    terms = Terms(take_profit_ticks=ask + FAR, stop_loss_ticks=bid - FAR)
    status, order, _ = engine.ask(engine.place("buy", quantity, terms=terms, **more))
    assert (status, order["status"]) == (201, "filled"), order
    return dict(order)


def _legs(order: dict[str, Any]) -> tuple[Order, Order]:
    return tuple(Order.objects.get(request_id=f"{leg}~{order['id']}") for leg in ("tp", "sl"))  # type: ignore[return-value]


def test_a_fill_gives_birth_to_both_legs(engine: Any) -> None:
    order = _bracket(engine)
    profit, loss = _legs(order)
    assert (profit.type, profit.side, profit.status, profit.quantity) == ("limit", "sell", "new", Decimal("0.01"))
    assert (loss.type, loss.side, loss.status, loss.quantity) == ("stop", "sell", "new", Decimal("0.01"))
    assert profit.reduce_only and loss.reduce_only
    assert str(profit.parent_id) == str(loss.parent_id) == order["id"]
    assert len({profit.id, loss.id, order["id"]}) == 3


def test_legs_carry_what_their_parent_was_placed_with(engine: Any) -> None:
    order = _bracket(engine, strategy_id="grid", source="terminal", user_id="u-1", key_id=7)
    for leg in _legs(order):
        assert (leg.strategy_id, leg.source, leg.user_id, leg.key_id) == ("grid", "terminal", "u-1", 7)
        assert leg.account_id == engine.cast.account.pk and leg.owner_id == engine.cast.trader.pk


def test_the_account_channel_tells_of_every_leg(engine: Any) -> None:
    order = _bracket(engine)
    told = ExecutionReport.objects.filter(account=engine.cast.account, exec_type="0").order_by("account_seq")
    born = [report.payload["order"] for report in told if report.payload["order"].get("parent_id") == order["id"]]
    assert sorted(leg["request_id"][:3] for leg in born) == ["sl~", "tp~"]
    seqs = list(ExecutionReport.objects.filter(account=engine.cast.account).values_list("account_seq", flat=True))
    assert sorted(seqs) == list(range(1, len(seqs) + 1))


def test_rows_and_the_account_channel_say_the_same_of_every_order(engine: Any) -> None:
    bid, ask = engine.touch()
    _bracket(engine)
    engine.ask(engine.place("buy", "0.01", terms=Terms(take_profit_ticks=ask + FAR, stop_loss_ticks=bid)))
    engine.ask(engine.place("sell", "0.01", type="trailing_stop", terms=Terms(trail=250, trail_percent=True)))
    engine.print_at("sell")
    newest = {}
    for report in ExecutionReport.objects.filter(kind="report").order_by("account_seq"):
        newest[report.payload["order"]["id"]] = report.payload["order"]
    found = {str(row.id): rows.order(row) for row in Order.objects.select_related(*rows.ORDER_RELATED)}
    assert found == newest and len(found) > 6


def test_the_parent_shows_what_follows_it(engine: Any) -> None:
    order = _bracket(engine)
    assert set(order["take_profit"]) == {"price"} and order["stop_loss"]["limit_price"] is None


def test_a_leg_that_fills_ends_the_other(engine: Any) -> None:
    bid, ask = engine.touch()
    terms = Terms(take_profit_ticks=ask + FAR, stop_loss_ticks=bid)
    _, order, _ = engine.ask(engine.place("buy", "0.01", terms=terms))
    engine.print_at("sell")
    profit, loss = _legs(order)
    assert (loss.status, loss.filled_quantity) == ("filled", Decimal("0.01"))
    assert (profit.status, profit.reason["code"]) == ("canceled", "OCO_OTHER_LEG")


def test_a_canceled_leg_leaves_the_other(engine: Any) -> None:
    order = _bracket(engine)
    profit, loss = _legs(order)
    assert engine.ask(engine.cancel(str(profit.id)))[0] == 200
    loss.refresh_from_db()
    assert loss.status == "new"


def test_cancel_all_takes_the_legs_with_it(engine: Any) -> None:
    order = _bracket(engine)
    account = engine.cast.account
    status, body, _ = engine.ask(messages.CancelAll(owner_id=account.owner_id, account_ids=[account.pk]))
    assert status == 200 and {one["status"] for one in body["results"]} == {"canceled"}
    assert {leg.status for leg in _legs(order)} == {"canceled"}
    assert engine.core.open_orders(account.pk) == []


def test_a_partly_filled_entry_has_legs_of_what_it_filled(engine: Any) -> None:
    bid, ask = engine.touch()
    terms = Terms(take_profit_ticks=ask + FAR, stop_loss_ticks=bid - FAR)
    price = str(Decimal(bid + 1) / 100)
    _, order, _ = engine.ask(engine.place("buy", "0.02", price, terms=terms))
    assert order["status"] == "new"
    for sold in ("0.005", "0.01"):
        engine.ask(engine.place("sell", sold, price, account=engine.cast.others, time_in_force="ioc"))
        filled = Order.objects.get(id=order["id"]).filled_quantity
        assert {leg.quantity for leg in _legs(order)} == {filled}
    assert filled == Decimal("0.015")


def test_an_open_bracket_comes_back_whole_after_a_crash(engine: Any) -> None:
    order = _bracket(engine)
    before = engine.core.hash()
    engine.service.checkpointer.start(engine.core, engine.service.chain.seq, engine.service._extra())
    engine.service.checkpointer.wait()
    second = _bracket(engine)
    after = engine.core.hash()
    assert before != after
    engine.restart()
    assert engine.core.hash() == after
    engine.core.verify()
    for leg in (*_legs(order), *_legs(second)):
        live = engine.service.orders.by_no(leg.order_no)
        assert live.is_open and live.parent_id == leg.parent_id
    profit, _ = _legs(order)
    assert engine.ask(engine.cancel(str(profit.id)))[1]["status"] == "canceled"


def test_an_oco_is_a_limit_order_with_a_stop_beside_it(engine: Any) -> None:
    engine.ask(engine.place("buy", "0.01"))
    bid, ask = engine.touch()
    terms = Terms(stop_loss_ticks=bid)
    price = str(Decimal(ask + FAR) / 100)
    status, order, _ = engine.ask(engine.place("sell", "0.01", price, reduce_only=True, terms=terms))
    assert (status, order["status"]) == (201, "new")
    leg = Order.objects.get(request_id=f"sl~{order['id']}")
    assert (leg.type, leg.status, str(leg.parent_id)) == ("stop", "new", order["id"])
    engine.print_at("sell")
    assert Order.objects.get(id=leg.id).status == "filled"
    ended = Order.objects.get(id=order["id"])
    assert (ended.status, ended.reason["code"]) == ("canceled", "OCO_OTHER_LEG")
