"""What equity did since midnight UTC: without deposits, from the last point of yesterday, and unknown where it cannot be known."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from marketdata import clock
from marketdata.models import Asset
from orders import portfolio
from orders.models import Balance, EquityPoint, LedgerEntry
from tests.orders.cast import Town, found_town

pytestmark = pytest.mark.django_db
MIDNIGHT = portfolio.midnight(clock.now())
KNOWN: dict[str, Any] = {"": {("BTC", "USDT"): Fraction(50_000)}}


@pytest.fixture
def town() -> Town:
    town = found_town()
    hold(town, "USDT", "900")
    hold(town, "BTC", "0.004")  # 1,100 in all
    return town


def hold(town: Town, code: str, total: str) -> None:
    who = town.ann
    Balance.objects.create(
        account=who.account, owner=who.owner, asset=Asset.objects.get(code=code), total=Decimal(total),
        used=Decimal(0), as_of_seq=1,
    )  # fmt: skip


def point(town: Town, minutes: int, equity: str) -> None:
    at = MIDNIGHT + timedelta(minutes=minutes)
    who = town.ann
    EquityPoint.objects.create(
        account=who.account, owner=who.owner, at=at, equity=Decimal(equity), cash_flow=Decimal(0)
    )


def pay_in(town: Town, at: Any, kind: str, amount: str) -> None:
    who = town.ann
    LedgerEntry.objects.create(
        id=LedgerEntry.objects.count() + 1, at=at, owner=who.owner,
        account=who.account, book="account", asset=Asset.objects.get(code="USDT"), kind=kind,
        amount=Decimal(amount), journal_seq=1,
    )  # fmt: skip


def today(town: Town) -> tuple[Decimal | None, Decimal | None]:
    view = portfolio.view(town.ann.account, KNOWN)
    return view.equity_at_midnight, view.change_today


def test_it_begins_with_the_last_point_of_yesterday(town: Town) -> None:
    pay_in(town, MIDNIGHT - timedelta(days=2), "opening", "1000")
    point(town, -5, "1")
    point(town, 0, "1000")
    point(town, 1, "2")
    assert today(town) == (1000, 100)


def test_money_paid_in_today_is_no_gain(town: Town) -> None:
    pay_in(town, MIDNIGHT - timedelta(days=2), "opening", "1000")
    point(town, 0, "1000")
    pay_in(town, MIDNIGHT + timedelta(microseconds=1), "transfer", "60")
    assert today(town) == (1000, 40)


def test_an_account_first_funded_today_began_with_nothing(town: Town) -> None:
    pay_in(town, MIDNIGHT + timedelta(microseconds=1), "opening", "1000")
    assert today(town) == (0, 100)


def test_without_a_rate_the_change_is_unknown(town: Town) -> None:
    pay_in(town, MIDNIGHT - timedelta(days=2), "opening", "1000")
    point(town, 0, "1000")
    view = portfolio.view(town.ann.account, {"": {}})
    assert (view.equity, view.equity_at_midnight, view.change_today) == (None, 1000, None)
