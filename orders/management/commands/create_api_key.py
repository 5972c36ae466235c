"""Make an API key for a user; its secret is printed once."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from orders import keys
from orders.audit import lines
from orders.identity import owner_of, user_scopes
from orders.models import Account


class Command(BaseCommand):
    """`create_api_key USER --scopes read,trade`"""

    help = (
        "Make an API key. It reaches all of the user's accounts, later and live ones too, unless narrowed; "
        "its secret is printed once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--scopes", required=True, nargs="+", help="Of read, trade, operate, admin.")
        parser.add_argument("--accounts", nargs="+", default=[], help="Names; all of the user's unless said.")
        parser.add_argument("--name", default="", help="What to call it in lists.")
        parser.add_argument("--paper-only", action="store_true", help="Never on a live account.")
        parser.add_argument("--json", action="store_true", help="The last line is {api_key, api_secret}.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        scopes, names = _words(options["scopes"]), _words(options["accounts"])
        beyond = [scope for scope in scopes if scope in keys.SCOPES and scope not in user_scopes(user)]
        if beyond:
            raise CommandError(
                f"{user} may not {', '.join(beyond)}, so no key of theirs may. Make them staff (operate) or superuser (admin)."
            )
        owner = owner_of(user)
        accounts = list(Account.objects.filter(owner=owner, name__in=names))
        missing = sorted(set(names) - {account.name for account in accounts})
        if missing:
            raise CommandError(f"{user} has no account {', '.join(missing)}.")
        try:
            with transaction.atomic():
                key, secret = keys.create(
                    owner, scopes=scopes, accounts=accounts, name=options["name"], paper_only=options["paper_only"]
                )
                lines.note("key.create", actor="command line", target=key.key, owner_id=owner.pk, scopes=key.scopes)
        except (keys.BadKeyRequest, keys.SecretUnreadable, OSError) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps({"api_key": key.key, "api_secret": secret}))
            return
        self.stdout.write(f"API key:    {key.key}")
        self.stdout.write(f"API secret: {secret}")
        self.stdout.write("Keep the secret now: it is not shown again.")


def _words(given: list[str]) -> list[str]:
    """Words with blanks or commas between."""
    return [word for item in given for word in item.split(",") if word]
