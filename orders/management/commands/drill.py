"""How fast is the kill switch? Played on paper, measured, kept."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from orders import drill
from orders.errors import ApiError
from orders.identity import owner_of
from orders.models import Account, Drill


class Command(BaseCommand):
    """`drill USER`"""

    help = "Play the kill drill on a paper account: halt, cancel all, flatten while orders come in; prints the time to flat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")
        parser.add_argument(
            "--account", help="A paper account that may lose what it holds; one made for it unless said."
        )
        parser.add_argument("--json", action="store_true", help="The last line is the result.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        owner = owner_of(user)
        account = None
        if options["account"]:
            account = (
                Account.objects.select_related("exchange", "owner").filter(owner=owner, name=options["account"]).first()
            )
            if account is None:
                raise CommandError(f"{user} has no account {options['account']}.")
        try:
            row = drill.run(owner, "command line", account)
        except ApiError as error:
            raise CommandError(error.message) from None
        if options["json"]:
            self.stdout.write(json.dumps(drill.shape(row)))
            return
        self._print(row)
        if not drill.passed(row):
            raise CommandError("The drill was not passed.")

    def _print(self, row: Drill) -> None:
        self.stdout.write(
            f"Kill drill on {row.account} ({row.account.kind}), {row.orders} orders placed; since the press:"
        )
        for what, took, most in (
            ("last new order", row.last_order_ms, f"at most {drill.LAST_ORDER_MS}"),
            ("cancel all issued", row.cancel_issued_ms, f"at most {drill.CANCEL_MS}"),
            ("no order stands", row.canceled_ms, ""),
            ("flat", row.flat_ms, ""),
        ):
            shown = "never" if took is None else f"{took} ms"
            self.stdout.write(f"  {what:<20} {shown:>9}  {most}".rstrip())
