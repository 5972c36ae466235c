"""Add an account for a user."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from marketdata.models import Asset, Exchange
from orders import catalog
from orders.audit import lines
from orders.identity import owner_of
from orders.models import Account, LimitProfile


class Command(BaseCommand):
    """`add_account USER --name N --exchange X --kind paper`"""

    help = "Add an account for a user. Paper money only in this release."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--name", required=True, help="Unique in the installation.")
        parser.add_argument("--exchange", required=True)
        parser.add_argument("--kind", required=True, choices=("paper", "sandbox", "live"))
        parser.add_argument("--profile", default="paper", help="Its limits; paper unless said.")
        parser.add_argument("--credentials", help="For sandbox and live.")
        parser.add_argument("--arm", metavar="HOURS", help="For live.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["kind"] != "paper":
            raise CommandError(
                f"This release has no gateway to exchanges yet, so a {options['kind']} account could not trade. "
                "Nothing was added and no credential was read; use --kind paper."
            )
        if options["credentials"] or options["arm"]:
            raise CommandError("A paper account has no credentials and is never armed. Nothing was added.")
        user = get_user_model().objects.filter(username=options["user"]).first()
        exchange = Exchange.objects.filter(name=options["exchange"]).first()
        profile = LimitProfile.objects.filter(name=options["profile"]).first()
        for found, what in ((user, "user"), (exchange, "exchange"), (profile, "profile")):
            if found is None:
                raise CommandError(f"There is no {what} {options[what]}. Nothing was added.")
        if Account.objects.filter(name=options["name"]).exists():
            raise CommandError(f"There is an account {options['name']} already. Nothing was added.")
        with transaction.atomic():
            owner = owner_of(user)
            account = Account.objects.create(
                owner=owner,
                name=options["name"],
                exchange=exchange,
                kind=Account.kind_on(exchange, owner),
                profile=profile,
                reporting_asset=Asset.objects.get_or_create(code="USDT")[0],
                is_default=not Account.objects.filter(owner=owner, exchange=exchange, is_default=True).exists(),
            )
            catalog.fund_opening(account)
            lines.note(
                "account.create", actor="command line", target=account.name, owner_id=owner.pk, kind=account.kind,
                profile=profile.name,
            )  # fmt: skip
        money = ", ".join(f"{amount:,} {code}" for code, amount in catalog.PAPER_OPENING)
        self.stdout.write(f"{account} is there: {account.kind} on {exchange}, limits {profile}, opened with {money}.")
