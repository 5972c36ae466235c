"""Put an account under another set of limits."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from orders import limits
from orders.audit import lines
from orders.models import Account, LimitProfile


class Command(BaseCommand):
    """`set_limits ACCOUNT --profile paper`"""

    help = "Put an account under another profile of limits; engines obey from their next transaction on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account")
        parser.add_argument(
            "--profile", required=True, help=f"One of {', '.join(limits.PROFILES)}, or one of your own."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        profile = LimitProfile.objects.filter(name=options["profile"]).first()
        if profile is None:
            known = ", ".join(LimitProfile.objects.values_list("name", flat=True))
            raise CommandError(f"There is no profile {options['profile']}; there are {known or 'none yet'}.")
        with transaction.atomic():
            account = Account.objects.select_for_update(of=("self",)).filter(name=options["account"]).first()
            if account is None:
                raise CommandError(f"There is no account {options['account']}.")
            if account.kind == Account.Kind.LIVE and profile.name != "live":
                raise CommandError(
                    f"{account} trades real money and stays under live limits; set single ones in the admin."
                )
            before, account.profile = account.profile.name, profile
            account.save(update_fields=["profile"])
            lines.note(
                "limits.profile",
                actor="command line",
                target=account.name,
                owner_id=account.owner_id,
                old=before,
                new=profile.name,
            )
        own = account.limits.count()
        beside = f", beside {own} limits of its own" if own else ""
        self.stdout.write(f"{account} is under the limits {profile} now{beside}.")
