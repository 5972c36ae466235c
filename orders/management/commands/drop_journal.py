"""Drop old months of the journal; each leaves a signed anchor that the rest hangs on."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders.audit import anchors, heads


class Command(BaseCommand):
    """`drop_journal --before 2026-01`"""

    help = (
        "Drop the months of the journal before one, oldest first; `verify_audit` goes on from the anchors they leave."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", required=True, help="The first month that stays, as 2026-01.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would go; change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            month = date.fromisoformat(options["before"] + "-01")
        except ValueError:
            raise CommandError("--before takes a month, as 2026-01. Nothing was dropped.") from None
        names = anchors.months_before(month)
        for name in names[:1] if options["dry_run"] else names:
            try:
                gone = anchors.drop(name, "command line", options["dry_run"])
            except (anchors.CannotDrop, heads.KeyMissing) as error:
                raise CommandError(str(error)) from None
            would = "would go" if options["dry_run"] else "is gone"
            what = ", ".join(f"{one.chain} {one.first_seq}-{one.last_seq}" for one in gone) or "empty"
            self.stdout.write(f"{name} {would}: {what}.")
        for name in names[1:] if options["dry_run"] else ():
            self.stdout.write(f"{name} would be looked at after it.")
        if not names:
            self.stdout.write(f"The journal has no month before {options['before']}.")
