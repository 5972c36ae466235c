"""manage.py seed: exchanges, instruments, subscriptions (and the sections of other apps) from YAML, or back into it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketdata import seeding
from marketdata.seeding import SeedError

DEMO = Path(__file__).resolve().parent.parent.parent / "seeds" / "demo.yaml"


class Command(BaseCommand):
    """Applying a file twice changes nothing the second time."""

    help = (
        "Apply a seed file (YAML); `demo` is the one that comes along. With --export, print this installation as one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", metavar="FILE.yaml", help="The seed file, or the word demo.")
        parser.add_argument("--dry-run", action="store_true", help="Print the differences and change nothing.")
        parser.add_argument("--export", action="store_true", help="Print this installation as a seed file.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["export"]:
            self.stdout.write(seeding.export(), ending="")
            return
        if not options["file"]:
            raise CommandError("Say which file to seed (or `demo`), or --export.")
        path = DEMO if options["file"] == "demo" else Path(options["file"])
        try:
            changes = seeding.apply(seeding.load(path.read_text(encoding="utf-8")), dry_run=options["dry_run"])
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{path} cannot be read: {error}. Nothing was changed.") from error
        except SeedError as error:
            raise CommandError(f"{path}: {error} Nothing was changed.") from error
        for change in changes:
            self.stdout.write(change)
        done = "would be made" if options["dry_run"] else "made"
        self.stdout.write(f"{len(changes)} changes {done}." if changes else "Nothing to change: all of it is there.")
