"""The `limits`, `owners` and `accounts` sections of a seed file."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model

from marketdata.models import Asset, Exchange
from orders import catalog, limits
from orders.models import Account, Funding, LimitProfile, Owner, RiskLimit


def seed_profiles() -> list[str]:
    """The three profiles of orders/limits.py, where they are missing; what was made, as sentences."""
    made = []
    for name, values in limits.PROFILES.items():
        profile, new = LimitProfile.objects.get_or_create(name=name)
        if new:
            made.append(f"limit profile {name}")
            RiskLimit.objects.bulk_create(
                RiskLimit(profile=profile, code=code, value=value) for code, value in values.items()
            )
    return made


def owner_for(username: str) -> Owner:
    """The owner of this user, made when missing. The user must be there."""
    user = get_user_model().objects.get(username=username)
    owner, _ = Owner.objects.get_or_create(user=user, defaults={"name": username})
    return owner


def seed_account(owner: Owner, row: dict[str, Any]) -> tuple[Account, bool]:
    """An account and its opening money: {name, exchange, profile?, default?, reporting_asset?, opening: {asset: amount}}."""
    exchange = Exchange.objects.get(name=row["exchange"])
    kind = Account.Kind.SIMULATED if exchange.source == Exchange.Source.SIMULATOR else Account.Kind.PAPER
    account, new = Account.objects.get_or_create(
        name=row["name"],
        defaults={
            "owner": owner,
            "exchange": exchange,
            "kind": kind,
            "profile": LimitProfile.objects.get(name=row.get("profile", "paper")),
            "reporting_asset": Asset.objects.get_or_create(code=row.get("reporting_asset", "USDT"))[0],
            "is_default": bool(row.get("default", False)),
        },
    )
    if new:
        opening = row.get("opening")
        if opening is None:
            catalog.fund_opening(account)
        for code, amount in (opening or {}).items():
            asset, _ = Asset.objects.get_or_create(code=code)
            Funding.objects.create(
                owner=owner, account=account, kind=Funding.Kind.OPENING, asset=asset, amount=Decimal(str(amount))
            )
    return account, new
