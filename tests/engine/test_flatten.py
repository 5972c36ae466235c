"""Flatten: cancel all, close all, step by step, whatever stops trading; decided once, however often it is asked or interrupted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from marketdata import clock
from marketdata.models import Instrument
from orders import messages, services, urgent
from orders.engine import flatten
from orders.models import Account, Audit, Fill, Halt, Journal, Order, Position, RiskLimit, UrgentCommand


def settle(engine: Any, row: UrgentCommand) -> UrgentCommand:
    """Turns until it is decided."""
    for _ in range(200):
        engine.turn()
        row.refresh_from_db()
        if row.decided_seq is not None:
            return row
    raise AssertionError(f"not decided: {row.progress}")


def hold(engine: Any) -> None:
    """Long by hand, short for a strategy, and orders that stand."""
    for command in (
        engine.place("buy", "0.5"),
        engine.place("sell", "0.2", strategy_id="grid"),
        engine.place("buy", "1000000", instrument=engine.cast.shib),
        engine.place("buy", "0.01", "50000"),
        engine.place("sell", "0.01", "90000", strategy_id="grid"),
    ):
        status, body, _ = engine.ask(command)
        assert status == 201, body


def held(engine: Any) -> list[Decimal]:
    found = Position.objects.filter(account=engine.cast.account).exclude(quantity=0)
    return list(found.values_list("quantity", flat=True))


def ask(engine: Any) -> UrgentCommand:
    return urgent.flatten(engine.cast.account, "a test")


def test_it_cancels_all_and_closes_each_strategys_position(engine: Any) -> None:
    hold(engine)
    row = settle(engine, ask(engine))
    assert row.status == 200 and row.answer["flat"] and row.answer["canceled"] == 2 and row.answer["orders"] == 3
    assert held(engine) == [] and not engine.core.open_orders(engine.cast.account.pk)
    closing = Order.objects.filter(source="flatten")
    assert {order.strategy_id for order in closing} == {"", "grid"} and all(order.reduce_only for order in closing)
    actions = Audit.objects.filter(target="account:trader").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["flatten.asked", "flatten.begin", "flatten.flat"]
    assert any(bytes(row.payload) in bytes(entry.payload) for entry in Journal.objects.filter(kind="command"))
    engine.core.verify()


@pytest.mark.parametrize("state", ["halted", "reducing"])
def test_it_works_while_trading_is_stopped(engine: Any, state: str) -> None:
    hold(engine)
    services.set_halt("global", "", state, by="a test")
    assert settle(engine, ask(engine)).answer["flat"]
    assert held(engine) == []
    assert Halt.objects.get().state == state


def test_no_limit_of_the_account_holds_it_back(engine: Any) -> None:
    hold(engine)
    for code, value in {"notional_max": 1, "rate_per_second": 1, "rate_burst": 1, "open_orders_max": 1}.items():
        RiskLimit.objects.create(account=engine.cast.account, code=code, value=value)
    assert settle(engine, ask(engine)).answer["flat"]


def test_asked_again_while_under_way_it_is_the_same_one_and_afterwards_there_is_nothing_to_do(engine: Any) -> None:
    hold(engine)
    row = ask(engine)
    assert ask(engine).pk == row.pk
    settle(engine, row)
    again = settle(engine, ask(engine))
    assert again.pk != row.pk and again.answer["flat"] and again.answer["orders"] == 0


def test_nothing_new_is_placed_on_the_account_meanwhile_and_others_trade_on(engine: Any) -> None:
    hold(engine)
    Instrument.objects.filter(pk=engine.cast.btc.pk).update(status="halted")  # so that it takes a while
    row = ask(engine)
    engine.turn()
    engine.turn()
    shib = {"instrument": engine.cast.shib}
    assert engine.ask(engine.place("buy", "1000000", **shib))[1]["code"] == "FLATTENING"
    assert engine.ask(engine.place("buy", "1000000", account=engine.cast.others, **shib))[0] == 201
    Instrument.objects.filter(pk=engine.cast.btc.pk).update(status="trading")
    assert settle(engine, row).answer["flat"]
    assert engine.ask(engine.place("buy", "1000000", **shib))[0] == 201


def test_killed_after_any_step_a_successor_goes_on_and_nothing_is_done_twice(engine: Any) -> None:
    hold(engine)
    row = ask(engine)
    steps = 0
    while row.decided_seq is None:
        engine.turn()
        engine.restart()
        steps += 1
        row.refresh_from_db()
        assert steps < 50
    assert row.answer["flat"] and row.answer["orders"] == 3 and row.answer["canceled"] == 2
    assert Order.objects.filter(source="flatten").count() == 3
    assert Audit.objects.filter(action="flatten.flat").count() == 1
    closed = sum(
        Fill.objects.filter(account=engine.cast.account, strategy_id="grid").values_list("quantity", flat=True)
    )
    assert closed == Decimal("0.4")  # sold once, bought back once
    assert held(engine) == []
    engine.turn()
    row.refresh_from_db()
    assert Audit.objects.filter(action="flatten.flat").count() == 1


def test_dust_below_a_lot_is_said_and_does_not_block_flat(engine: Any) -> None:
    engine.ask(engine.place("buy", "0.00008"))  # worth a little more than the smallest order
    btc = engine.cast.btc
    btc.notional_min = Decimal(50)
    btc.save()
    row = settle(engine, ask(engine))
    assert row.answer["flat"] and row.answer["left"] == []
    (dust,) = row.answer["dust"]
    assert (dust["symbol"], dust["quantity"], dust["reason"]["code"]) == ("BTC/USDT", "0.00008", "NOTIONAL_MIN")


def test_what_cannot_be_traded_is_named_as_left(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(engine)
    btc = engine.cast.btc
    btc.status = "halted"
    btc.save()
    monkeypatch.setattr("orders.engine.flatten.PATIENCE_NS", 0)
    monkeypatch.setattr("orders.engine.flatten.PAUSE_NS", 0)
    row = settle(engine, ask(engine))
    assert row.status == 200 and not row.answer["flat"] and "NOT flat" in row.answer["message"]
    assert {left["reason"]["code"] for left in row.answer["left"]} == {"INSTRUMENT_NOT_TRADING"}
    assert len(held(engine)) == 2  # SHIB is sold
    assert urgent.shape(row)["state"] == "left"


def test_one_that_waited_too_long_is_answered_and_not_done(engine: Any) -> None:
    hold(engine)
    row = ask(engine)
    UrgentCommand.objects.update(at=clock.from_ms(clock.now_ms() - 61_000))
    settle(engine, row)
    assert (row.status, row.answer["code"]) == (422, "COMMAND_STALE") and len(held(engine)) == 3
    assert urgent.shape(row)["state"] == "refused"


def test_one_at_which_engines_die_is_set_aside_and_trading_goes_on(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(engine)
    row = ask(engine)

    def die(*_: Any) -> bool:
        raise RuntimeError("as if the process were gone")

    with monkeypatch.context() as deadly:
        deadly.setattr(flatten, "step", die)
        for _ in range(3):
            with pytest.raises(RuntimeError):
                engine.restart()
                for _ in range(5):
                    engine.turn()
    engine.restart()
    settle(engine, row)
    assert (row.status, row.answer["code"]) == (500, "COMMAND_DEADLY") and len(held(engine)) == 3
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201


def test_somebody_elses_account_is_not_there(engine: Any) -> None:
    stolen = messages.Flatten(owner_id=engine.cast.other.pk, account_id=engine.cast.account.pk)
    row = settle(engine, urgent.ask(stolen, 0, "a thief"))
    assert (row.status, row.answer["code"]) == (404, "NOT_FOUND")


def test_what_cannot_be_read_is_answered_and_stops_nobody(engine: Any) -> None:
    row = UrgentCommand.objects.create(owner=engine.cast.trader, kind="flatten", payload=b"nonsense")
    settle(engine, row)
    assert row.status == 400
    account = Account.objects.get(pk=engine.cast.account.pk)
    assert settle(engine, urgent.flatten(account, "a test")).status == 200
