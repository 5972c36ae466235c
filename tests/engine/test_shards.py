"""Two shards: an owner moves with its money and positions, each journal tells its part, and the market reaches both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from orders import caller, services
from orders._core import Core
from orders.engine import journal
from orders.engine import lease as leases
from orders.engine.service import EngineService, database
from orders.models import Account, Balance, LedgerEntry, Order, Owner, Position
from tests.engine import hand

LIMIT = {
    "account": "trader",
    "symbol": "BTC/USDT",
    "side": "buy",
    "type": "limit",
    "price": "50000",
    "quantity": "0.001",
}


class Second(hand.Engine):
    """The engine of shard 1."""

    def start(self) -> None:
        self.service = EngineService(1)
        self.connection = self.connect()
        lease = leases.take(self.connection, 1)
        assert lease is not None
        self.service.lease = lease
        self.service._recover(self.connection)


@pytest.fixture
def second(engine: Any) -> Iterator[Second]:
    made = Second(engine.cast)
    yield made
    made.close()


def _move(engine: Any, second: Any, shard: int) -> None:
    """As the command does, with the turns of both engines by hand."""
    Owner.objects.filter(name="trader").update(moving_to=shard)
    for _ in range(3):
        engine.turn()
        second.turn()
    owner = Owner.objects.get(name="trader")
    assert (owner.shard, owner.settled, owner.moving_to) == (shard, True, None)


def _money(account: Account) -> dict[str, Any]:
    return dict(Balance.objects.filter(account=account).values_list("asset__code", "total"))


def _hash_of(shard: int) -> int:
    core = Core()
    with psycopg.connect(database()) as link:
        for kind, payload in link.execute(
            "SELECT kind, payload FROM orders_journal WHERE shard = %s ORDER BY seq", (shard,)
        ):
            journal.replay(core, kind, bytes(payload))
            core.reports()
    return core.hash()


def _sell(engine: Any, second: Second) -> Any:
    """On shard 1, as soon as it has heard enough of the market, which lives in shard 0."""
    deadline = time.monotonic() + 30
    while True:
        engine.turn()
        second.turn()
        status, body, _ = second.ask(second.place("sell", "0.01", request_id=f"s{time.monotonic_ns()}"))
        if status == 201:
            return body
        assert body["code"] in ("DATA_STALE", "NO_LIQUIDITY") and time.monotonic() < deadline, body


def test_money_and_positions_go_along_and_come_back(engine: Any, second: Second) -> None:
    engine.ask(engine.place("buy", "0.02"))
    resting = engine.ask(engine.place("buy", "0.01", "50000"))[1]
    before, held = _money(engine.cast.account), Position.objects.get(account=engine.cast.account)
    postings = LedgerEntry.objects.count()
    _move(engine, second, 1)
    order = Order.objects.get(id=resting["id"])
    assert (order.status, order.reason["code"]) == ("canceled", "OWNER_MOVED")
    account = Account.objects.get(pk=engine.cast.account.pk)
    assert account.kind == "paper" and _money(account) == before and LedgerEntry.objects.count() == postings
    assert Position.objects.get(account=account).quantity == held.quantity
    for each, shard in ((engine, 0), (second, 1)):
        assert each.core.hash() == _hash_of(shard)
        each.core.verify()
    assert _sell(engine, second)["status"] == "filled"
    _move(engine, second, 0)
    assert Account.objects.get(pk=account.pk).kind == "simulated"
    status, sold, _ = engine.ask(engine.place("sell", "0.01"))
    assert (status, sold["status"]) == (201, "filled"), sold
    assert Position.objects.get(account=account).quantity == 0
    assert not LedgerEntry.objects.values("journal_seq", "asset").annotate(sum=Sum("amount")).exclude(sum=0).exists()


def test_a_shard_that_does_not_have_the_owner_decides_nothing(engine: Any, second: Second) -> None:
    _move(engine, second, 1)
    status, body, headers = engine.ask(engine.place("buy", "0.01", "50000"))
    assert (status, body["code"], "Retry-After" in headers) == (503, "NOT_ACCEPTED", True)
    assert not Order.objects.exists()


def test_both_come_back_after_a_crash(engine: Any, second: Second) -> None:
    engine.ask(engine.place("buy", "0.02"))
    _move(engine, second, 1)
    btc, account = engine.cast.btc, engine.cast.account
    held = second.core.account_position(account.pk, btc.pk)
    assert held is not None and held[0] > 0
    for each in (engine, second):
        each.crash()
        each.start()  # which compares core and rows
    assert second.core.account_position(account.pk, btc.pk) == held


def test_callers_find_the_shard(engine: Any, second: Second) -> None:
    _move(engine, second, 1)
    caller.default.cache_clear()
    engine.run()
    second.run()
    try:
        deadline = time.monotonic() + 30
        while (reply := services.place(Owner.objects.get(name="trader"), LIMIT)).status != 201:
            assert time.monotonic() < deadline, reply.body  # until it has heard of the market
        assert set(Order.objects.values_list("shard", flat=True)) == {1}
    finally:
        engine.end()
        second.end()
        caller.default.cache_clear()


def test_there_is_no_shard_but_those_that_run(engine: Any, settings: Any) -> None:
    with pytest.raises(CommandError, match="There is no shard 1"):
        call_command("move_owner", "trader", "--shard", "1")
    settings.ENGINE_SHARDS = 2
    with pytest.raises(CommandError, match="No engine takes orders on shard 1"):
        call_command("move_owner", "trader", "--shard", "1")
    assert Owner.objects.get(name="trader").moving_to is None
