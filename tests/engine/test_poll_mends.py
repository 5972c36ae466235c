"""A report that got lost is found again: the poll asks the exchange through the port and the engine books it, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from marketdata import clock
from orders import _core, messages
from orders import poll as poll_module
from orders.exchanges.sim import RemoteSimExchange
from orders.models import Fill, Order
from orders.poll import poll
from orders.simulator import AGENT_BIT


def _resting_sell(engine: Any, quantity: str) -> dict[str, Any]:
    ask = engine.core.best(engine.cast.btc.pk)[2]
    price = f"{(ask - 1) // 100}.{(ask - 1) % 100:02d}"
    _, order, _ = engine.ask(engine.place("sell", quantity, price))
    assert order["status"] == "new"
    return order


def _hit(engine: Any, order: dict[str, Any], lots: int) -> None:
    """An agent buys from the order; the core keeps the report to itself."""
    ticks = int(order["price"].replace(".", "").ljust(len(order["price"].split(".")[0]) + 2, "0"))
    engine.core.fail_at("market.report", 1)
    reason = engine.core.place(
        engine.service.chain.seq, AGENT_BIT | 12345, 0, engine.cast.btc.pk, 1, _core.SIDE_BUY, _core.TYPE_LIMIT,
        _core.TIF_IOC, _core.FLAG_AGENT, 0, ticks, lots,
    )  # fmt: skip
    assert reason == 0 and engine.core.reports() == b""


def _poll(engine: Any) -> Any:
    def ask(query: messages.Query) -> messages.Reply:
        engine_answer = engine.ask(query)
        return messages.Reply(engine_answer[0], {}, engine.raw)

    later = clock.now() + timedelta(seconds=10)
    return poll(lambda report, shard: engine.ask(report), later, connect=lambda *_: RemoteSimExchange(ask))


def test_a_withheld_fill_is_found_and_booked_once(engine: Any) -> None:
    order = _resting_sell(engine, "0.01")
    _hit(engine, order, 400)
    assert Order.objects.get(id=order["id"]).filled_quantity == 0
    assert _poll(engine).mended == 1
    row = Order.objects.get(id=order["id"])
    assert (str(row.filled_quantity.normalize()), row.status) == ("0.004", "partially_filled")
    assert Fill.objects.filter(order_uuid=row.id).count() == 1
    assert _poll(engine).mended == 0 and Fill.objects.filter(order_uuid=row.id).count() == 1
    engine.core.verify()


@pytest.mark.parametrize("point", ["poll.found", "poll.sent"])
def test_a_poll_that_dies_is_made_up_for_by_the_next(engine: Any, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    order = _resting_sell(engine, "0.01")
    _hit(engine, order, 400)

    def die(name: str) -> None:
        if name == point:
            raise SystemExit

    monkeypatch.setattr(poll_module.failpoints, "reach", die)
    with pytest.raises(SystemExit):
        _poll(engine)
    monkeypatch.undo()
    assert _poll(engine).mended == (1 if point == "poll.found" else 0)
    assert str(Order.objects.get(id=order["id"]).filled_quantity.normalize()) == "0.004"
    assert Fill.objects.filter(order_uuid=order["id"]).count() == 1


def test_a_withheld_last_fill_ends_the_order(engine: Any) -> None:
    order = _resting_sell(engine, "0.01")
    _hit(engine, order, 1000)
    assert engine.core.market_order(Order.objects.get(id=order["id"]).order_no) is None
    assert _poll(engine).mended == 1
    assert Order.objects.get(id=order["id"]).status == "filled"
    before = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before


def test_a_cancel_before_the_poll_does_not_lose_the_fill(engine: Any) -> None:
    order = _resting_sell(engine, "0.01")
    _hit(engine, order, 1000)
    engine.ask(engine.cancel(order["id"]))
    _poll(engine)
    row = Order.objects.get(id=order["id"])
    assert (row.status, str(row.filled_quantity.normalize())) == ("filled", "0.01")


def test_a_cancel_after_a_withheld_part_waits_for_it_and_ends_canceled(engine: Any) -> None:
    order = _resting_sell(engine, "0.01")
    _hit(engine, order, 400)
    status, body, _ = engine.ask(engine.cancel(order["id"]))
    assert (status, body["status"]) == (202, "new")
    assert engine.core.market_order(Order.objects.get(id=order["id"]).order_no) is None
    assert _poll(engine).mended == 1
    row = Order.objects.get(id=order["id"])
    assert (row.status, str(row.filled_quantity.normalize())) == ("canceled", "0.004")
    engine.core.verify()


def test_a_fill_that_cannot_be_read_books_nothing_and_ends_nothing(engine: Any) -> None:
    order = _resting_sell(engine, "0.01")
    for trade_id, fee in (("no number", ""), ("7", "1e5"), (str(2**70), "")):
        fill = messages.ReportedFill(
            exchange_trade_id=trade_id, price_ticks=6_500_000, quantity_lots=1, maker=True, fee=fee, fee_asset="USDT"
        )
        report = messages.ExchangeReport(
            owner_id=engine.cast.account.owner_id, account_id=engine.cast.account.pk, id=order["id"], fills=[fill]
        )
        status, answer, _ = engine.ask(report)
        assert (status, answer["code"]) == (400, "INVALID"), trade_id
    assert Order.objects.get(id=order["id"]).filled_quantity == 0
    engine.core.verify()
