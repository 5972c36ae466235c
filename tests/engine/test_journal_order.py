"""The journal has reports in the order in which the core made them, whatever else one transaction does."""

from __future__ import annotations

from typing import Any

import psycopg

from marketdata import clock
from orders import _core
from orders.engine import journal
from orders.engine.service import database
from orders.models import Funding, Order

AGENT = 1 << 63 | 12345


def _replayed() -> int:
    core = _core.Core()
    with psycopg.connect(database()) as connection:
        for kind, payload in connection.execute("SELECT kind, payload FROM orders_journal ORDER BY seq"):
            journal.replay(core, kind, bytes(payload))
    return core.hash()


def test_a_fill_by_the_market_in_the_turn_of_a_reset_is_journalled_before_it(engine: Any) -> None:
    bid, _ = engine.touch()
    _, order, _ = engine.ask(engine.place("buy", "0.02", f"{(bid + 1) / 100:.2f}"))
    spec, account = engine.cast.btc, engine.cast.account
    engine.core.place(
        clock.now_ns(), AGENT, 0, spec.pk, spec.spec_version, _core.SIDE_SELL, _core.TYPE_LIMIT, _core.TIF_IOC,
        _core.FLAG_AGENT, 0, bid + 1, 500,
    )  # fmt: skip
    market = engine.core.reports()
    assert market
    Funding.objects.create(owner=account.owner, account=account, kind=Funding.Kind.RESET)
    service = engine.service
    service._transact(engine.connection, [], lambda batch, cursor: service._fold_market(batch, market))
    row = Order.objects.get(id=order["id"])
    assert (row.status, row.filled_quantity * 200) == ("canceled", 1)
    assert engine.core.hash() == _replayed()
