"""The `limits` and `accounts` sections of a seed file, and what the demo makes with the same code."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Sum

from marketdata.models import Asset, Exchange
from marketdata.precision import decimal_text
from marketdata.seeding import Report, SeedError, checked
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
    """An account and its opening money: {name, exchange, profile?, default?, reporting_asset?, margin?, opening?: {asset:
    amount}}. `margin` is the most leverage in basis points; without it the account is a cash account.

    Money is given once, when the account is made: a seed applied again must not pay twice.
    """
    exchange = Exchange.objects.get(name=row["exchange"])
    kind = Account.kind_on(exchange, owner)
    account, new = Account.objects.get_or_create(
        name=row["name"],
        defaults={
            "owner": owner,
            "exchange": exchange,
            "kind": kind,
            "profile": LimitProfile.objects.get(name=row.get("profile", "paper")),
            "reporting_asset": Asset.objects.get_or_create(code=row.get("reporting_asset", "USDT"))[0],
            "margin": int(row.get("margin", 0)),
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


class Limits:
    """`limits`: {profile, <name of orders/limits.py>: value, …}, or instead of `profile` a scope of the installation and its key:
    {scope: exchange, key: sim, …}. The three built-in profiles are always there."""

    name = "limits"

    def apply(self, rows: Any, report: Report) -> None:
        """Profiles are added, their numbers corrected; a limit the file does not name stays."""
        for made in seed_profiles():
            report(f"+ {made}")
        scoped = [row for row in rows if isinstance(row, dict) and "scope" in row]
        for row in checked(scoped, self.name, {"scope", "key", *limits.LIMITS}, {"scope"}):
            self._scope(row, report)
        plain = [row for row in rows if row not in scoped]
        for row in checked(plain, self.name, {"profile", *limits.LIMITS}, {"profile"}):
            profile, new = LimitProfile.objects.get_or_create(name=row["profile"])
            if new:
                report(f"+ limit profile {profile}")
            for code in limits.LIMITS.keys() & row.keys():
                value = Decimal(str(row[code]))
                limit = RiskLimit.objects.filter(profile=profile, code=code).first()
                if limit is None or limit.value != value:
                    RiskLimit.objects.update_or_create(profile=profile, code=code, defaults={"value": value})
                    report(f"~ limit {profile} {code} {decimal_text(value)}")

    def _scope(self, row: dict[str, Any], report: Report) -> None:
        scope, key = str(row["scope"]), str(row.get("key", ""))
        if scope not in limits.MARKETS:
            raise SeedError(
                f"limits: {scope} is none of {', '.join(limits.MARKETS)}, the scopes a seed file can limit."
            )
        for code in sorted(limits.LIMITS.keys() & row.keys()):
            try:
                value = limits.checked(code, Decimal(str(row[code])))
            except ValueError as error:
                raise SeedError(f"limits of {scope} {key}: {code} {error}.") from None
            place = {"scope": scope, "key": key, "owner": None, "code": code}
            limit = RiskLimit.objects.filter(**place).first()
            if limit is None or limit.value != value:
                RiskLimit.objects.update_or_create(**place, defaults={"value": value})
                report(f"~ limit {scope} {key} {code} {decimal_text(value)}")

    def export(self) -> Any:
        """Every profile with its numbers, and the scopes of the installation."""
        scopes: dict[tuple[str, str], dict[str, str]] = {}
        for limit in RiskLimit.objects.filter(scope__in=limits.MARKETS):
            scopes.setdefault((limit.scope, limit.key), {})[limit.code] = decimal_text(limit.value)
        return [{"scope": scope, "key": key} | values for (scope, key), values in scopes.items()] + [
            {"profile": profile.name} | {limit.code: decimal_text(limit.value) for limit in profile.limits.all()}
            for profile in LimitProfile.objects.prefetch_related("limits")
        ]


class Accounts:
    """`accounts`: {owner, name, exchange, profile?, default?, reporting_asset?, margin?, opening?}; `owner` is a user's name."""

    name = "accounts"
    optional = {"profile", "default", "reporting_asset", "margin", "opening"}

    def apply(self, rows: Any, report: Report) -> None:
        """Accounts are added with their opening money; one that is there is left as it is."""
        seed_profiles()
        for row in checked(
            rows, self.name, {"owner", "name", "exchange", *self.optional}, {"owner", "name", "exchange"}
        ):
            self._apply(row, report)

    def export(self) -> Any:
        """Every paper account; keys and real accounts are not a seed file's business."""
        found = Account.objects.filter(kind__in=("paper", "simulated")).select_related(
            "owner__user", "exchange", "profile", "reporting_asset"
        )
        return [
            {
                "owner": row.owner.user.get_username(),
                "name": row.name,
                "exchange": row.exchange.name,
                "profile": row.profile.name,
                "default": row.is_default,
                "reporting_asset": row.reporting_asset.code,
                "opening": _opening(row),
                **({"margin": row.margin} if row.margin else {}),
            }
            for row in found
        ]

    def _apply(self, row: dict[str, Any], report: Report) -> None:
        label = f"account {row['name']}"
        if 0 < int(row.get("margin", 0)) < 10_000:
            raise SeedError(f"{label}: margin is leverage in basis points, 10000 or more; 0 is a cash account.")
        try:
            owner = owner_for(row["owner"])
            _, new = seed_account(owner, row)
        except get_user_model().DoesNotExist:
            raise SeedError(f"{label}: there is no user {row['owner']}. Make one in the admin first.") from None
        except Exchange.DoesNotExist:
            raise SeedError(f"{label}: there is no exchange {row['exchange']}.") from None
        except LimitProfile.DoesNotExist:
            raise SeedError(f"{label}: there is no limit profile {row.get('profile', 'paper')}.") from None
        if new:
            report(f"+ {label}")


def _opening(account: Account) -> dict[str, str]:
    given = (
        account.fundings.filter(kind=Funding.Kind.OPENING, refused="").values("asset__code").annotate(sum=Sum("amount"))
    )
    return {row["asset__code"]: decimal_text(row["sum"]) for row in given}
