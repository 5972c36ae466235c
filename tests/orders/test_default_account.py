"""An order without an account goes to the person's default account of the exchange: paper money, made at first use, the same ever after."""

from __future__ import annotations

from decimal import Decimal

import pytest

from marketdata.models import Exchange
from orders import catalog
from orders.models import Account, Funding
from tests.orders.cast import Town, found_town, make_person

pytestmark = pytest.mark.django_db
OPENING = {"USDT": Decimal(100_000), "IDR": Decimal(1_500_000_000), "BTC": Decimal(2)}


@pytest.fixture
def town() -> Town:
    return found_town()


def test_it_is_made_at_first_use_with_the_promised_money(town: Town) -> None:
    elsewhere = Exchange.objects.create(name="tokocrypto", source="simulator")
    made = catalog.default().default_account(town.ann.owner.pk, "tokocrypto")
    row = Account.objects.get(pk=made.id)
    assert (row.exchange, row.kind, row.profile.name, row.is_default) == (elsewhere, "simulated", "paper", True)
    given = Funding.objects.filter(account=row, kind="opening").values_list("asset__code", "amount")
    assert dict(given) == OPENING


def test_the_second_order_goes_to_the_same(town: Town) -> None:
    Exchange.objects.create(name="hist", source="replay")
    first = catalog.default().default_account(town.ann.owner.pk, "hist")
    catalog.default().forget()
    assert catalog.default().default_account(town.ann.owner.pk, "hist") == first
    assert Account.objects.get(pk=first.id).kind == "paper"


def test_it_is_never_one_with_real_money(town: Town) -> None:
    carl = make_person("carl", town.exchange)
    Account.objects.filter(pk=carl.account.pk).update(kind="live", is_default=False)
    catalog.default().forget()
    made = catalog.default().default_account(carl.owner.pk, "sim")
    assert made.id != carl.account.pk and made.kind == "simulated"
