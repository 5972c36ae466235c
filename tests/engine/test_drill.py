"""The kill drill: a trading paper account is stopped, swept and flattened, and how long it took is kept."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from orders import caller, drill, services
from orders.errors import ApiError
from orders.models import Account, Drill, Halt, Order, Position


@pytest.fixture
def live(engine: Any) -> Any:
    caller.default.cache_clear()
    engine.run()
    yield engine
    engine.end()
    caller.default.cache_clear()


def test_it_measures_the_last_order_the_sweep_and_flat_and_leaves_the_account_as_it_was(live: Any) -> None:
    said = StringIO()
    call_command("drill", "trader", stdout=said)
    row = Drill.objects.get()
    account = Account.objects.get(name="drill-trader")
    assert row.account == account and account.kind == "simulated" and drill.passed(row)
    assert row.detail["refused_after"] > 0 and row.orders > drill.STANDING
    assert 0 <= row.cancel_issued_ms <= row.canceled_ms and row.canceled_ms <= row.flat_ms < 10_000
    assert not Order.objects.filter(account=account, status="new").exists()
    assert not Position.objects.filter(account=account).exclude(quantity=0).exists()
    assert Halt.objects.get().state == "active"
    assert f"flat {row.flat_ms} ms" in " ".join(said.getvalue().split())
    assert services.place(live.cast.trader, {"account": "drill-trader", "symbol": "BTC/USDT", "side": "buy", "type": "limit",
                                             "price": "50000", "quantity": "0.001"}).status == 201  # fmt: skip


def test_it_is_not_played_while_trading_is_stopped_nor_with_real_money(engine: Any) -> None:
    services.set_halt("owner", "", "halted", by="a test", owner=engine.cast.trader)
    with pytest.raises(ApiError, match="Resume first"):
        drill.run(engine.cast.trader, "a test")
    engine.cast.account.kind = "live"
    with pytest.raises(ApiError, match="only played on paper"):
        drill.run(engine.cast.trader, "a test", engine.cast.account)
    assert not Drill.objects.exists()


def test_a_second_one_waits_for_the_first(engine: Any) -> None:
    cast = engine.cast
    Drill.objects.create(owner=cast.trader, account=cast.account, actor="a test", at=drill.clock.now())
    with pytest.raises(ApiError, match="under way"):
        drill.run(cast.trader, "a test")
