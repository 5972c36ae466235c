"""Walk every chain of hashes: the journals' and the audit's."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, transaction

from orders.audit import heads, lines, signing, verify


class Command(BaseCommand):
    """`verify_audit`"""

    help = "Walk the chains of the journals and the audit; exit 1 and the first broken row if one does not hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--sign-anew",
            action="store_true",
            help="The key is lost: if every row holds, sign the heads with a new one.",
        )
        parser.add_argument("--quiet", action="store_true", help="Say only what does not hold.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Every chain is walked, whatever became of the one before; it may be done while everything runs."""
        quiet = bool(options["quiet"])
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                lines.chain_waiting(cursor)
            shards = verify.shards()
        except OperationalError as error:
            raise CommandError(f"The database cannot be read, so nothing was checked: {error}") from None
        walks = [(heads.journal(shard), lambda tell, shard=shard: verify.journal_of(shard, tell)) for shard in shards]
        walks.append((heads.AUDIT, verify.audit))
        broken, seen = [], []
        for name, walk in walks:
            walked = walk(lambda at, goal, name=name: None if quiet else self._tell(name, at, goal))
            seen.append(walked)
            if walked.broken:
                broken.append(walked.broken)
                self.stderr.write(f"{name}: {walked.entries:,} entries hold, then: {walked.broken}")
            elif not quiet:
                self.stdout.write(f"{name}: {walked.entries:,} entries hold, up to {walked.last:,}.")
        if broken and options["sign_anew"]:
            try:
                signing.sign_anew(seen)
            except signing.CannotSign as error:
                raise CommandError(str(error)) from None
            self.stdout.write("Every row holds; the heads are signed anew, and the audit says so.")
        elif broken:
            raise CommandError(f"{len(broken)} of {len(walks)} chains do not hold. The first: {broken[0]}")
        elif not quiet:
            self.stdout.write(f"All {len(walks)} chains hold, and their heads are signed.")

    def _tell(self, name: str, at: int, goal: int) -> None:
        of = f" of {goal:,} ({at * 100 // goal} %)" if goal else ""
        self.stdout.write(f"{name}: {at:,}{of}")
        self.stdout.flush()
