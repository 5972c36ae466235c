"""`manage.py move_owner OWNER --shard N`: another engine for a person and all their accounts."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketdata import clock
from orders.models import Lease, Owner

WAIT_S = 30


class Command(BaseCommand):
    help = "Move an owner to the engine of another shard. Open orders are canceled; balances and positions go along."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("owner", help="Name of the owner.")
        parser.add_argument("--shard", type=int, required=True, help="From 0 to ENGINE_SHARDS - 1.")

    def handle(self, *args: Any, **options: Any) -> None:
        shard = options["shard"]
        if not 0 <= shard < settings.ENGINE_SHARDS:
            raise CommandError(
                f"There is no shard {shard}: ENGINE_SHARDS is {settings.ENGINE_SHARDS}. Nothing was moved."
            )
        owner = Owner.objects.filter(name=options["owner"]).first()
        if owner is None:
            raise CommandError(f"There is no owner {options['owner']}. Nothing was moved.")
        if owner.shard == shard and owner.settled:
            self.stdout.write(f"{owner.name} is on shard {shard}.")
            return
        for needed in {owner.shard, shard}:
            if not Lease.objects.filter(shard=needed, ready=True).exists():
                raise CommandError(f"No engine takes orders on shard {needed}, so nothing was moved. Start it first.")
        Owner.objects.filter(pk=owner.pk).update(moving_to=shard)
        self._wait(owner, shard)
        self.stdout.write(
            f"{owner.name} is on shard {shard}. Open orders were canceled; balances and positions went along."
        )

    def _wait(self, owner: Owner, shard: int) -> None:
        until_ns = clock.monotonic_ns() + WAIT_S * 1_000_000_000
        while clock.monotonic_ns() < until_ns:
            owner.refresh_from_db()
            if owner.shard == shard and owner.settled:
                return
            if owner.shard != shard and owner.moving_to is None:
                raise CommandError(
                    f"{owner.name} stays on shard {owner.shard}: an account of it owes money. Pay it back first."
                )
            time.sleep(0.05)
        raise CommandError(f"{owner.name} is not there yet. The engines go on with it by themselves; ask again to see.")
