"""An order placed is decided, durable and answered in one transaction."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orders.engine import journal
from orders.models import Balance, ExecutionReport, Fill, Journal, LedgerEntry, Order, Position, Request


def test_a_market_order_fills_and_every_row_of_it_is_there(engine: Any) -> None:
    status, order, _ = engine.ask(engine.place("buy", "0.01", request_id="first"))
    assert (status, order["status"], order["filled_quantity"]) == (201, "filled", "0.01")
    row = Order.objects.get(request_id="first")
    fills = Fill.objects.filter(order_uuid=row.id)
    assert sum(fill.quantity for fill in fills) == row.filled_quantity == Decimal("0.01")
    assert sum(fill.cost for fill in fills) == row.cost
    position = Position.objects.get(account=engine.cast.account)
    assert (position.quantity, position.cost) == (Decimal("0.01"), row.cost)
    usdt = Balance.objects.get(account=engine.cast.account, asset__code="USDT")
    assert usdt.total == Decimal(100_000) - row.cost - row.fee and usdt.used == 0
    assert Request.objects.filter(request_id="first").count() == 1
    assert ExecutionReport.objects.filter(account=engine.cast.account, order_uuid=row.id).count() == 1 + fills.count()


def test_a_limit_order_rests_and_holds_its_money_with_the_fee(engine: Any) -> None:
    status, order, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    assert (status, order["status"], order["remaining_quantity"]) == (201, "new", "0.01")
    usdt = Balance.objects.get(account=engine.cast.account, asset__code="USDT")
    assert usdt.used == Decimal("500.25")


def test_postings_sum_to_zero_per_asset_and_entry(engine: Any) -> None:
    engine.ask(engine.place("buy", "0.02"))
    engine.ask(engine.place("sell", "0.01"))
    sums: dict[tuple[int, int], Decimal] = {}
    for entry in LedgerEntry.objects.all():
        key = (entry.journal_seq, entry.asset_id)
        sums[key] = sums.get(key, Decimal(0)) + entry.amount
    assert sums and set(sums.values()) == {Decimal(0)}


def test_balances_are_the_sum_of_their_postings(engine: Any) -> None:
    for side, quantity in (("buy", "0.02"), ("sell", "0.005"), ("buy", "0.01"), ("sell", "0.025")):
        assert engine.ask(engine.place(side, quantity))[0] == 201
    for balance in Balance.objects.filter(account=engine.cast.account):
        entries = LedgerEntry.objects.filter(account=engine.cast.account, asset=balance.asset, book="account")
        assert balance.total == sum(entry.amount for entry in entries)


def test_a_refused_order_is_recorded_with_its_reason(engine: Any) -> None:
    status, body, _ = engine.ask(engine.place("sell", "5", "70000", request_id="too-much"))
    assert (status, body["code"], body["limit"], body["value"]) == (422, "BALANCE_INSUFFICIENT", "2", "5")
    row = Order.objects.get(request_id="too-much")
    assert (row.status, row.reason["code"]) == ("rejected", "BALANCE_INSUFFICIENT")
    assert body["order"]["id"] == str(row.id)


def test_a_stale_order_is_recorded_and_not_executed(engine: Any) -> None:
    status, body, _ = engine.ask(engine.place("buy", "0.01", "70000"), age_ms=6000)
    assert (status, body["code"]) == (422, "COMMAND_STALE")
    status, body, _ = engine.ask(engine.place("buy", "0.01"), age_ms=2500)
    assert (status, body["code"]) == (422, "COMMAND_STALE")
    assert not Fill.objects.exists() and Order.objects.filter(status="rejected").count() == 2


def test_an_old_spec_version_is_409(engine: Any) -> None:
    status, body, _ = engine.ask(engine.place("buy", "0.01", "60000", spec_version=7))
    assert (status, body["code"]) == (409, "SPEC_CHANGED")


def test_somebody_elses_account_is_not_found(engine: Any) -> None:
    command = engine.place("buy", "0.01")
    stolen = type(command)(
        **{name: getattr(command, name) for name in command.__struct_fields__} | {"owner_id": engine.cast.other.pk}
    )
    assert engine.ask(stolen)[0] == 404
    assert not Order.objects.exists()


def test_the_journal_is_one_chain_without_a_gap(engine: Any) -> None:
    for _ in range(3):
        engine.ask(engine.place("buy", "0.01"))
    before, seqs = b"", []
    for entry in Journal.objects.order_by("seq"):
        before = journal.link(before, entry.seq, entry.at_ns, entry.kind, bytes(entry.payload))
        assert bytes(entry.hash) == before
        seqs.append(entry.seq)
    assert seqs == list(range(1, len(seqs) + 1))
