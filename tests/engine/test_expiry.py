"""Orders that stand only for a time end by themselves, while nobody sends anything, and while nobody was there."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from marketdata import clock
from orders.messages import Terms
from orders.models import Balance, Order

SECOND = 1_000_000_000


def _until(engine: Any, seconds: int) -> dict[str, Any]:
    terms = Terms(expires_at_ns=(clock.now_ns() // 1000 + seconds * 1_000_000) * 1000)
    _, order, _ = engine.ask(engine.place("buy", "0.01", "50000", time_in_force="gtd", terms=terms))
    return dict(order)


def test_an_idle_engine_ends_an_order_when_its_time_has_come(engine: Any) -> None:
    order = _until(engine, 2)
    assert order["status"] == "new" and order["expires_at"].endswith("Z")
    deadline = Order.objects.get().expires_at
    while clock.now() < deadline:
        time.sleep(0.01)
    engine.turn()
    row = Order.objects.get()
    assert row.status == "expired"
    assert Balance.objects.get(account=engine.cast.account, asset__code="USDT").used == 0


def test_it_ends_within_a_quarter_of_a_second(engine: Any) -> None:
    _until(engine, 2)
    expires_at = Order.objects.get().expires_at
    engine.run()
    deadline = expires_at + timedelta(seconds=5)
    while Order.objects.get().status == "new" and clock.now() < deadline:
        time.sleep(0.02)
    engine.end()
    row = Order.objects.get()
    assert row.status == "expired" and row.updated_at - expires_at < timedelta(milliseconds=250)


def test_an_order_that_expired_while_nobody_was_there_ends_at_the_start(engine: Any) -> None:
    _until(engine, 2)
    engine.crash()
    time.sleep(2.1)
    engine.start()
    engine.turn()
    assert Order.objects.get().status == "expired"


def test_a_time_that_has_passed_is_refused(engine: Any) -> None:
    terms = Terms(expires_at_ns=clock.now_ns() - SECOND)
    status, body, _ = engine.ask(engine.place("buy", "0.01", "50000", time_in_force="gtd", terms=terms))
    assert (status, body["code"]) == (422, "EXPIRE_IN_PAST")
    assert Order.objects.get().status == "rejected"


def test_a_day_order_says_when_its_day_ends(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01", "50000", time_in_force="day"))
    assert order["time_in_force"] == "day" and order["status"] == "new"
    assert order["expires_at"].endswith("T00:00:00.000000Z")
