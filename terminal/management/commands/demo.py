"""`manage.py demo`: the demo's people, accounts and keys, once, written to DATA/demo.json for whoever reads the screen or a script."""

from __future__ import annotations

import json
import os
import secrets
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from marketdata.models import Asset
from orders import keys, seeding
from orders.audit import lines
from orders.models import Account, Owner
from strategies.seeding import seed_demo
from terminal.up import installation

LOAD_AMOUNT = Decimal(10**9)


class Command(BaseCommand):
    """See the module."""

    help = "Make the demo's user, accounts and keys, and write them to DATA/demo.json (mode 0600). Harmless when it is there."

    def handle(self, *args: Any, **options: Any) -> None:
        """Nothing happens when demo.json is there: its secrets are shown once."""
        path = Path(settings.DATA) / "demo.json"
        if path.exists():
            self.stdout.write(f"{path} is there already; nothing was made.")
            return
        part = installation.demo_part(path)
        with (
            transaction.atomic()
        ):  # the secrets are on disk before anybody has them, or a death in between would lose them
            installation.write_private(part, json.dumps(make(), indent=1))
        part.replace(path)
        self.stdout.write(f"The demo's login is in {path}.")


def make() -> dict[str, Any]:
    """The demo's two people with an account and a key each; the content of demo.json."""
    seeding.seed_profiles()
    password = secrets.token_urlsafe(12)
    demo, demo_account = _person("demo", password, "paper", {"USDT": Decimal(100_000)}, operator=True)
    everything = {asset.code: LOAD_AMOUNT for asset in Asset.objects.all()}
    load, load_account = _person("load", None, "load", everything, operator=False)
    seed_demo(demo_account)
    demo_key, demo_secret = keys.create(demo, scopes=["read", "trade", "operate"], name="demo", paper_only=True)
    load_key, load_secret = keys.create(
        load, scopes=["read", "trade"], name="load", accounts=[load_account], paper_only=True
    )
    for key in (demo_key, load_key):
        lines.note("key.create", actor="the demo", target=key.key, owner_id=key.owner_id, scopes=key.scopes)
    return {
        "url": os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000"),
        "username": "demo",
        "password": password,
        "account": demo_account.name,
        "api_key": demo_key.key,
        "api_secret": demo_secret,
        "load": {"account": load_account.name, "api_key": load_key.key, "api_secret": load_secret},
    }


def _person(
    name: str, password: str | None, profile: str, opening: dict[str, Decimal], *, operator: bool
) -> tuple[Owner, Account]:
    user, _ = get_user_model().objects.get_or_create(
        username=name, defaults={"is_staff": operator, "is_superuser": operator}
    )
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    user.save()
    owner = seeding.owner_for(name)
    account, _ = seeding.seed_account(
        owner, {"name": name, "exchange": "sim", "profile": profile, "default": True, "opening": opening}
    )
    return owner, account
