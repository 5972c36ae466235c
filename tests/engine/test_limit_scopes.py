"""A limit's row in any scope is obeyed from the next transaction on, over restarts too, and gone when its row is."""

from __future__ import annotations

from typing import Any

import pytest

from orders.models import ApiKey, RiskLimit


def row(engine: Any, scope: str, key: str, owned: bool, **values: int) -> None:
    for code, value in values.items():
        owner = engine.cast.trader if owned else None
        RiskLimit.objects.create(scope=scope, key=key, owner=owner, code=code, value=value)


def placed(engine: Any) -> str:
    key = ApiKey.objects.filter(key="mk_1").first()
    return engine.ask(engine.place("buy", "0.01", "50000", strategy_id="grid", key_id=key.pk if key else None))[1].get(
        "code", ""
    )


@pytest.mark.parametrize(
    ("scope", "key", "owned"),
    [
        ("global", "", False),
        ("exchange", "sim", False),
        ("owner", "", True),
        ("strategy", "grid", True),
        ("instrument", "sim:BTC/USDT", False),
        ("key", "mk_1", True),
    ],
)
def test_a_limit_of_any_scope_counts_over_restarts(engine: Any, scope: str, key: str, owned: bool) -> None:
    ApiKey.objects.create(owner=engine.cast.trader, key="mk_1", secret_box=b"", scopes=["trade"])
    row(engine, scope, key, owned, open_orders_max=2)
    assert [placed(engine) for _ in range(3)] == ["", "", "OPEN_ORDERS_MAX"]
    engine.restart()
    assert placed(engine) == "OPEN_ORDERS_MAX"
    engine.core.verify()
    engine.crash()
    RiskLimit.objects.filter(scope=scope).delete()  # nobody lived to see it
    engine.start()
    assert placed(engine) == ""


def test_of_two_hundred_at_once_exactly_as_many_as_the_limit_are_taken(engine: Any) -> None:
    RiskLimit.objects.create(account=engine.cast.account, code="open_orders_max", value=10)
    answers = engine.ask_all([engine.place("buy", "0.01", "50000") for _ in range(200)])
    assert sorted(status for status, _, _ in answers) == [201] * 10 + [422] * 190


def test_what_only_accounts_have_means_nothing_elsewhere(engine: Any) -> None:
    row(engine, "global", "", False, daily_loss_bp=1, executions_max=10**6)
    assert placed(engine) == ""
