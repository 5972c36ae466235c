"""Limits and accounts from a seed file: once, again, and back into a file."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from marketdata import seeding
from marketdata.models import Exchange
from orders.models import Account, Funding, RiskLimit

FILE = """
limits:
  - {profile: careful, open_orders_max: 5, open_orders_instrument_max: 2, notional_max: 100, rate_per_second: 1,
     rate_burst: 2, self_trade: 1}
  - {scope: exchange, key: sim, price_jump_bp: 2000}
accounts:
  - {owner: ann, name: ann-sim, exchange: sim, profile: careful, opening: {USDT: "1000.5"}}
"""


@pytest.fixture
def ann(db: None) -> None:
    get_user_model().objects.create_user("ann")
    Exchange.objects.create(name="sim", source="simulator")


@pytest.mark.usefixtures("ann")
def test_a_seed_makes_profiles_and_accounts_once() -> None:
    first = seeding.apply(seeding.load(FILE))
    assert "+ account ann-sim" in first
    assert seeding.apply(seeding.load(FILE)) == []
    account = Account.objects.get(name="ann-sim")
    assert (account.kind, account.profile.name) == ("simulated", "careful")
    assert Funding.objects.filter(account=account).count() == 1
    assert RiskLimit.objects.get(scope="exchange", key="sim").value == 2000
    assert RiskLimit.objects.get(profile__name="careful", code="open_orders_max").value == 5


@pytest.mark.usefixtures("ann")
def test_a_seed_for_a_user_who_is_not_there_says_so_and_does_nothing() -> None:
    with pytest.raises(seeding.SeedError, match="no user bob"):
        seeding.apply(seeding.load(FILE.replace("ann,", "bob,")))
    assert not Account.objects.exists()


@pytest.mark.usefixtures("ann")
def test_a_margin_account_is_seeded_with_its_leverage() -> None:
    seeding.apply(seeding.load(FILE.replace("careful, opening", "careful, margin: 30000, opening")))
    assert Account.objects.get(name="ann-sim").margin == 30_000
    assert "margin: 30000" in seeding.export()
    with pytest.raises(seeding.SeedError, match="basis points"):
        seeding.apply(seeding.load(FILE.replace("careful, opening", "careful, margin: 3, opening")))


@pytest.mark.usefixtures("ann")
def test_what_is_exported_is_what_is_there() -> None:
    seeding.apply(seeding.load(FILE))
    assert seeding.apply(seeding.load(seeding.export())) == []
