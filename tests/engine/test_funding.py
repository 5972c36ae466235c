"""Paper money: opened once, posted as double entries, reset to where it began."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orders.models import Balance, Funding, LedgerEntry, Order, Position


def test_the_opening_money_is_there_and_posted_against_the_opening_book(engine: Any) -> None:
    assert Balance.objects.get(account=engine.cast.account, asset__code="USDT").total == 100_000
    legs = LedgerEntry.objects.filter(account=engine.cast.account, asset__code="USDT", kind="opening")
    assert {(leg.book, leg.amount) for leg in legs} == {("account", Decimal(100_000)), ("opening", Decimal(-100_000))}
    assert not Funding.objects.filter(applied_seq__isnull=True).exists()


def test_a_restart_posts_nothing_twice(engine: Any) -> None:
    engine.restart()
    assert Balance.objects.get(account=engine.cast.account, asset__code="USDT").total == 100_000


def test_money_that_is_held_cannot_be_taken_out(engine: Any) -> None:
    engine.ask(engine.place("buy", "1", "60000"))
    asset = Balance.objects.get(account=engine.cast.account, asset__code="USDT").asset
    wish = Funding.objects.create(
        owner=engine.cast.trader, account=engine.cast.account, kind="transfer", asset=asset, amount=Decimal(-90_000)
    )
    engine.turn()
    engine.ask(engine.place("buy", "0.001", "50000"))
    wish.refresh_from_db()
    assert wish.applied_seq is None and wish.refused
    assert Balance.objects.get(account=engine.cast.account, asset=asset).total == 100_000


def test_a_reset_cancels_closes_and_opens_again(engine: Any) -> None:
    engine.ask(engine.place("buy", "0.5"))
    engine.ask(engine.place("buy", "0.01", "50000"))
    Funding.objects.create(owner=engine.cast.trader, account=engine.cast.account, kind="reset")
    engine.ask(engine.place("buy", "0.01", "50000", account=engine.cast.others))
    balances = dict(Balance.objects.filter(account=engine.cast.account).values_list("asset__code", "total"))
    assert balances["USDT"] == 100_000 and balances["BTC"] == 2
    assert Order.objects.filter(account=engine.cast.account, status="new").count() == 0
    assert Position.objects.get(account=engine.cast.account).quantity == 0
    for balance in Balance.objects.filter(account=engine.cast.account):
        entries = LedgerEntry.objects.filter(account=engine.cast.account, asset=balance.asset, book="account")
        assert balance.total == sum(entry.amount for entry in entries)
    before = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before
